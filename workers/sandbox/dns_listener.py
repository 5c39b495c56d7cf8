"""DNS over UDP and TCP on one loopback address, for every name server of the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from workers.sandbox.acceptor import Acceptor, streams

__all__ = ["DNS_PORT", "DnsListener", "Handle"]

DNS_PORT = 53
MOST_CONNECTIONS = 32
MOST_DATAGRAMS = 64  # at once
REQUESTS_PER_CONNECTION = 1_000
SILENCE_SECONDS = 10.0

Handle = Callable[[bytes, str, bool], Awaitable[Sequence[bytes]]]
"""The answers to a message from an address, over UDP (True) or TCP; none: nothing is said, TCP hung up."""


class DnsListener:
    """Runs in the sandbox's loop. Where this user may not have the port, it takes `fallback`; port 0 is one
    that the system chooses, the same for UDP and TCP."""

    def __init__(self, host: str, port: int, handle: Handle, *, fallback: int | None = None) -> None:
        self.host, self.port = host, port
        self._handle, self._fallback = handle, fallback
        self._udp: asyncio.DatagramTransport | None = None
        self._acceptor: Acceptor | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Raises OSError when the address is taken."""
        try:
            await self._bind(self.port)
        except PermissionError:
            if self._fallback is None:
                raise
            await self._bind(self._fallback)

    async def close(self) -> None:
        """Stop listening and hang up; may be called twice."""
        if self._acceptor is not None:
            await self._acceptor.close()
        if self._udp is not None:
            self._udp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._acceptor = self._udp = None

    async def _bind(self, port: int) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, port))
            bound = int(listener.getsockname()[1])
            self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self._begin), local_addr=(self.host, bound)
            )
        except OSError:
            listener.close()
            raise
        self.port = bound
        self._acceptor = Acceptor(listener, self._converse, most=MOST_CONNECTIONS)
        self._acceptor.start()

    def _begin(self, wire: bytes, sender: tuple[str, int]) -> None:
        if len(self._tasks) >= MOST_DATAGRAMS:
            return
        task = asyncio.get_running_loop().create_task(self._datagram(wire, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _datagram(self, wire: bytes, sender: tuple[str, int]) -> None:
        for answer in await self._handle(wire, sender[0], True):
            if self._udp is not None:
                self._udp.sendto(answer, sender)

    async def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            source = str(connection.getpeername()[0])
            async with streams(connection, limit=1 << 17) as (reader, writer):
                for _ in range(REQUESTS_PER_CONNECTION):
                    async with asyncio.timeout(SILENCE_SECONDS):
                        length = int.from_bytes(await reader.readexactly(2), "big")
                        wire = await reader.readexactly(length)
                    answers = await self._handle(wire, source, False)
                    if not answers:
                        return
                    async with asyncio.timeout(SILENCE_SECONDS):
                        for answer in answers:
                            writer.write(len(answer).to_bytes(2, "big") + answer)
                            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(data, (str(addr[0]), int(addr[1])))
