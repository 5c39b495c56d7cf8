"""Does a mail server answer? Real ports and real TLS; whatever else sits there is told apart, in time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from ipaddress import IPv4Address

import pytest

from workers.albatross import LocalDialer
from workers.hosting.readiness import try_banner, wait_for_banner
from workers.sandbox.certificates import Authority

HERE = IPv4Address("127.0.0.1")
Place = tuple[IPv4Address, int]


@contextmanager
def server(talk: Callable[[socket.socket], object], port: int = 0) -> Iterator[Place]:
    """Takes connections one after the other and talks to each."""
    with socket.create_server(("127.0.0.1", port)) as listener:

        def serve() -> None:
            with ExitStack() as held, suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    held.enter_context(peer)
                    with suppress(OSError):
                        talk(peer)

        threading.Thread(target=serve, daemon=True).start()
        yield HERE, int(listener.getsockname()[1])


def says(*parts: bytes) -> Callable[[socket.socket], object]:
    def talk(peer: socket.socket) -> None:
        for part in parts:
            peer.sendall(part)
        peer.shutdown(socket.SHUT_WR)

    return talk


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return Authority(tmp_path_factory.mktemp("ca")).server_context(["mail.example.org"], "127.0.0.1")


def test_a_plain_banner_in_pieces() -> None:
    with server(says(b"22", b"0 relay ESM", b"TP\r\n")) as place:
        assert try_banner(LocalDialer(), place, tls=False) == ""


def test_a_banner_inside_tls(context: ssl.SSLContext) -> None:
    def talk(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as secure:
            secure.sendall(b"220 submission\r\n")
            secure.recv(100)

    with server(talk) as place:
        assert try_banner(LocalDialer(), place, tls=True) == ""


@pytest.mark.parametrize(
    ("talk", "tls", "why"),
    [
        (says(b"554 go away\r\n"), False, "“554 go away” instead of 220"),
        (says(b"\x1b[31m\x00\xff\n"), False, "instead of 220"),
        (says(), False, "closed the connection at once"),
        (says(b"2" * 100_000), False, "instead of 220"),
        (says(b"220 relay\r\n"), True, "speaks no TLS"),
        (says(), True, "middle of TLS"),
        (lambda peer: None, False, "said nothing in time"),
        (lambda peer: None, True, "said nothing in time"),
    ],
)
def test_what_else_answers_is_told(talk: Callable[[socket.socket], object], tls: bool, why: str) -> None:
    with server(talk) as place:
        said = try_banner(LocalDialer(), place, tls=tls, timeout=0.3)
    assert why in said
    assert said.isprintable()
    assert len(said) < 300


def test_nobody_listens_at_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    time = [0.0]
    begun: list[AbstractContextManager[Place]] = []

    def sleep(seconds: float) -> None:
        time[0] += seconds
        if not begun:
            begun.append(server(says(b"220 up\n"), port))
            begun[0].__enter__()

    assert "refused" in try_banner(LocalDialer(), (HERE, port), tls=False)
    said = wait_for_banner(
        LocalDialer(), (HERE, port), tls=False, seconds=30, sleep=sleep, clock=lambda: time[0]
    )
    assert said == ""
    begun[0].__exit__(None, None, None)


def test_it_gives_up() -> None:
    with server(says(b"421 busy\r\n")) as place:
        time = [0.0]
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            time[0] += seconds

        said = wait_for_banner(LocalDialer(), place, tls=False, seconds=5, sleep=sleep, clock=lambda: time[0])
    assert "421 busy" in said
    assert 3 <= len(waits) <= 5
