"""Where a name server is, and how its messages come and go: bounded in bytes and time.

Nothing here looks names up: a server is an IP address, and whoever may not be reached is decided by the
`dial` that is handed in.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import monotonic

from tenants.formats.text import printable
from workers.plug import Plug
from workers.zone.errors import Garbled, Unreachable

__all__ = ["Deadline", "Dial", "Server", "Stream", "connect", "datagram", "opened", "reason"]

_DNS_PORT = 53
_MOST_DATAGRAM = 65_535
_MOST_STRAY = 64

Dial = Callable[[str, int, socket.SocketKind, float], Plug]
"""A connection (SOCK_STREAM or SOCK_DGRAM) to an IP address and port, within so many seconds; raises
OSError. A way that has no UDP raises OSError for SOCK_DGRAM: then TCP is used."""


def connect(address: str, port: int, kind: socket.SocketKind, timeout: float) -> socket.socket:
    """Connect from this machine as it is."""
    if kind == socket.SOCK_STREAM:
        return socket.create_connection((address, port), timeout)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        made.settimeout(timeout)
        made.connect((address, port))
    except OSError:
        made.close()
        raise
    return made


@dataclass(frozen=True)
class Server:
    """A name server: an IP address (no name), a port, and the way to it. Raises ValueError for a name."""

    address: str
    port: int = _DNS_PORT
    dial: Dial = connect

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)
        if not 0 < self.port < 65_536:
            raise ValueError("a port goes from 1 to 65535")

    def __str__(self) -> str:
        if self.port == _DNS_PORT:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Deadline:
    """A moment at which patience ends, however slowly the other side drips."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError when none are."""
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        return left

    def at_most(self, seconds: float) -> Deadline:
        """A deadline that comes after so many seconds, or with this one. Raises TimeoutError."""
        return Deadline(min(seconds, self.left()))


class Stream:
    """DNS messages over TCP, each after its length (RFC 1035 §4.2.2). Its calls raise OSError (of which
    TimeoutError is one) when the connection breaks or the time is over."""

    def __init__(self, connection: Plug, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline

    def send(self, wire: bytes) -> None:
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(struct.pack("!H", len(wire)) + wire)

    def receive(self) -> bytes:
        """Return the next message, at most 65535 bytes. Raises Garbled for one without bytes."""
        (length,) = struct.unpack("!H", self._exactly(2))
        if not length:
            raise Garbled("The server sent an empty message.")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < count:
            self._connection.settimeout(self._deadline.left())
            piece = self._connection.recv(count - len(pieces))
            if not piece:
                raise ConnectionError("the server closed the connection")
            pieces += piece
        return bytes(pieces)


@contextmanager
def opened(server: Server, deadline: Deadline) -> Iterator[Stream]:
    """A TCP connection for one conversation. Raises Unreachable when there is none; later failures are
    OSError, whose meaning depends on what was sent."""
    try:
        connection = server.dial(server.address, server.port, socket.SOCK_STREAM, deadline.left())
    except OSError as problem:
        raise Unreachable(f"{server} cannot be reached over TCP: {reason(problem)}.") from problem
    try:
        yield Stream(connection, deadline)
    finally:
        connection.close()


def datagram(server: Server, wire: bytes, deadline: Deadline, accept: Callable[[bytes], bool]) -> bytes:
    """Ask over UDP and return the first answer that `accept` takes; others may come from strangers.

    Raises OSError when none came in time (TimeoutError), or there is no way.
    """
    with closing(server.dial(server.address, server.port, socket.SOCK_DGRAM, deadline.left())) as connection:
        connection.settimeout(deadline.left())
        connection.send(wire)
        for _ in range(_MOST_STRAY):
            connection.settimeout(deadline.left())
            answer = connection.recv(_MOST_DATAGRAM)
            if accept(answer):
                return answer
        raise ConnectionError("only stray answers came")


def reason(problem: OSError) -> str:
    """Why a connection failed, in a few harmless words."""
    if isinstance(problem, TimeoutError):
        return "it took too long"
    return printable(problem.strerror or str(problem) or type(problem).__name__, 120)
