"""A host with a stand-in for albatross: the daemon, its consoles and its statistics on three sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.certificates import Authority, Credentials
from workers.albatross.grammar.envelope import Header, Request
from workers.albatross.names import Name
from workers.albatross.releases import Release
from workers.albatross.services import Service
from workers.albatross.values import QuotaPolicy
from workers.sandbox.albatross.consoles import Consoles
from workers.sandbox.albatross.daemon import Daemon, Machine
from workers.sandbox.albatross.images import Inspect
from workers.sandbox.albatross.listing import relative
from workers.sandbox.albatross.measurements import measure
from workers.sandbox.albatross.policies import is_below
from workers.sandbox.albatross.profile import Profile
from workers.sandbox.albatross.programs import Lives, Program, never, ticking
from workers.sandbox.albatross.refusal import Refusal
from workers.sandbox.albatross.sockets import Handler, Line, Sockets
from workers.sandbox.albatross.state_file import State
from workers.sandbox.albatross.tls_endpoint import TlsEndpoint
from workers.sandbox.listener import LoopThread

_OF_TOMORROW = r.UnknownData(9)
"""What the fictive 2.8 also sends."""


@dataclass(slots=True, eq=False)
class _Follower:
    """A console subscription on a connection."""

    line: Line
    header: Header

    def send(self, line: r.ConsoleLine) -> None:
        self.line.send(self.header, line)

    def close(self) -> None:
        self.line.close()


class AlbatrossHost:
    """Start it, speak to its sockets in `folder`/util, stop it. `pace` stretches what unikernels wait for,
    `interval` is the time between measurements, both in seconds."""

    def __init__(
        self,
        folder: Path,
        release: Release,
        *,
        machine: Machine | None = None,
        inspect: Inspect | None = None,
        program: Program = ticking,
        lives: Lives = never,
        pace: float = 1.0,
        interval: float = 10.0,
    ) -> None:
        self.profile = Profile(release)
        self.machine = machine or Machine()
        self.consoles = Consoles(self.profile)
        self.daemon = Daemon(
            self.profile,
            self.machine,
            self.consoles,
            inspect=inspect,
            program=program,
            lives=lives,
            pace=pace,
        )
        self.asked: deque[tuple[str, str]] = deque(maxlen=1000)
        """What was asked of the daemon: the name and the kind of each command, the newest last."""
        self._interval = interval
        self._measured: dict[Name, Line] = {}
        handlers = {
            Service.DAEMON: self._daemon,
            Service.CONSOLE: self._console,
            Service.STATISTICS: self._statistics,
        }
        self.sockets = Sockets(folder, self.profile.accepts, handlers)
        self._handlers: dict[Service, Handler] = dict(handlers)
        self._endpoints: list[TlsEndpoint] = []
        self._loop = LoopThread()

    @property
    def deaths(self) -> list[str]:
        """Why its daemons died so far."""
        return list(self.sockets.deaths)

    def start(self, state: State | None = None) -> None:
        """Run what was kept, and listen. Raises OSError."""
        self._loop.start()
        self._loop.call(self._start(state or State()))

    def serve_tls(self, authority: Authority, server: Credentials, address: str, port: int = 0) -> int:
        """Also listen for clients whose certificates descend from `authority`; returns the port."""
        endpoint = TlsEndpoint(authority, server, self.profile, self._handlers, self._set_policy)
        self._endpoints.append(endpoint)
        return self._loop.call(endpoint.start(address, port))

    def stop(self) -> State | None:
        """End everything; returns what ran, and nothing where it was not started."""
        if not self._loop.running:
            return None
        state = self._loop.call(self._stop())
        self._loop.stop()
        return state

    def restart(self) -> None:
        """Restart all daemons, as after a death or an upgrade; unikernels come back from the state file."""
        self._loop.call(self._restart())

    def exit(self, name: Name, code: int) -> None:
        """Let a unikernel exit with this code. Raises KeyError."""

        async def leave() -> None:
            self.daemon.exit(name, code)

        self._loop.call(leave())

    def write(self, name: Name, raw: bytes) -> None:
        """Let a unikernel write these bytes to its console."""

        async def write() -> None:
            self.consoles.write(name, raw)

        self._loop.call(write())

    async def _set_policy(self, path: Name, policy: QuotaPolicy) -> r.Reply:
        try:
            outcome = await self.daemon.answer(self.profile.canonical(path), c.AddPolicy(policy))
        except Refusal as words:
            return r.Failure(self.profile.words(str(words)))
        return outcome.reply

    async def _start(self, state: State) -> None:
        self.daemon.policies.by_path.update(state.policies)
        await self.daemon.start(dict(state.unikernels))
        await self.sockets.start()

    async def _stop(self) -> State:
        for endpoint in self._endpoints:
            endpoint.stop()
        for service in Service:
            self.sockets.stop(service)
        policies = dict(self.daemon.policies.by_path)
        return State(await self.daemon.stop(), policies)

    async def _restart(self) -> None:
        for service in Service:
            self.sockets.stop(service)
        state = await self.daemon.stop()
        await self.daemon.start(state)
        await self.sockets.start()

    async def _daemon(self, line: Line, request: Request) -> bool:
        header = self._header(request)
        command = request.command
        self.asked.append((str(header.name), type(command).__name__))
        if not isinstance(
            command, c.UnikernelCommand | c.PolicyCommand | c.BlockCommand | c.ConnectStatistics
        ):
            line.send(header, r.Failure(b"unknown command"))
            return False
        try:
            if isinstance(command, c.SetBlock):
                line.send(header, await self._write_volume(line, header.name, command))
                return False
            outcome = await self.daemon.answer(header.name, command)
        except Refusal as words:
            line.send(header, r.Failure(self.profile.words(str(words))))
            return False
        line.send(header, outcome.reply)
        for piece in outcome.pieces:
            line.send(replace(header, sequence=0), piece)
            await line.drain()
        return outcome.keeps_open or isinstance(command, c.ConnectStatistics)

    async def _write_volume(self, line: Line, name: Name, command: c.SetBlock) -> r.Reply:
        writer = self.daemon.writer(name, compressed=command.compressed)
        while (chunk := await line.frame()) is not None and len(chunk):
            writer.write(chunk)
        if chunk is None:
            raise Refusal("error while reading stream")
        writer.finish()
        return r.Said(b"set block device")

    async def _console(self, line: Line, request: Request) -> bool:
        header, command = self._header(request), request.command
        try:
            match command:
                case c.SubscribeConsole():
                    await self._follow(line, header, command)
                case c.ListInactiveConsoles():
                    line.send(header, r.Consoles(tuple(self.consoles.inactive(header.name))))
                case c.AddConsole():
                    line.send(header, r.Done())
                    return header.name.label is not None
        except Refusal as words:
            line.send(header, r.Failure(str(words).encode()))
        return False  # of other daemons' commands it says nothing

    async def _follow(self, line: Line, header: Header, command: c.SubscribeConsole) -> None:
        data = replace(header, sequence=0)
        follower = _Follower(line, data)
        said, lines = self.consoles.subscribe(header.name, command, follower)
        try:
            line.send(header, r.Said(said))
            if self.profile.since(2, 8):
                line.send(data, _OF_TOMORROW)
            for past in lines:
                line.send(data, past)
            await line.gone()
        finally:
            self.consoles.unsubscribe(header.name, follower)

    async def _statistics(self, line: Line, request: Request) -> bool:
        header, command = self._header(request), request.command
        match command:
            case c.SubscribeStatistics():
                await self._measure(line, header)
                return False
            case c.AddStatistics() | c.RemoveStatistics():
                added = isinstance(command, c.AddStatistics)
                line.send(header, r.Said(b"added" if added else b"removed"))
                return True
            case _:
                line.send(header, r.Failure(b"unexpected command"))
                return False

    async def _measure(self, line: Line, header: Header) -> None:
        """One subscriber per exact name: a newcomer ends the old one's subscription."""
        name = header.name
        if (old := self._measured.get(name)) is not None:
            old.close()
        self._measured[name] = line
        line.send(header, r.Said(b"subscribed"))
        leaves = asyncio.ensure_future(line.gone())
        try:
            while not leaves.done():
                for running, data in self._measurements(name):
                    line.send(replace(header, name=running, sequence=0), data)
                await asyncio.wait((leaves,), timeout=self._interval)
        finally:
            leaves.cancel()
            if self._measured.get(name) is line:
                del self._measured[name]

    def _measurements(self, name: Name) -> list[tuple[Name, r.Data]]:
        found: list[tuple[Name, r.Data]] = []
        now = self.daemon.now()
        for running, one in self.daemon.unikernels.items():
            if running == name or (name.label is None and is_below(running, name)):
                since = one.started.timestamp()
                measured = measure(
                    running, one.config.settings, started=since, seconds=max(now.timestamp() - since, 0.0)
                )
                found.append((relative(running, name.inside), r.Measured(measured)))
        if self.profile.since(2, 8):
            found.append((Name(), _OF_TOMORROW))
        return found

    def _header(self, request: Request) -> Header:
        """A reply repeats the request's header, the name in canonical form."""
        return replace(request.header, name=self.profile.canonical(request.header.name))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
