"""Steering a running sandbox from another process, through its control socket."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.unix_path import short_name

TIMEOUT = 60.0  # seconds; a restart reads a repository
MAX_ANSWER = 16_000_000  # bytes


class ControlError(Exception):
    """The sandbox was asked for something and there is no good answer."""


class SandboxUnreachableError(ControlError):
    """No sandbox runs behind this socket."""


class SandboxTimeoutError(ControlError):
    """The sandbox did not answer in time; what was asked for may still happen."""


class SandboxAnswerError(ControlError):
    """The answer is none that a sandbox gives."""


class SandboxRefusedError(ControlError):
    """The sandbox says no; `code` is unknown, invalid, conflict, full or failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ControlClient:
    """Asks the sandbox behind the socket at `path`; a connection for each question."""

    def __init__(self, path: Path | str, *, timeout: float = TIMEOUT) -> None:
        self._path, self._timeout = Path(path), timeout

    def status(self) -> dict[str, Any]:
        """Every server: `roles` (role, domain, state, reason, host, port, booted_at, commit, entries,
        skipped, console), `mailroom`, `git_host`, `ca_file`, `mail_folder`. Raises ControlError."""
        return self._ask({"command": "status"})

    def restart(self, role: str, domain: str) -> dict[str, Any]:
        """Boot the `submission` or `relay` server of a domain again, and return its status once it is ready.

        A server that cannot boot answers with the state `dead` and a reason. Raises ControlError.
        """
        return self._ask({"command": "restart", "role": role, "domain": domain})

    def add_domain(self, domain: str, repository: Path | str, branch: str) -> dict[str, Any]:
        """Serve a domain from a branch of a bare repository on this machine; return the status of its two
        servers by role. The same again changes nothing. Raises ControlError."""
        request = {
            "command": "add_domain",
            "domain": domain,
            "repository": os.fspath(repository),
            "branch": branch,
        }
        return self._ask(request)

    def restart_primary(self) -> dict[str, Any]:
        """Boot the primary name server again, which clones zone.git anew; return its status. Raises
        ControlError."""
        return self._ask({"command": "restart_primary"})

    def delegate(self, zone: str, servers: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
        """Enter name servers, each with its addresses (glue), in the zone above `zone`, as a registrar does;
        None: what the zone itself says. Raises ControlError."""
        return self._ask({"command": "delegate", "zone": zone, "servers": json.dumps(servers)})

    def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        line = json.dumps(request).encode("ascii") + b"\n"
        deadline = time.monotonic() + self._timeout
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self._timeout)
                with short_name(self._path) as name:
                    connection.connect(name)
                connection.sendall(line)
                answer = _read_line(connection, deadline)
        except TimeoutError:
            raise SandboxTimeoutError(f"the sandbox did not answer within {self._timeout:g} s") from None
        except OSError as error:
            raise SandboxUnreachableError(
                f"no sandbox answers at {self._path} ({error.strerror or error}); is it started?"
            ) from None
        return _result(answer)


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(65_536)
        if not chunk or len(received) > MAX_ANSWER:
            raise SandboxAnswerError("the sandbox hung up in the middle of its answer")
        received += chunk
    return bytes(received)


def _result(answer: bytes) -> dict[str, Any]:
    try:
        value = json.loads(answer)
        if value["ok"] is True and isinstance(value["result"], dict):
            result: dict[str, Any] = value["result"]
            return result
        error = value["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        raise SandboxAnswerError("the answer of the sandbox cannot be read") from None
    raise SandboxRefusedError(code, message)
