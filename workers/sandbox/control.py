"""The whole sandbox in one object: git host, mailroom, resolver, and two mail servers for each domain, all on
loopback.

It stands for the machine that runs the unikernels. Programs steer it through a unix socket that only their
own user can open (see `client.ControlClient`); a restart there is what an albatross restart is for a real
stack.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import dns.name
import dns.rdatatype

from workers.sandbox import expansion, hop, paths, state
from workers.sandbox.addresses import Addresses
from workers.sandbox.certificates import Authority
from workers.sandbox.control_socket import ControlSocket, RequestError
from workers.sandbox.delegation import Resolved
from workers.sandbox.door import Door
from workers.sandbox.git_host import GitHost
from workers.sandbox.listener import Console, LoopThread, clean
from workers.sandbox.maildirs import MailStore
from workers.sandbox.mailroom import Mailroom
from workers.sandbox.names import HostedView
from workers.sandbox.nameservers import NameServers
from workers.sandbox.primary.zones import Held
from workers.sandbox.relay import Relay
from workers.sandbox.resolver import Resolver
from workers.sandbox.roles import Boot, Role
from workers.sandbox.routes import Routes, Stacks
from workers.sandbox.smtp import Limits
from workers.sandbox.submission import Submission
from workers.sandbox.users import Table, read_users

__all__ = ["MAX_SETTLING", "ROLES", "Addresses", "Sandbox", "SandboxError"]

ROLES = ("submission", "relay")
MAX_SETTLING = 200  # rounds


class SandboxError(Exception):
    """The sandbox cannot start or do what was asked; the text says why and what to do."""


class Sandbox:
    """Start it, and everything of it runs until `stop`; also a context manager. Not for production."""

    def __init__(
        self,
        data: Path,
        *,
        git_host: GitHost | None = None,
        repositories: Path | None = None,
        addresses: Addresses | None = None,
        mx_of: expansion.MxOf | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`data` holds certificates, state and mails; `repositories` is the folder that domains'
        repositories are in (default: `data`/repositories)."""
        self.data = data
        self.addresses = addresses or Addresses()
        self.repositories = repositories or data / "repositories"
        self._git_host, self._limits = git_host, limits
        self._view = HostedView(self.mail_server_of)
        self._routes = Routes(self, self._view)
        self._mx_of = mx_of or self._routes.mx_of
        self._loop = LoopThread()
        self._roles: dict[tuple[str, str], Role] = {}
        self._domains: list[state.SandboxDomain] = []
        self._lock_file: int | None = None
        self._mailroom: Mailroom | None = None
        self._resolver: Resolver | None = None
        self._names: NameServers | None = None
        self._door: Door | None = None
        self._socket: ControlSocket | None = None
        self._git_started = False
        self.stacks: Stacks | None = None
        """The mail stacks beside it, whose zones are part of the same world."""

    @property
    def control_path(self) -> Path:
        """The control socket."""
        return self.data / "control.sock"

    @property
    def authority(self) -> Authority:
        """Whose certificates clients of the sandbox trust."""
        return self._authority

    @property
    def ca_file(self) -> Path:
        """The certificate that clients have to trust (PEM)."""
        return self.data / "tls" / "ca.pem"

    @property
    def mail_folder(self) -> Path:
        """The folder of Maildirs."""
        return self.data / "mail"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; a domain whose repository cannot be read is dead, not an error. Raises
        SandboxError."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock()
        try:
            self._domains = state.load(self._state_file)
            self._authority = Authority(self.data / "tls")
            self._store = MailStore(self.mail_folder)
            if self._git_host is not None:
                self._git_host.start()
                self._git_started = True
            self._loop.start()
            self._loop.call(self._start())
        except (OSError, ValueError, state.StateError) as error:
            self.stop()
            raise SandboxError(f"the sandbox could not start: {error}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything; nothing of it keeps running. May be called twice."""
        try:
            if self._loop.running:
                self._loop.call(self._stop())
        finally:
            self._loop.stop()
            if self._git_host is not None and self._git_started:
                self._git_host.stop()
                self._git_started = False
            self._unlock()

    def status(self) -> dict[str, Any]:
        """What every server does, ready for JSON."""
        return self._loop.call(self._command("status", {}))

    def add_domain(self, domain: str, repository: str | Path, branch: str) -> dict[str, Any]:
        """Serve one more domain; the same again changes nothing. Raises RequestError."""
        request = {"domain": domain, "repository": str(repository), "branch": branch}
        return self._loop.call(self._command("add_domain", request))

    def restart(self, role: str, domain: str) -> dict[str, Any]:
        """Boot one server again, so that it reads the repository. Raises RequestError."""
        return self._loop.call(self._command("restart", {"role": role, "domain": domain}))

    def delegate(self, zone: str, servers: Mapping[str, Sequence[str]] | None) -> None:
        """Enter name servers in the zone above (see ControlClient). Raises RequestError."""
        request = {"zone": zone, "servers": json.dumps(servers)}
        self._loop.call(self._command("delegate", request))

    def root_key(self) -> str:
        """The key that covers every zone of the primary, a secret; empty without a git host."""
        return self._names.root_key if self._names else ""

    @property
    def mailroom_address(self) -> tuple[str, int]:
        """Where mail for the rest of the world is kept. Raises RuntimeError before the start."""
        if self._mailroom is None:
            raise RuntimeError("the sandbox does not run")
        return self._mailroom.host, self._mailroom.port

    def primary_address(self) -> tuple[str, int]:
        """Where the primary is. Raises RuntimeError without one."""
        if self._names is None:
            raise RuntimeError("the sandbox runs no primary")
        status = self._names.status()
        return status["host"], status["port"]

    def held(self) -> Held:
        """What the primary holds now; nothing without one."""
        return self._names.held() if self._names else Held()

    def settle(self) -> None:
        """Wait until every mail that a server accepted has gone its way (for tests)."""
        self._loop.call(self._settle())

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """What there is at a name in a zone that is served here; None for the rest of the world."""
        found = self.stacks.resolve_here(name, kind) if self.stacks else None
        return found or (self._names.delegations.resolve(name, kind) if self._names else None)

    # In the loop

    @property
    def _state_file(self) -> Path:
        return self.data / "domains.json"

    async def _start(self) -> None:
        host, port = self.addresses.mailroom()
        self._mailroom = Mailroom(
            host=host, port=port, store=self._store, console=Console("mailroom"), limits=self._limits
        )
        await self._mailroom.listen()
        if self._git_host is not None:
            here = self.addresses.primary(), self.addresses.registry()
            self._names = NameServers(self.data, self._git_host, *here)
            await self._names.start()
        host, port = self.addresses.resolver()
        console = Console("resolver")
        self._resolver = Resolver(host=host, port=port, view=self._view, console=console, zones=self)
        await self._resolver.listen()
        for known in self._domains:
            await self._boot_domain(known)
        self._door = Door(self.addresses.door(), self._authority, self.resolve, self.exchanger, self._limits)
        await self._door.listen()
        self._socket = ControlSocket(self.control_path, self._command)
        await self._socket.listen()

    async def _stop(self) -> None:
        for outside in (self._socket, self._door):
            if outside is not None:
                await outside.close()
        for role in self._roles.values():
            await role.stop()
        for beside in (self._mailroom, self._resolver):
            if beside is not None:
                await beside.close()
        if self._names is not None:
            await self._names.stop()
        self._roles, self._socket, self._mailroom, self._resolver, self._names = {}, None, None, None, None
        self._door = None

    async def _settle(self) -> None:
        for _ in range(MAX_SETTLING):  # a mail may go from server to server
            servers = [*self._roles.values(), self._mailroom, self._door]
            busy = [await each.settle() for each in servers if each is not None]
            if not any(busy):
                return

    async def _command(self, command: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if command == "status":
            return self._status()
        if command == "restart":
            role = self._roles.get((_text(request, "role"), _text(request, "domain").lower()))
            if role is None:
                raise RequestError("unknown", "role, domain: the sandbox runs no such server; see status")
            return await role.restart()
        if command == "add_domain":
            return await self._add_domain(request)
        if command in {"restart_primary", "delegate"} and self._names is not None:
            return await self._names.command(command, request)
        raise RequestError("unknown", "command: the sandbox has none of this name; see client.ControlClient")

    async def _add_domain(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            domain = paths.host_text(_text(request, "domain"))
            branch = state.check_branch(_text(request, "branch"))
        except ValueError as error:
            raise RequestError("invalid", str(error)) from None
        repository = Path(_text(request, "repository")).resolve()
        if not repository.is_relative_to(self.repositories.resolve()):
            raise RequestError("invalid", f"repository: it has to be in {self.repositories}")
        known = next((known for known in self._domains if known.domain == domain), None)
        if known is None:
            numbers = {other.number for other in self._domains}
            number = next((n for n in range(1, state.MAX_DOMAINS + 1) if n not in numbers), None)
            if number is None:
                raise RequestError("full", f"the sandbox serves at most {state.MAX_DOMAINS} domains")
            known = state.SandboxDomain(number, domain, str(repository), branch)
            state.save(self._state_file, [*self._domains, known])
            self._domains.append(known)
            await self._boot_domain(known)
        elif (known.repository, known.branch) != (str(repository), branch):
            raise RequestError("conflict", f"{domain} is already served from another repository or branch")
        return {role: self._roles[(role, domain)].status() for role in ROLES}

    async def _boot_domain(self, known: state.SandboxDomain) -> None:
        relay = self._make_relay(known)
        submission = self._make_submission(known, relay)
        self._roles["relay", known.domain] = relay
        self._roles["submission", known.domain] = submission
        await relay.restart()
        await submission.restart()

    def _make_relay(self, known: state.SandboxDomain) -> Role:
        host, port = self.addresses.relay(known.number)
        console = Console(f"relay {known.domain}")

        def build(boot: Boot) -> Relay:
            return Relay(
                host=host,
                port=boot.port,
                domain=known.domain,
                table=boot.table,
                store=self._store,
                console=console,
                mx_of=self._mx_of,
                route=self._routes.way,
                limits=self._limits,
                on_death=boot.on_death,
            )

        return self._role("relay", known, (host, port), console, build)

    def _make_submission(self, known: state.SandboxDomain, relay: Role) -> Role:
        host, port = self.addresses.submission(known.number)
        console = Console(f"submission {known.domain}")

        def build(boot: Boot) -> Submission:
            return Submission(
                host=host,
                port=boot.port,
                domain=known.domain,
                table=boot.table,
                tls=self._authority.server_context([f"smtp.{known.domain}", known.domain], host),
                following=lambda: hop.Way(*relay.address) if relay.address else None,
                console=console,
                limits=self._limits,
                on_death=boot.on_death,
            )

        return self._role("submission", known, (host, port), console, build)

    @staticmethod
    def _role(
        role: str,
        known: state.SandboxDomain,
        address: tuple[str, int],
        console: Console,
        build: Callable[[Boot], Relay] | Callable[[Boot], Submission],
    ) -> Role:
        def read() -> Table:
            return read_users(Path(known.repository), known.branch)

        return Role(
            role=role,
            domain=known.domain,
            host=address[0],
            port=address[1],
            console=console,
            read_table=read,
            build=build,
        )

    def mail_server_of(self, domain: str) -> str | None:
        """The address of that server."""
        known = next((known for known in self._domains if known.domain == domain), None)
        return self.addresses.relay(known.number)[0] if known is not None else None

    def exchanger(self, domain: str) -> tuple[str, int] | None:
        """The mail server of a domain that was added here; None for others."""
        role = self._roles.get(("relay", domain.lower()))
        return role.address if role is not None else None

    def _status(self) -> dict[str, Any]:
        mailroom, resolver = self._mailroom, self._resolver
        return {
            "roles": [role.status() for _, role in sorted(self._roles.items(), key=lambda item: item[0])],
            "mailroom": {"host": mailroom.host, "port": mailroom.port} if mailroom else None,
            "resolver": {"host": resolver.host, "port": resolver.port} if resolver else None,
            "git_host": {"host": self._git_host.host, "port": self._git_host.port}
            if self._git_host
            else None,
            "primary": self._names.status() if self._names else None,
            "door": {"host": self._door.host, "port": self._door.port} if self._door else None,
            "ca_file": str(self.ca_file),
            "mail_folder": str(self.mail_folder),
            "repositories": str(self.repositories),
        }

    # One sandbox for each data folder

    def _lock(self) -> None:
        lock = os.open(self.data / "sandbox.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise SandboxError(
                f"another sandbox runs in {self.data}; stop it or choose another folder"
            ) from None
        self._lock_file = lock

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value or len(value) > 4_096 or "\0" in value:
        raise RequestError("invalid", f"{clean(key)}: a text is missing here")
    return value
