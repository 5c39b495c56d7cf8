"""A cable between a worker and a git host that can be cut, or go silent, after any number of bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass
class Break:
    """`up` counts what the worker sends, `down` what the host answers, over all connections since."""

    up: int | None = None
    down: int | None = None
    silent: bool = False


class Wire:
    """Listens on 127.0.0.1 and connects onwards. A context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._onwards = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.carried = {"up": 0, "down": 0}
        self._fault = Break()

    def breaks(self, fault: Break) -> None:
        """From now on; counting starts anew, and every connection so far ends."""
        with self._lock:
            connections, self._open = self._open, set()
            self._fault, self.carried = fault, {"up": 0, "down": 0}
        for each in connections:
            _hang_up(each)

    def goes_silent(self) -> None:
        """From now on, for the connections that there are: nothing arrives, and nobody is told."""
        with self._lock:
            self._fault, self.carried = Break(0, 0, silent=True), {"up": 0, "down": 0}

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._onwards, 5)
                for each in (near, far):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {near, far}
                for ends in ((near, far, "up"), (far, near, "down")):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                passes = self._count(source, way, len(data))
                sink.sendall(data[:passes])
                if passes < len(data):
                    if self._fault.silent:
                        return
                    break
        _hang_up(source)
        _hang_up(sink)

    def _count(self, source: socket.socket, way: str, size: int) -> int:
        with self._lock:
            if source not in self._open:
                return 0
            limit = getattr(self._fault, way)
            left = size if limit is None else max(0, limit - self.carried[way])
            self.carried[way] += size
            return min(size, left)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _hang_up(self._listener)
        self.breaks(Break())


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
