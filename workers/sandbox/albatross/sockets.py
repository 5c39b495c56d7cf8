"""The stand-in's Unix sockets: frames in, frames out, and closing without a word where the real ones do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.errors import DecodeError, ShortSequence
from workers.albatross.framing import FrameReader, frame
from workers.albatross.grammar.envelope import Answer, Header, Request, read_message, write_answer
from workers.albatross.services import Service
from workers.sandbox.albatross.refusal import Died
from workers.unix_path import short_name

MOST_FRAME = 300 << 20
_READ = 65_536
_MOST_WAITING = 4 << 20
_IDLE = 600.0


class Reader(Protocol):
    """The half of a stream that bytes come from."""

    async def read(self, size: int, /) -> bytes: ...


class Writer(Protocol):
    """The half of a stream that bytes go to."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...
    def writelines(self, parts: Iterable[bytes | bytearray | memoryview], /) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...


class Line:
    """One client's connection."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader(MOST_FRAME, chunks=True)
        self._waiting: deque[memoryview] = deque()

    async def frame(self) -> memoryview | None:
        """The next frame; an empty one is the end of chunks. None when the client is gone or silent for long.
        Raises DecodeError."""
        while not self._waiting:
            async with asyncio.timeout(_IDLE):
                data = await self._reader.read(_READ)
            if not data:
                return None
            self._waiting += self._frames.feed(data)
        return self._waiting.popleft()

    def send(self, header: Header, reply: r.Reply) -> None:
        """Send one message. A client that does not read is dropped."""
        self._writer.writelines(frame(write_answer(Answer(header, reply))))
        if self._writer.transport.get_write_buffer_size() > _MOST_WAITING and isinstance(
            reply, r.ConsoleLine
        ):
            self.close()

    async def drain(self) -> None:
        async with asyncio.timeout(_IDLE):
            await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the client sends anything or leaves: either ends a subscription."""
        if not self._waiting:
            await self._reader.read(1)

    def close(self) -> None:
        self._writer.close()


Handler = Callable[[Line, Request], Awaitable[bool]]
"""Answers one request; tells whether another may follow on the same connection."""


@dataclass(slots=True)
class _Open:
    server: asyncio.Server
    lines: set[Line]


class Sockets:
    """The sockets of one stand-in."""

    def __init__(
        self, folder: Path, accepts: Callable[[Header, c.Command], bool], handlers: Mapping[Service, Handler]
    ) -> None:
        self._folder = folder / "util"
        self._accepts = accepts
        self._handlers = handlers
        self._open: dict[Service, _Open] = {}
        self.deaths: list[str] = []
        """Why daemons died, in words."""

    async def start(self) -> None:
        """Listen on what is not open. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for service in self._handlers:
            if service not in self._open:
                path = self._folder / f"{service.value}.sock"
                path.unlink(missing_ok=True)
                with short_name(path) as name:
                    server = await asyncio.start_unix_server(self._on(service), name)
                path.chmod(0o600)
                self._open[service] = _Open(server, set())

    def stop(self, service: Service) -> None:
        """Close a daemon's socket and all its connections; its file stays, as a dead daemon's does."""
        known = self._open.pop(service, None)
        if known is not None:
            known.server.close()
            for line in list(known.lines):
                line.close()

    def _on(
        self, service: Service
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line, known = Line(reader, writer), self._open.get(service)
            if known is not None:
                known.lines.add(line)
            try:
                await self._converse(service, line)
            except Died as reason:
                self.deaths.append(f"{service.value}: {reason}")
                self.stop(service)
            except (DecodeError, OSError, TimeoutError, asyncio.CancelledError):
                pass  # the daemon logs it and closes the connection
            finally:
                line.close()
                if known is not None:
                    known.lines.discard(line)

        return serve

    async def _converse(self, service: Service, line: Line) -> None:
        goes_on = True
        while goes_on:
            message = await line.frame()
            if message is None:
                return
            try:
                request = read_message(message, strict=True)
            except ShortSequence as problem:
                raise Died(problem.sentence) from None
            if not isinstance(request, Request) or not self._accepts(request.header, request.command):
                return
            goes_on = await self._handlers[service](line, request)
            await line.drain()
