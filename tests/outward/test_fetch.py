"""Fetching from real TLS servers on loopback, good and bad ones."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.outward.servers import HOST, Server, ok
from workers.outward import Fetcher, FetchError, NotAllowed, Refused, TooBig, Unreachable


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.listener.close()


def fetch(fetcher: Fetcher, url: str, *, most: int = 1 << 20, timeout: float = 5.0) -> bytes:
    with fetcher.get(url, most=most, timeout=timeout) as fetched:
        return fetched.read()


def test_what_is_there_comes_in_pieces(server: Server) -> None:
    body = bytes(range(256)) * 2000
    server.answer = lambda request, to: to.sendall(ok(body, "Content-Type: application/x-solo5"))
    with server.fetcher().get(server.url("/a?b=c#d"), most=1 << 20, timeout=5) as fetched:
        assert (fetched.length, fetched.media_type) == (len(body), "application/x-solo5")
        assert b"".join(fetched.pieces) == body
    assert server.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"Host: builds.example.org" in server.requests[0]


def test_a_chunked_answer_is_read_too(server: Server) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answer = lambda request, to: to.sendall(head + b"5\r\nhello\r\n0\r\n\r\n")
    assert fetch(server.fetcher(), server.url()) == b"hello"


def test_a_private_address_is_never_dialled(server: Server) -> None:
    dialled: list[str] = []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dialled.append(address)
        raise OSError

    for addresses in (["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:192.168.0.1"], ["169.254.169.254"]):
        careful = Fetcher(resolve=lambda host, timeout, found=addresses: found, dial=dial)  # type: ignore[misc]
        with pytest.raises(NotAllowed, match="private network"):
            fetch(careful, server.url())
    assert dialled == []


def test_a_name_is_looked_up_once_and_that_address_is_dialled(server: Server) -> None:
    asked: list[str] = []
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    def resolve(host: str, timeout: float) -> list[str]:
        asked.append(host)
        return next(answers)

    assert fetch(replace(server.fetcher(), resolve=resolve), server.url()) == b"hello"
    assert asked == [HOST]


@pytest.mark.parametrize(
    "url",
    [
        "http://builds.example.org/", "ftp://builds.example.org/", "file:///etc/passwd", "builds.example.org",
        "https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://2130706433/",
        "https://user:password@builds.example.org/", "https://builds.example.org:22/",
        "https://builds.example.org/a b", "https://builds.example.org/\r\nX: y", "https://büilds.example.org/",
        "https://builds.example.org:99999/", "https://builds.example.org/" + "a" * 2000, "https://0x7f.1/",
        "https://-a.example.org/", "",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_unasked(url: str) -> None:
    def resolve(host: str, timeout: float) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    with pytest.raises(NotAllowed):
        fetch(Fetcher(resolve=resolve), url)


def test_a_redirect_stays_on_the_host(server: Server) -> None:
    def answer(request: bytes, to: socket.socket) -> None:
        there = b"GET /there" in request
        to.sendall(ok(b"found") if there else moved("/there"))

    server.answer = answer
    assert fetch(server.fetcher(), server.url()) == b"found"


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example.org/",
        "http://builds.example.org/",
        "//other.example.org/x",
        "https://127.0.0.1/",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(server: Server, location: str) -> None:
    server.answer = lambda request, to: to.sendall(moved(location))
    with pytest.raises(NotAllowed):
        fetch(server.fetcher(), server.url())
    assert len(server.requests) == 1


def test_a_circle_ends(server: Server) -> None:
    server.answer = lambda request, to: to.sendall(moved("/again"))
    with pytest.raises(Refused, match="circle"):
        fetch(server.fetcher(), server.url())
    assert len(server.requests) == 4


def moved(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_too_much_is_refused_before_or_while_it_comes(server: Server) -> None:
    server.answer = lambda request, to: to.sendall(ok(b"x" * 1000))
    with pytest.raises(TooBig, match="1000 bytes"):
        fetch(server.fetcher(), server.url(), most=999)
    endless = b"HTTP/1.1 200 OK\r\n\r\n"
    server.answer = lambda request, to: to.sendall(endless + b"x" * 2_000_000)
    with pytest.raises(TooBig, match="more than"):
        fetch(server.fetcher(), server.url(), most=100_000)


def test_half_an_answer_is_no_answer(server: Server) -> None:
    server.answer = lambda request, to: to.sendall(ok(b"x" * 1000)[:-10])
    with pytest.raises(Unreachable, match="broke off"):
        fetch(server.fetcher(), server.url())


def test_packed_answers_and_errors_are_refused(server: Server) -> None:
    server.answer = lambda request, to: to.sendall(ok(b"x", "Content-Encoding: gzip"))
    with pytest.raises(Refused, match="packed"):
        fetch(server.fetcher(), server.url())
    server.answer = lambda request, to: to.sendall(b"HTTP/1.1 404 \x1b[31mNo\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Refused, match="404") as refusal:
        fetch(server.fetcher(), server.url())
    assert "\x1b" not in refusal.value.sentence
    assert refusal.value.status == 404


@pytest.mark.parametrize("stage", ["headers", "body"])
def test_a_dripping_server_is_cut_off(server: Server, stage: str) -> None:
    def drip(request: bytes, to: socket.socket) -> None:
        if stage == "body":
            to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        else:
            to.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            to.sendall(b"x")
            time.sleep(0.05)

    server.answer = drip
    began = time.monotonic()
    with pytest.raises(Unreachable):
        fetch(server.fetcher(), server.url(), timeout=0.5)
    assert time.monotonic() - began < 3


def test_whom_we_do_not_trust_gets_no_request(tmp_path: Path, server: Server) -> None:
    stranger = Server(tmp_path, "other.example.org")
    with pytest.raises(Unreachable, match="no certificate that we trust"):
        fetch(replace(server.fetcher(), port=stranger.port), server.url())
    wrong_name = replace(stranger.fetcher(), trust=ssl.create_default_context(cadata=stranger.pem))
    with pytest.raises(Unreachable, match="no certificate that we trust"):
        fetch(wrong_name, server.url())
    assert stranger.requests == []
    stranger.listener.close()


def test_nobody_answers(server: Server) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        unused = int(other.getsockname()[1])
    with pytest.raises(Unreachable, match="did not answer"):
        fetch(replace(server.fetcher(), port=unused), server.url())

    def resolve(host: str, timeout: float) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Unreachable, match="looked up"):
        fetch(replace(server.fetcher(), resolve=resolve), server.url())


def test_every_failure_has_a_sentence() -> None:
    for kind in (NotAllowed, Unreachable, Refused, TooBig):
        assert issubclass(kind, FetchError)
