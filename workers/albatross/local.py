"""Albatross's sockets on this machine."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from time import monotonic

from workers.albatross.der_write import Parts
from workers.albatross.errors import NotPermitted, Unreachable
from workers.albatross.grammar.envelope import Request
from workers.albatross.services import service_of
from workers.unix_path import short_name

FOLDER = Path("/run/albatross")
"""On Linux; FreeBSD has /var/run/albatross."""
_RECEIVE = 65_536
_MOST_BUFFERS = 64


class SocketConnection:
    """A connected stream socket."""

    carried = False

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, parts: Parts, timeout: float) -> None:
        """Send all parts, as few copies and calls as can be. Raises OSError, TimeoutError among them."""
        until = monotonic() + timeout
        waiting = [memoryview(part).cast("B") for part in parts if len(part)]
        while waiting:
            self._socket.settimeout(max(until - monotonic(), 0.001))
            waiting = _after(waiting, self._socket.sendmsg(waiting[:_MOST_BUFFERS]))

    def receive(self, timeout: float) -> bytes:
        self._socket.settimeout(max(timeout, 0.001))
        return self._socket.recv(_RECEIVE)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def _after(waiting: Sequence[memoryview], sent: int) -> list[memoryview]:
    """What is left to send."""
    for number, part in enumerate(waiting):
        if sent < len(part):
            return [part[sent:], *waiting[number + 1 :]]
        sent -= len(part)
    return []


class LocalDialer:
    """The sockets in albatross's own folder: `<folder>/util/vmmd.sock` and so on."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def dial(self, request: Request, timeout: float) -> SocketConnection:
        """Connect to the daemon that takes this command. Raises Unreachable or NotPermitted."""
        path = self._folder / "util" / f"{service_of(request.command).value}.sock"
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(timeout)
            with short_name(path) as name:
                connected.connect(name)
        except PermissionError:
            connected.close()
            raise NotPermitted(f"this user may not open {path}") from None
        except OSError as problem:
            connected.close()
            raise Unreachable(f"{path}: {problem.strerror or problem}") from None
        return SocketConnection(connected)

    def dial_port(self, address: IPv4Address, port: int, timeout: float) -> SocketConnection:
        """A TCP port that this machine reaches. Raises Unreachable."""
        try:
            return SocketConnection(socket.create_connection((str(address), port), timeout))
        except OSError as problem:
            raise Unreachable(f"port {port} of {address}: {problem.strerror or problem}") from None
