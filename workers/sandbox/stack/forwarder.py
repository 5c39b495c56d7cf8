"""The ports that the applied rules forward, made real on loopback: DNAT for TCP and UDP.

A new connection goes where the rules say at that moment; one that stands stays, whatever becomes of the
rules, as with conntrack. The other side sees the client's own address.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workers.sandbox.acceptor import Acceptor
from workers.sandbox.listener import LoopThread
from workers.sandbox.stack.nat import Door, Nat, read_nat
from workers.sandbox.stack.realm import Realm, real_port
from workers.sandbox.stack.standing import Standing

__all__ = ["Forwarder", "NatFile"]

LOOK_SECONDS = 0.1
MOST_CONNECTIONS = 500
MOST_DATAGRAMS = 64
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 5.0
_CHUNK = 65_536


class NatFile:
    """The rules in the stand-in's file, read again only when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._nat = Nat()

    def __call__(self) -> Nat:
        try:
            found = self._path.stat()
        except OSError:
            return Nat()
        if self._seen != (found.st_mtime_ns, found.st_ino):
            self._nat = read_nat(self._path)
            self._seen = found.st_mtime_ns, found.st_ino
        return self._nat


class Forwarder:
    """Start it, and doors open and close with the rules; an address that is taken is tried again. TCP
    connections that stand are told in `standing`."""

    def __init__(self, realm: Realm, nat: Callable[[], Nat], standing: Standing | None = None) -> None:
        self._realm, self._nat, self._standing = realm, nat, standing
        self._loop = LoopThread()
        self._tcp: dict[Door, Acceptor] = {}
        self._udp: dict[Door, asyncio.DatagramTransport] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._loop.start()
        self._loop.call(self._start())

    def stop(self) -> None:
        """Close every door and cut every connection."""
        if self._loop.running:
            self._loop.call(self._stop())
            self._loop.stop()

    def follow(self) -> None:
        """Open and close doors now, without waiting for the next look."""
        self._loop.call(self._follow())

    async def _start(self) -> None:
        await self._follow()
        self._begin(self._watch())

    async def _stop(self) -> None:
        for acceptor in self._tcp.values():
            await acceptor.close()
        for transport in self._udp.values():
            transport.close()
        self._tcp, self._udp = {}, {}

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._follow()

    async def _follow(self) -> None:
        doors = self._nat().doors
        for door in [each for each in self._tcp if each not in doors]:
            await self._tcp.pop(door).close()
        for door in [each for each in self._udp if each not in doors]:
            self._udp.pop(door).close()
        if self._standing is not None:
            self._standing.tell()
        for door in doors - self._tcp.keys() - self._udp.keys():
            with contextlib.suppress(OSError, ValueError):
                await self._open(door)

    async def _open(self, door: Door) -> None:
        here = self._realm.here(door[0]), real_port(door[2])
        if door[1] == "udp":
            loop = asyncio.get_running_loop()
            self._udp[door], _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(door, self), local_addr=here
            )
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(here)
        except OSError:
            listener.close()
            raise

        async def take(connection: socket.socket) -> None:
            # A copy: what the acceptor has ends with the door.
            self._begin(self._connected(door, connection.dup()))

        acceptor = Acceptor(listener, take, most=MOST_CONNECTIONS)
        acceptor.start()
        self._tcp[door] = acceptor

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _here(self, private: tuple[str, int]) -> tuple[str, int]:
        return self._realm.here(private[0]), real_port(private[1])

    async def _connected(self, door: Door, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        client.setblocking(False)
        with client, contextlib.suppress(OSError, TimeoutError):
            address, port = client.getpeername()
            private = self._nat().target(*door, address)
            if private is None or len(self._tasks) > MOST_CONNECTIONS:
                return
            with socket.socket() as server, self._told(client, (address, port), door, private):
                server.setblocking(False)
                server.bind((address, 0))
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.sock_connect(server, self._here(private))
                await _joined(client, server)

    @contextlib.contextmanager
    def _told(
        self, key: object, client: tuple[str, int], door: Door, private: tuple[str, int]
    ) -> Iterator[None]:
        if self._standing is not None:
            self._standing.begins(key, client, door, private)
        try:
            yield
        finally:
            if self._standing is not None:
                self._standing.ends(key)

    def datagram(self, door: Door, data: bytes, client: tuple[str, int]) -> None:
        """One that came to a UDP door."""
        if len(self._tasks) < MOST_DATAGRAMS:
            self._begin(self._answered(door, data, client))

    async def _answered(self, door: Door, data: bytes, client: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        private = self._nat().target(*door, client[0])
        if private is None:
            return
        with socket.socket(type=socket.SOCK_DGRAM) as server, contextlib.suppress(OSError, TimeoutError):
            server.setblocking(False)
            server.bind((client[0], 0))
            server.connect(self._here(private))
            await loop.sock_sendall(server, data)
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await loop.sock_recv(server, _CHUNK)
            if (transport := self._udp.get(door)) is not None:
                transport.sendto(answer, client)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, door: Door, forwarder: Forwarder) -> None:
        self._door, self._forwarder = door, forwarder

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._forwarder.datagram(self._door, data, (str(addr[0]), int(addr[1])))


async def _joined(client: socket.socket, server: socket.socket) -> None:
    """Copy both ways until both have ended, or one has broken; then neither waits on a socket any more, whose
    number the next connection may get."""
    ways = [asyncio.ensure_future(_pump(*each)) for each in ((client, server), (server, client))]
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends; then tell the other side so."""
    loop = asyncio.get_running_loop()
    try:
        while data := await loop.sock_recv(source, _CHUNK):
            await loop.sock_sendall(sink, data)
    finally:
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
