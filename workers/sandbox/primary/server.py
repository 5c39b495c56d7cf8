"""The primary at its address: boots from zone.git, answers over UDP and TCP, pulls on a signed NOTIFY, and
commits what updates change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.opcode
import dns.rcode

from tenants.formats.zones.keyfile import Right
from tenants.formats.zones.names import Name
from workers.repository import RemoteRepository
from workers.sandbox.dns_listener import DnsListener
from workers.sandbox.listener import Console, clean
from workers.sandbox.primary.answers import answer_query, reply, wire_of, zone_of
from workers.sandbox.primary.clone import Clone, PullFailed, PushFailed
from workers.sandbox.primary.signing import Request, read_request
from workers.sandbox.primary.updating import Refused, Updated, apply_update
from workers.sandbox.primary.zones import Held, file_zone, is_key_file, load, may, may_be_zone
from workers.sandbox.roles import State

__all__ = ["Primary"]

SHOWN_ZONES = 200


class Primary:
    """Runs in the sandbox's loop, on ports as DnsListener has them. `open_transfers` is the unikernel's
    `--axfr`."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        fallback: int | None = None,
        remote: RemoteRepository,
        folder: Path,
        console: Console,
        open_transfers: bool = False,
        clock: Callable[[], float] = time.time,
        called: Callable[[str], str] = str,
    ) -> None:
        """`called` gives the address by which a client is known."""
        self.console = console
        self.held = Held()
        self._called = called
        self._open_transfers, self._clock = open_transfers, clock
        self._remote, self._folder = remote, folder
        self._clone: Clone | None = None
        self._git = asyncio.Lock()
        self._state, self._reason = State.STOPPED, ""
        self._booted_at: datetime | None = None
        self._listener = DnsListener(host, port, self.handle, fallback=fallback)
        self.heard_pulls = 0

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def port(self) -> int:
        return self._listener.port

    # life -----------------------------------------------------------------------------------------

    async def restart(self) -> dict[str, Any]:
        """Stop it, clone, and listen. Where git cannot be reached it ends (exit 64) and stays dead."""
        await self.stop()
        self._state = State.BOOTING
        self.console.write("info", f"booting from {self._remote.path}#{self._remote.branch}")
        clone = await asyncio.to_thread(Clone, self._folder, self._remote, self._clock)
        try:
            files = await asyncio.to_thread(clone.pull)
        except PullFailed as error:
            clone.close()
            self._state, self._reason = State.DEAD, clean(f"exit 64: {error}")
            self.console.write("error", f"could not clone, exiting with 64: {error}")
            return self.status()
        self._clone = clone
        if clone.head is None:
            self.console.write("warn", "the branch does not exist: no zones, and no keys")
        found = load(files)
        self._take(found.held, found.said)
        try:
            await self._listener.listen()
        except OSError as error:
            await self.stop()
            self._state, self._reason = State.DEAD, clean(error)
            raise
        self.console.write("info", f"answers at {self.host}:{self.port}")
        self._state, self._booted_at = State.RUNNING, datetime.now(UTC)
        return self.status()

    async def stop(self) -> None:
        """Stop listening, forget everything. Does nothing when it does not run."""
        await self._listener.close()
        if self._clone is not None:
            self._clone.close()
        self._clone = None
        self._state, self._reason, self.held = State.STOPPED, "", Held()

    def status(self) -> dict[str, Any]:
        """What is true now, ready for JSON; bounded and without any secret of a key."""
        return {
            "state": self._state.value,
            "reason": self._reason,
            "host": self.host,
            "port": self.port,
            "repository": self._remote.path,
            "branch": self._remote.branch,
            "booted_at": self._booted_at.isoformat() if self._booted_at else None,
            "commit": self._clone.head if self._clone else None,
            "pulls": self.heard_pulls,
            "zones": [zone.short for zone in self.held.zones()[:SHOWN_ZONES]],
        }

    # messages -------------------------------------------------------------------------------------

    async def handle(self, wire: bytes, source: str, udp: bool) -> list[bytes]:
        """Return the answers to one message; none for what is no request."""
        source = self._called(source)
        request = read_request(wire, self.held.keys, self._clock())
        if request is None:
            return []
        if isinstance(request, bytes):
            self.console.write("warn", f"{source}: a signature does not hold")
            return [request]
        try:
            return await self._answered(request, source, udp=udp)
        except dns.exception.DNSException as error:
            self.console.write("error", f"{source}: {error}")
            return []

    async def _answered(self, request: Request, source: str, *, udp: bool) -> list[bytes]:
        opcode = request.message.opcode()
        if not request.message.question:
            made = reply(request, dns.rcode.FORMERR)
        elif opcode == dns.opcode.NOTIFY:
            made = await self._notified(request)
        elif opcode == dns.opcode.UPDATE:
            made = await self._updated(request, source)
        elif opcode == dns.opcode.QUERY:
            return answer_query(self.held, request, udp=udp, open_transfers=self._open_transfers)
        else:
            made = reply(request, dns.rcode.NOTIMP)
        return [wire_of(made)]

    async def _notified(self, request: Request) -> dns.message.Message:
        """NOERROR, whatever comes of it; a pull only for a key that covers the name."""
        zone = zone_of(request.message)
        if request.key is not None and may(request.key, Right.NOTIFY, zone):
            await self.pull()
        return reply(request)

    async def pull(self) -> None:
        """Read all zones and keys again; when that fails the old ones stay."""
        if self._clone is None:
            return
        async with self._git:
            self.heard_pulls += 1
            try:
                files = await asyncio.to_thread(self._clone.pull)
            except PullFailed as error:
                self.console.write("error", f"pull failed: {error}")
                return
        found = load(files)
        self._complain(found.held)
        self._take(found.held, found.said)

    def _complain(self, held: Held) -> None:
        for zone in held.zones():
            before, now = self.held.soa(zone), held.soa(zone)
            if before and now and before.serial == now.serial and self.held.file(zone) != held.file(zone):
                self.console.write("warn", f"{zone.short}: SOA serial not incremented")

    def _take(self, held: Held, said: tuple[tuple[str, str], ...]) -> None:
        self.held = held
        for level, text in said:
            self.console.write(level, text)
        self.console.write("info", f"{len(held.zones())} zones and {len(held.keys)} keys loaded")

    async def _updated(self, request: Request, source: str) -> dns.message.Message:
        zone = zone_of(request.message)
        if request.key is None or not may(request.key, Right.UPDATE, zone):
            return reply(request, dns.rcode.NOTAUTH)
        try:
            done = apply_update(self.held, request.message)
        except Refused as refused:
            return reply(request, refused.code)
        if done.changed:
            self.held = done.held
            await self._store(done, f"{request.key.name.short}", source)
        return reply(request)

    async def _store(self, done: Updated, key: str, source: str) -> None:
        """Write back every zone whose serial became newer, and remove every file of a zone that is not
        served: the traps that eat broken files and READMEs."""
        if self._clone is None or not (done.newer or done.gone):
            return
        async with self._git:
            changes = self._written(done)
            try:
                await asyncio.to_thread(
                    self._clone.commit,
                    changes,
                    author=f"{key} via primary git",
                    message=f"changed by {source}",
                )
            except PushFailed as error:
                self.console.write("error", f"Push got an error: {error}")

    def _written(self, done: Updated) -> dict[bytes, bytes | None]:
        assert self._clone is not None  # noqa: S101 - checked by _store
        changes: dict[bytes, bytes | None] = {}
        served = set(done.held.zones())
        for name in self._clone.names():
            if may_be_zone(name) and not is_key_file(name) and file_zone(name) not in served:
                changes[name] = None
        for zone in done.newer:
            content = done.held.file(zone)
            if content is None:
                self.console.write("error", f"cannot write {zone.short}")
            else:
                changes[_file_name(zone)] = content
        return changes


def _file_name(zone: Name) -> bytes:
    return zone.lower.absolute.removesuffix(b".")
