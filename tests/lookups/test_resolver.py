"""Our questions and the sandbox's answers, over real sockets; and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.message
import dns.query
import pytest

from tenants.formats.exchanges import Answer, Dmarc
from workers.lookups import DnsResolver, NoResolver, Silent, Status, look_up
from workers.sandbox.control import Addresses, Sandbox
from workers.sandbox.names import HostedView
from workers.sandbox.resolver import reply_to


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    addresses = Addresses(block=41, free_ports=True)
    with Sandbox(tmp_path_factory.mktemp("sandbox"), addresses=addresses) as sandbox:
        told = sandbox.status()["resolver"]
        yield told["host"], told["port"]


def test_the_sandbox_shows_each_kind_of_domain(server: tuple[str, int]) -> None:
    resolver = DnsResolver([server])

    def ask(domain: str) -> tuple[Answer, Dmarc]:
        found = look_up(domain, resolver, time.monotonic)
        return found.answer, found.dmarc

    assert ask("home.example") == (Answer.EXCHANGES, Dmarc.ABSENT)
    assert ask("nomx.example") == (Answer.ADDRESS_ONLY, Dmarc.ABSENT)
    assert ask("nullmx.example") == (Answer.NO_MAIL, Dmarc.ABSENT)
    assert ask("strict.example") == (Answer.EXCHANGES, Dmarc.REJECT)
    assert ask("nowhere.invalid") == (Answer.NO_DOMAIN, Dmarc.ABSENT)
    with pytest.raises(Silent, match="answer with an error"):
        ask("silent.example")
    north, south = (
        look_up(f"{each}.shared.example", resolver, time.monotonic) for each in ("north", "south")
    )
    assert north == south
    assert north.addresses
    assert all(address.startswith("127.") for address in north.addresses)


def test_the_relay_delivers_by_the_same_view() -> None:
    view = HostedView(lambda domain: "127.0.10.21" if domain == "example.org" else None)
    assert view.mx_of("north.shared.example") == view.mx_of("South.Shared.Example") is not None
    assert view.mx_of("example.org") == "127.0.10.21"
    assert view.mx_of("home.example") != view.mx_of("work.example")
    assert view.mx_of("nomx.example") is view.mx_of("nullmx.example") is view.mx_of("x.invalid") is None


def test_over_tcp_too(server: tuple[str, int]) -> None:
    query = dns.message.make_query("home.example", "MX")
    answer = dns.query.tcp(query, server[0], port=server[1], timeout=5)
    assert "mx.home.example." in answer.answer[0].to_text()


@pytest.mark.parametrize("wire", [b"", b"x", b"\0" * 12, b"\xff" * 600, b"\0" * 4 + b"\xff\xff" + b"\0" * 6])
def test_nonsense_is_not_answered(wire: bytes) -> None:
    assert reply_to(wire, HostedView()) is None or len(wire) == 12


def test_a_long_name_is_answered() -> None:
    name = ".".join(["x" * 62] * 3 + ["y" * 59])
    assert reply_to(dns.message.make_query(name, "MX").to_wire(), HostedView()) is not None


@contextmanager
def answering(reply: Callable[[bytes], bytes]) -> Iterator[tuple[str, int]]:
    """A server that answers each datagram with anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    data, sender = listener.recvfrom(65_535)
                except TimeoutError:
                    continue
                listener.sendto(reply(data), sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            stop.set()
            thread.join(5)


@pytest.mark.parametrize(
    "reply",
    [
        lambda query: b"",
        lambda query: b"\xff" * 500,
        lambda query: query,  # its own question
        lambda query: query[:2] + b"\x81\x80" + query[4:6] + b"\xff\xff" + query[8:],
    ],
)
def test_a_server_that_talks_nonsense_is_a_failure(reply: Callable[[bytes], bytes]) -> None:
    with answering(reply) as server:
        answer = DnsResolver([server]).ask("x.example", "MX", 0.5)
    assert answer.status is Status.FAILED
    assert answer.problem


def test_nobody_there_is_a_failure_in_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        began = time.monotonic()
        answer = DnsResolver([silent.getsockname()]).ask("x.example", "MX", 0.3)
        assert answer.status is Status.FAILED
        assert time.monotonic() - began < 2
    assert DnsResolver([("127.0.0.1", 9)]).ask("x..example", "MX", 0.3).status is Status.FAILED
    assert NoResolver().ask("x.example", "MX", 1.0).status is Status.FAILED


def test_names_are_bounded(server: tuple[str, int]) -> None:
    assert DnsResolver([server]).ask("x" * 70 + ".example", "MX", 1.0).status is Status.FAILED
