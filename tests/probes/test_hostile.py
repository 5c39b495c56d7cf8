"""What else may sit on a port is told apart, in time and without harm."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tenants.formats.roles.role import ProbeKind
from tests.workers.test_readiness import says, server
from workers.albatross import LocalDialer
from workers.probes import DnsSeen, Entry, Expected, Proved, Silent, SmtpSeen, ask_dns, ask_role, ask_smtp
from workers.sandbox.certificates import Authority

Talk = Callable[[socket.socket], object]
NOW = datetime.now(UTC)
HELLO, STARTTLS = b"220 a\r\n", b"250-b\r\n250 STARTTLS\r\n"
OTHER = dns.message.make_query("a.org", "SOA")
SOA = "ns.example.org. h.example.org. 7 1 1 1 1"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    return authority.server_context(["mail.example.org", "example.org"], "127.0.0.1")


def lines(*answers: bytes) -> Talk:
    """A banner, then an answer to each line."""

    def talk(peer: socket.socket) -> None:
        for answer in answers:
            peer.sendall(answer)
            peer.recv(1000)

    return talk


def test_what_a_server_offers_is_read() -> None:
    offers = b"250-here\r\n250-auth plain Login\r\n250 SIZE 10\r\n"
    with server(lines(b"220 \x1b[31mhello\r\n", offers)) as place:
        seen = ask_smtp(LocalDialer(), place, Entry.PLAIN)
    assert isinstance(seen, SmtpSeen)
    assert (set(seen.auth), set(seen.offers)) == ({"PLAIN", "LOGIN"}, {"AUTH", "SIZE"})
    assert seen.banner.isprintable()


@pytest.mark.parametrize(
    ("talk", "entry", "why"),
    [
        (lines(b"220 a\r\n", b"250 b\r\n"), Entry.STARTTLS, "it does not offer STARTTLS"),
        (
            lines(HELLO, STARTTLS, b"454 no\r\n"),
            Entry.STARTTLS,
            "refuses STARTTLS",
        ),
        (
            lines(HELLO, STARTTLS, b"220 go\r\n250 early\r\n"),
            Entry.STARTTLS,
            "talks before TLS",
        ),
        (
            lines(HELLO, STARTTLS, b"220 go\r\n", b"x" * 500),
            Entry.STARTTLS,
            "no TLS",
        ),
        (lines(b"220 a\r\n", b"250-b\r\n" * 200), Entry.PLAIN, "does not end"),
        (lines(b"220-a\r\n" + b"b" * 5000), Entry.BANNER, "lines do not end"),
        (says(b"HTTP/1.1 400 Bad Request\r\n"), Entry.BANNER, "does not speak SMTP"),
    ],
)
def test_what_is_no_mail_server_is_told(talk: Talk, entry: Entry, why: str) -> None:
    with server(talk) as place:
        seen = ask_smtp(LocalDialer(), place, entry, seconds=1.0)
    assert isinstance(seen, Silent)
    assert why in seen.problem
    assert seen.problem.isprintable()
    assert len(seen.problem) < 300


def test_one_that_drips_is_given_up_in_time() -> None:
    def drip(peer: socket.socket) -> None:
        for _ in range(60):
            peer.sendall(b"220-a\r\n")
            time.sleep(0.05)

    began = time.monotonic()
    with server(drip) as place:
        seen = ask_smtp(LocalDialer(), place, Entry.BANNER, seconds=0.3)
    assert seen == Silent("it said nothing in time")
    assert time.monotonic() - began < 2


def test_a_certificate_and_sign_in_are_demanded(context: ssl.SSLContext) -> None:
    """By name and time; a submission server without AUTH PLAIN is none."""

    def talk(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as secure:
            lines(b"220 a\r\n", b"250-b\r\n250 SIZE 10\r\n")(secure)

    expected = Expected("example.org", "mail.example.org", NOW)
    with server(talk) as place:
        seen = ask_smtp(LocalDialer(), place, Entry.TLS, host="mail.example.org")
        asked = ask_role(LocalDialer(), place, ProbeKind.SMTPS, expected)
    assert isinstance(seen, SmtpSeen)
    certificate = seen.certificate
    assert certificate is not None
    assert certificate.problem("MAIL.example.org", NOW) == ""
    assert "is for mail.example.org, example.org instead of smtp.example.org" in certificate.problem(
        "smtp.example.org", NOW
    )
    assert "is valid from" in certificate.problem("example.org", NOW + timedelta(days=5000))
    assert asked == Silent("it does not offer AUTH PLAIN")


def dns_server(answer: Callable[[dns.message.Message], bytes]) -> Talk:
    def talk(peer: socket.socket) -> None:
        (length,) = struct.unpack("!H", peer.recv(2))
        peer.sendall(answer(dns.message.from_wire(peer.recv(length))))

    return talk


def framed(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire


def served(query: dns.message.Message) -> bytes:
    made = dns.message.make_response(query)
    made.flags |= dns.flags.AA
    made.answer.append(dns.rrset.from_text("example.org.", 60, "IN", "SOA", SOA))
    return framed(made.to_wire())


def test_the_serial_is_read_and_compared() -> None:
    with server(dns_server(served)) as place:
        seen = ask_dns(LocalDialer(), place, "example.org", "SOA")
        assert isinstance(seen, DnsSeen)
        assert (seen.code, seen.authoritative, seen.serial) == ("NOERROR", True, 7)
        for serial, good in ((None, True), (7, True), (4294967295, True), (8, False)):
            expected = Expected("example.org", "", NOW, serial)
            found = ask_role(LocalDialer(), place, ProbeKind.AUTHORITY, expected)
            assert isinstance(found, Proved) is good, serial


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda query: framed(b""), "empty message"),
        (lambda query: framed(b"220 mail.example.org\r\n"), "no DNS message"),
        (
            lambda query: framed(dns.message.make_response(dns.message.make_query("a.org", "SOA")).to_wire()),
            "another",
        ),
        (lambda query: b"\xff\xff" + b"x" * 100, "closed the connection"),
        (lambda query: b"", "closed the connection"),
    ],
)
def test_what_is_no_answer_is_told(answer: Callable[[dns.message.Message], bytes], why: str) -> None:
    def talk(peer: socket.socket) -> None:
        dns_server(answer)(peer)
        peer.shutdown(socket.SHUT_RDWR)

    with server(talk) as place:
        seen = ask_dns(LocalDialer(), place, "example.org", "SOA", seconds=1.0)
    assert isinstance(seen, Silent)
    assert why in seen.problem


def test_a_resolver_without_roots_and_a_server_without_the_zone() -> None:
    def refused(query: dns.message.Message) -> bytes:
        made = dns.message.make_response(query)
        made.set_rcode(dns.rcode.REFUSED)
        return framed(made.to_wire())

    expected = Expected("example.org", "", NOW)
    with server(dns_server(refused)) as place:
        assert ask_role(LocalDialer(), place, ProbeKind.RECURSION, expected) == Silent(
            "it found no root server: REFUSED"
        )
        assert ask_role(LocalDialer(), place, ProbeKind.AUTHORITY, expected) == Silent(
            "it does not serve example.org: REFUSED"
        )
