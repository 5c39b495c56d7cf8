"""The sandbox's mail servers as something that can be restarted after a push (see targets.reload)."""

from __future__ import annotations

from typing import Any

from workers.sandbox.client import ControlClient, ControlError


class SandboxServers:
    """Restarts through the control socket and tells which commit a server read when it booted."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def restart(self, domain: str, role: str) -> str:
        """Boot `role` again; returns the commit that it read. Raises ControlError when it stays dead."""
        status = self._client.restart(role, domain)
        if status.get("state") != "running":
            raise ControlError(f"it is {status.get('state')}: {status.get('reason') or 'no reason given'}")
        return str(status.get("commit") or "")

    def commit_read(self, domain: str, role: str) -> str | None:
        for status in self._client.status()["roles"]:
            if _is(status, domain, role) and status.get("state") == "running":
                return str(status.get("commit") or "") or None
        return None


def _is(status: dict[str, Any], domain: str, role: str) -> bool:
    return status.get("domain") == domain and status.get("role") == role
