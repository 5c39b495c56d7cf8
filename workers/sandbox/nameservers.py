"""The sandbox's name servers in one piece: ptt's primary on zone.git, and the server of the zones above."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import paramiko

from tenants import keys
from tenants.formats.sshkeys import new_ssh_key
from tenants.formats.zones.names import Name
from workers.repository import RemoteRepository
from workers.sandbox import zone_repository
from workers.sandbox.control_socket import RequestError
from workers.sandbox.delegation import Delegation, Delegations
from workers.sandbox.dns_listener import DnsListener
from workers.sandbox.git_host import GitHost
from workers.sandbox.listener import Console
from workers.sandbox.primary.server import Primary
from workers.sandbox.primary.zones import Held
from workers.ssh import SshEndpoint

__all__ = ["NameServers"]

UNPRIVILEGED_PORT = 1053
"""Where they listen when this user may not have port 53."""
_MOST_SERVERS = 20


class NameServers:
    """Needs a git host that runs; it makes zone.git there. Raises OSError where an address is taken."""

    def __init__(
        self, data: Path, git_host: GitHost, primary: tuple[str, int], registry: tuple[str, int]
    ) -> None:
        self._folder, self._git_host = data / "primary", git_host
        self._primary_address, self._registry_address = primary, registry
        self._primary: Primary | None = None
        self.delegations = Delegations(self.held, primary[0], registry[0])
        self._registry = DnsListener(*registry, self.delegations.handle, fallback=UNPRIVILEGED_PORT)
        self.root_key = ""
        """The key that covers every zone, as unikernels take it: a secret, of a toy."""

    async def start(self) -> None:
        """Make what is missing, boot the primary, listen."""
        self._primary = await asyncio.to_thread(self._prepare)
        await self._primary.restart()
        await self._registry.listen()

    async def stop(self) -> None:
        await self._registry.close()
        if self._primary is not None:
            await self._primary.stop()

    def status(self) -> dict[str, Any]:
        """What the primary does, and where the server above is."""
        assert self._primary is not None  # noqa: S101 - asked only while it runs
        registry = {"host": self._registry.host, "port": self._registry.port}
        return {**self._primary.status(), "registry": registry}

    async def command(self, command: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """`restart_primary`, or `delegate` (see ControlClient). Raises RequestError."""
        if command == "restart_primary" and self._primary is not None:
            await self._primary.restart()
        elif command == "delegate":
            zone, delegation = _read_delegation(request)
            self.delegations.delegate(zone, delegation)
        return self.status()

    def held(self) -> Held:
        """What the primary holds now."""
        assert self._primary is not None  # noqa: S101 - asked only while it runs
        return self._primary.held

    def _prepare(self) -> Primary:
        """Blocks: keys, repository, and the primary's own key at the git host."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        root = zone_repository.root_key(self._folder)
        self.root_key = root.unikernel_string()
        private = keys.write_once(self._folder / "ssh-key", new_ssh_key("primary of the sandbox")[0]) + "\n"
        self._git_host.authorize(_public_line(private))
        repository = self._git_host.create_repository(zone_repository.PATH, zone_repository.BRANCH)
        try:
            zone_repository.make(repository, root, self._primary_address[0])
        except subprocess.CalledProcessError as error:
            raise OSError(f"zone.git cannot be made: git {error.cmd[3]} failed") from error
        host, port = self._primary_address
        endpoint = SshEndpoint(
            self._git_host.host, self._git_host.port, "git", private, pinned_key=self._git_host.public_key
        )
        return Primary(
            host=host,
            port=port,
            fallback=UNPRIVILEGED_PORT,
            remote=RemoteRepository(endpoint, zone_repository.PATH, zone_repository.BRANCH),
            folder=self._folder / "clone.git",
            console=Console("primary"),
        )


def _public_line(private: str) -> str:
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(private))
    return f"{key.get_name()} {key.get_base64()}"


def _read_delegation(request: Mapping[str, Any]) -> tuple[Name, Delegation | None]:
    try:
        zone = Name.of(str(request["zone"]).lower())
        servers = json.loads(str(request["servers"]))
        if servers is None:
            return zone, None
        entered = list(servers.items())[:_MOST_SERVERS]
        names = {Name.of(name.lower()): addresses for name, addresses in entered}
        glue = tuple(
            (name, IPv4Address(address)) for name, addresses in names.items() for address in addresses
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise RequestError("invalid", "zone, servers: write names, each with a list of addresses") from None
    return zone, Delegation(tuple(names), glue)
