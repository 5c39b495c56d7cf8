"""Plain bytes on a plain socket, to see what a daemon does with anything."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from workers.albatross.framing import FrameReader
from workers.albatross.grammar.envelope import Answer, read_message


class RawClient:
    """One connection to a daemon's socket."""

    def __init__(self, folder: Path, service: str, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(folder / "util" / f"{service}.sock"))
        except OSError:
            self._socket.close()
            raise
        self._frames = FrameReader()
        self._waiting: list[memoryview] = []

    def send(self, pieces: Iterable[bytes]) -> None:
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except BrokenPipeError:
            return  # it closed before it had read everything; its answer can be read

    def answer(self) -> Answer | None:
        """The next message, None at the end of the connection."""
        while not self._waiting:
            try:
                data = self._socket.recv(65_536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._waiting += self._frames.feed(data)
        message = read_message(self._waiting.pop(0), strict=True)
        assert isinstance(message, Answer)
        return message

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
