"""Many clients at the ports of mail, each attempt counted; and one that stays."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENT = "127.9.9.9"
MOST, PAUSE, PATIENCE = 5000, 0.1, 5.0
"""Attempts at each port, seconds between two, and seconds in which one has to be greeted."""
_TLS_PORTS = {465, 1465}


@dataclass
class Counted:
    """What became of the attempts; `failed` says which port did what."""

    attempts: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def demand(doors: Sequence[tuple[str, int]]) -> Iterator[Counted]:
    """Connect to each door again and again: an attempt succeeds when the server greets, over TLS where the
    port has it."""
    counted, stop = Counted(), threading.Event()
    threads = [threading.Thread(target=_ask, args=(door, counted, stop), daemon=True) for door in doors]
    for thread in threads:
        thread.start()
    try:
        yield counted
    finally:
        stop.set()
        for thread in threads:
            thread.join(2 * PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def _ask(door: tuple[str, int], counted: Counted, stop: threading.Event) -> None:
    for _ in range(MOST):
        counted.attempts += 1
        try:
            said = _greeting(door)
        except OSError as error:
            said = repr(error).encode()
        if not said.startswith(b"220 "):
            counted.failed.append(f"port {door[1]}: {said!r}")
        if stop.wait(PAUSE):
            return


def _greeting(door: tuple[str, int]) -> bytes:
    with socket.create_connection(door, PATIENCE, source_address=("127.9.9.8", 0)) as plain:
        if door[1] not in _TLS_PORTS:
            return _polite(plain)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whether it answers, no more
        with context.wrap_socket(plain) as inside:
            return _polite(inside)


def _polite(server: socket.socket) -> bytes:
    said = server.recv(1000)
    server.sendall(b"QUIT\r\n")
    return said


@dataclass
class StandingConnection:
    """A client that was greeted and stays."""

    server: socket.socket

    def answers(self) -> bool:
        """Whether whom it speaks to is still there."""
        try:
            self.server.sendall(b"NOOP\r\n")
            return bool(self.server.recv(1000))
        except OSError:
            return False


@contextmanager
def standing_connection(door: tuple[str, int]) -> Iterator[StandingConnection]:
    with socket.create_connection(door, PATIENCE, source_address=(CLIENT, 0)) as server:
        assert server.recv(1000).startswith(b"220 ")
        server.sendall(b"EHLO mx.ext.test\r\n")
        assert server.recv(1000).startswith(b"250")
        yield StandingConnection(server)
