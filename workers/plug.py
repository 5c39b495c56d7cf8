"""What conversations need of a connection: a socket has it, and so has a port that a host reaches."""

from __future__ import annotations

from typing import Protocol


class Plug(Protocol):
    """Calls raise TimeoutError after the time that was set, and OSError when the connection broke."""

    def settimeout(self, value: float | None, /) -> None: ...

    def recv(self, bufsize: int, /) -> bytes: ...

    def send(self, data: bytes, /) -> int: ...

    def sendall(self, data: bytes, /) -> None: ...

    def close(self) -> None: ...
