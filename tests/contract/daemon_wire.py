"""Sockets in front of a daemon's own, where the answer to one command goes wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.albatross import services
from workers.albatross.grammar.envelope import Request, read_message


class Fault(StrEnum):
    CLOSED = "the daemon closes without an answer"
    CUT = "half of the command arrives"
    HALF = "half of the answer arrives"
    RESTARTED = "the daemon restarts when it has done it, before it answers"
    ANNOUNCED = "2 GB of an answer are announced"


class DaemonWire:
    """Listens below `near` and connects onwards below `far`; every command is a connection of its own.

    A context manager. `breaks` says which command goes wrong, and how; the others pass.
    """

    def __init__(self, near: Path, far: Path, restart: Callable[[], None]) -> None:
        self._far, self._restart = far, restart
        self._at, self._fault = 0, Fault.CLOSED
        self._lock = threading.Lock()
        self.commands: list[bool] = []
        """Those since `breaks`; whether each changes something."""
        (near / "util").mkdir(parents=True)
        self._listening = [self._listen(near, service) for service in ("vmmd", "console", "stat")]

    def breaks(self, at: int, fault: Fault) -> None:
        """From now on the `at`-th command goes wrong; none when 0."""
        with self._lock:
            self._at, self._fault, self.commands = at, fault, []

    def _listen(self, near: Path, service: str) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(near / "util" / f"{service}.sock"))
        listening.listen(8)
        threading.Thread(target=self._accept, args=(listening, service), daemon=True).start()
        return listening

    def _accept(self, listening: socket.socket, service: str) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                threading.Thread(target=self._serve, args=(near, service), daemon=True).start()

    def _serve(self, near: socket.socket, service: str) -> None:
        with near, socket.socket(socket.AF_UNIX) as far, suppress(OSError):
            for each in (near, far):
                each.settimeout(10)
            command = _frame(near)
            with self._lock:
                self.commands.append(_changes(command))
                fault = self._fault if len(self.commands) == self._at else None
            if fault is Fault.CLOSED:
                return
            far.connect(str(self._far / "util" / f"{service}.sock"))
            if fault is Fault.CUT:
                far.sendall(command[: len(command) // 2])
                return
            far.sendall(command)
            answer = _frame(far)
            if fault is Fault.RESTARTED:
                self._restart()
                return
            if fault is Fault.ANNOUNCED:
                near.sendall(b"\x7f\xff\xff\xff\x30")
                return
            if fault is Fault.HALF:
                near.sendall(answer[: len(answer) // 2])
                return
            near.sendall(answer)
            self._follow(near, far)

    def _follow(self, near: socket.socket, far: socket.socket) -> None:
        """What else the daemon says, until one of the two closes."""
        leaving = threading.Thread(target=_wait_for_end, args=(near, far), daemon=True)
        leaving.start()
        while data := far.recv(65_536):
            near.sendall(data)
        near.shutdown(socket.SHUT_RDWR)
        leaving.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._listening:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _wait_for_end(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while near.recv(65_536):
            pass
    with suppress(OSError):
        far.shutdown(socket.SHUT_RDWR)


def _changes(command: bytes) -> bool:
    message = read_message(command[4:])
    return isinstance(message, Request) and services.changes(message.command)


def _frame(source: socket.socket) -> bytes:
    """One message with its length in front. Raises OSError when the other side goes before its end."""
    whole = _exactly(source, 4)
    return whole + _exactly(source, int.from_bytes(whole, "big"))


def _exactly(source: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = source.recv(size - len(found))
        if not part:
            raise OSError("it closed")
        found += part
    return bytes(found)
