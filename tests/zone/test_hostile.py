"""Whatever comes instead of an answer raises this package's errors only, in bounded time and memory."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.zones.data.simple import TXT, A
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tests.zone.world import OTHER_SECRET, ROOT_KEY, ROOT_KEYS, SECRET, TEXT, ZONE, zone_key
from workers.sandbox.primary.answers import answer_query, reply
from workers.sandbox.primary.signing import Request, read_request
from workers.sandbox.primary.zones import load
from workers.zone import (
    Change,
    Garbled,
    Limits,
    NotSendable,
    Server,
    Signatures,
    TooMuch,
    Transferred,
    UnknownOutcome,
    Unproved,
    Unreachable,
    ZoneError,
    dig_argument,
    key_of,
    notify,
    parse_key,
    served_serial,
    transfer,
    update,
)
from workers.zone.keys import signer

NEW = Name.of("new.example.org")
CHANGE = Change(NEW, "A", (), RecordSet(NEW, 300, [A(IPv4Address("192.0.2.1"))]))
BIG = TEXT + "".join(f'h{number} TXT "{"x" * 4000}"\n' for number in range(35))
HELD = load({b"example.org": TEXT.encode(), b"_keys": ROOT_KEYS.encode()}).held
HELD_BIG = load({b"example.org": BIG.encode(), b"_keys": ROOT_KEYS.encode()}).held
Answer = Callable[[bytes], list[bytes]]


class Scripted:
    """A socket whose other end answers at once with what a function makes of the question."""

    def __init__(self, answer: Answer, *, stream: bool) -> None:
        self._answer, self._stream = answer, stream
        self._waiting = bytearray()
        self._datagrams: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.send(data)

    def send(self, data: bytes) -> int:
        answers = self._answer(data[2:] if self._stream else data)
        if self._stream:
            for each in answers:
                self._waiting += struct.pack("!H", min(len(each), 65_535)) + each[:65_535]
        else:
            self._datagrams += answers
        return len(data)

    def recv(self, size: int) -> bytes:
        if not self._stream:
            if not self._datagrams:
                raise TimeoutError
            return self._datagrams.pop(0)
        piece = bytes(self._waiting[: min(size, 10_000)])
        del self._waiting[: len(piece)]
        return piece

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def close(self) -> None:
        pass

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def scripted(answer: Answer) -> Server:
    def dial(address: str, port: int, kind: socket.SocketKind, timeout: float) -> Any:
        return Scripted(answer, stream=kind == socket.SOCK_STREAM)

    return Server("127.0.71.9", 53, dial)


def honest(held: Any = HELD) -> Answer:
    """What the sandbox's primary says."""

    def answer(wire: bytes) -> list[bytes]:
        request = read_request(wire, held.keys, time.time())
        assert isinstance(request, Request)
        if request.message.opcode() != dns.opcode.QUERY:
            return [reply(request).to_wire()]
        return answer_query(held, request, udp=False, open_transfers=True)

    return answer


ASKS: list[Callable[[Server], object]] = [
    lambda server: served_serial(server, ZONE, timeout=2),
    lambda server: notify(server, ZONE, ROOT_KEY, timeout=2),
    lambda server: notify(server, ZONE, None, timeout=2),
    lambda server: transfer(server, ZONE, ROOT_KEY),
    lambda server: transfer(server, ZONE, None),
    lambda server: update(server, ZONE, ROOT_KEY, [CHANGE], timeout=2),
]
ask = st.sampled_from(ASKS)


def attempt(asked: Callable[[Server], object], answer: Answer) -> object:
    """The outcome, or the error if it is one of the package's; its words are for people."""
    try:
        return asked(scripted(answer))
    except ZoneError as error:
        found = error
    assert found.sentence
    assert found.hint
    assert found.sentence.isprintable()
    assert SECRET not in f"{found!r}{found.hint}"
    return found


@given(ask, st.lists(st.binary(max_size=300), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_bytes(asked: Callable[[Server], object], answers: list[bytes]) -> None:
    assert isinstance(attempt(asked, lambda wire: answers), ZoneError)


@given(ask, st.binary(min_size=8, max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_after_a_header_that_is_ours(asked: Callable[[Server], object], body: bytes) -> None:
    def answer(wire: bytes) -> list[bytes]:
        flags = int.from_bytes(wire[2:4], "big") | 0x8400
        return [wire[:2] + flags.to_bytes(2, "big") + body]

    attempt(asked, answer)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
    place, value = draw(st.integers(0, 4000)), draw(st.integers(1, 255))
    piece = draw(st.binary(min_size=1, max_size=20))

    def damage(wire: bytes) -> bytes:
        at = place % max(len(wire), 1)
        if kind == "flip":
            return wire[:at] + bytes([wire[at] ^ value]) + wire[at + 1 :]
        if kind == "cut":
            return wire[:at]
        if kind == "insert":
            return wire[:at] + piece + wire[at:]
        return wire[:at] + wire[at : at + 40] * 2 + wire[at + 40 :]

    return damage


@given(ask, damages())
@settings(max_examples=200, deadline=None)
def test_an_honest_answer_that_was_damaged(
    asked: Callable[[Server], object], damage: Callable[[bytes], bytes]
) -> None:
    attempt(asked, lambda wire: [damage(each) for each in honest()(wire)])


TRUTH = transfer(scripted(honest()), ZONE, ROOT_KEY).exact
TRUTH_BIG = transfer(scripted(honest(HELD_BIG)), ZONE, ROOT_KEY).exact


@given(st.integers(0, 20), damages())
@settings(max_examples=50, deadline=None)
def test_a_signed_transfer_cannot_be_changed(which: int, damage: Callable[[bytes], bytes]) -> None:
    def answer(wire: bytes) -> list[bytes]:
        answers = honest(HELD_BIG)(wire)
        index = which % len(answers)
        return [damage(each) if number == index else each for number, each in enumerate(answers)]

    found = attempt(lambda server: transfer(server, ZONE, ROOT_KEY), answer)
    assert isinstance(found, ZoneError) or (isinstance(found, Transferred) and found.exact == TRUTH_BIG)


def test_a_yes_without_a_signature_is_no_yes() -> None:
    def answer(wire: bytes) -> list[bytes]:
        query = dns.message.from_wire(wire, keyring=False)
        query.tsig = None
        return [dns.message.make_response(query).to_wire()]

    with pytest.raises(UnknownOutcome, match="without a signature"):
        update(scripted(answer), ZONE, ROOT_KEY, [CHANGE])
    assert not notify(scripted(answer), ZONE, ROOT_KEY).signed
    with pytest.raises(Unproved):
        transfer(scripted(answer), ZONE, ROOT_KEY)


def test_an_answer_signed_with_another_key_is_no_answer() -> None:
    def answer(wire: bytes) -> list[bytes]:
        held = load({b"_keys": ROOT_KEYS.replace(SECRET, OTHER_SECRET).encode()}).held
        plain = dns.message.from_wire(wire, keyring=False)
        stranger = zone_key("panel._update", secret=OTHER_SECRET)
        assert held.keys[stranger.name] == stranger
        made = dns.message.make_response(plain)
        made.use_tsig(signer(stranger))
        made.request_mac = plain.mac or b""
        return [made.to_wire()]

    with pytest.raises(UnknownOutcome, match="signed wrongly"):
        update(scripted(answer), ZONE, ROOT_KEY, [CHANGE])


def test_messages_of_a_transfer_that_are_left_out_are_noticed_or_said() -> None:
    """With signatures that stand alone an attacker can leave a whole message out: `signatures` says so."""

    def answer(wire: bytes) -> list[bytes]:
        answers = honest(HELD_BIG)(wire)
        return [answers[0], *answers[2:]]

    found = transfer(scripted(answer), ZONE, ROOT_KEY)
    assert found.signatures is Signatures.EACH
    assert len(found.exact) < len(TRUTH_BIG)


def seldom_signed(signed: set[int], total: int = 6) -> Answer:
    """A transfer as RFC 8945 §5.3.1 allows it: only the messages of these numbers bear a signature."""

    def answer(wire: bytes) -> list[bytes]:
        query = dns.message.from_wire(wire, keyring=signer(ROOT_KEY))
        soa = dns.rrset.from_text(
            "example.org.", 300, "IN", "SOA", "ns1.example.org. h.example.org. 7 1 1 1 1"
        )
        wires, context = [], None
        for number in range(total):
            made = dns.message.make_response(query)
            made.answer = [dns.rrset.from_text(f"n{number}.example.org.", 300, "IN", "A", "192.0.2.1")]
            if number == 0:
                made.answer.insert(0, soa)
            if number == total - 1:
                made.answer.append(soa)
            if number in signed:
                wires.append(made.to_wire(multi=True, tsig_ctx=context))
                context = made.tsig_ctx
            else:
                made.tsig = None
                wires.append(made.to_wire())
                if context is not None:
                    context.update(wires[-1])
        return wires

    return answer


def test_messages_between_two_signatures_are_covered_by_the_second() -> None:
    found = transfer(scripted(seldom_signed({0, 3, 5})), ZONE, ROOT_KEY)
    assert found.signatures is Signatures.CHAINED
    assert len(found.sets) == 6
    for wrong in ({0, 3}, {0}, {3, 5}, set()):
        with pytest.raises(Unproved, match=r"not signed|without a signature"):
            transfer(scripted(seldom_signed(wrong)), ZONE, ROOT_KEY)
    with pytest.raises(Unproved, match="99 messages"):
        transfer(scripted(seldom_signed({0, 119}, 120)), ZONE, ROOT_KEY)


@pytest.mark.parametrize("gone", range(1, 5))
def test_a_message_that_is_left_out_of_a_chain_is_noticed(gone: int) -> None:
    def answer(wire: bytes) -> list[bytes]:
        answers = seldom_signed({0, 3, 5})(wire)
        return [*answers[:gone], *answers[gone + 1 :]]

    with pytest.raises(Unproved):
        transfer(scripted(answer), ZONE, ROOT_KEY)


def endless(records: int = 50) -> Answer:
    """The beginning of a transfer that never ends."""

    def answer(wire: bytes) -> list[bytes]:
        query = dns.message.from_wire(wire)
        messages = []
        for number in range(30):
            made = dns.message.make_response(query)
            if not number:
                soa = "ns1.example.org. hostmaster.example.org. 7 1 1 1 1"
                made.answer.append(dns.rrset.from_text("example.org.", 300, "IN", "SOA", soa))
            for count in range(records):
                name = f"n{number}-{count}.example.org."
                made.answer.append(dns.rrset.from_text(name, 300, "IN", "TXT", '"' + "x" * 200 + '"'))
            messages.append(made.to_wire())
        return messages

    return answer


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(octets=100_000), "100000 bytes"),
        (Limits(messages=10), "10 messages"),
        (Limits(records=120), "120 records"),
    ],
)
def test_a_transfer_without_end_is_ended(limits: Limits, words: str) -> None:
    with pytest.raises(TooMuch, match=words):
        transfer(scripted(endless()), ZONE, None, limits)


def test_empty_messages_without_end_are_ended() -> None:
    with pytest.raises(TooMuch):
        transfer(scripted(endless(records=0)), ZONE, None, Limits(messages=20))


@contextmanager
def dripping(first: bytes, every: bytes = b"") -> Iterator[Server]:
    """A real server that accepts, sends `first`, and then a byte at a time, or nothing."""
    stop = threading.Event()
    with socket.create_server(("127.0.71.8", 0)) as listener:
        listener.settimeout(0.05)

        def run() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                with connection:
                    connection.sendall(first)
                    while not stop.wait(0.02):
                        try:
                            connection.sendall(every or b"")
                        except OSError:
                            break

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Server("127.0.71.8", listener.getsockname()[1])
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("every", [b"", b"\x01"])
def test_a_server_that_drips_or_is_silent_costs_only_the_time_that_was_given(every: bytes) -> None:
    with dripping(b"\xff", every) as server:
        began = time.monotonic()
        for asked, error in (
            (lambda: served_serial(server, ZONE, timeout=0.4), Unreachable),
            (lambda: notify(server, ZONE, ROOT_KEY, timeout=0.4), Unreachable),
            (lambda: transfer(server, ZONE, ROOT_KEY, Limits(seconds=0.4)), Unreachable),
            (lambda: update(server, ZONE, ROOT_KEY, [CHANGE], timeout=0.4), UnknownOutcome),
        ):
            with pytest.raises(error, match=r"took longer|took too long"):
                asked()
        assert time.monotonic() - began < 4


def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.71.8", 0)) as listener:
        server = Server("127.0.71.8", listener.getsockname()[1])
    for asked in ASKS:
        with pytest.raises(Unreachable, match="refused"):
            asked(server)


def test_stray_answers_over_udp_are_passed_over() -> None:
    def answer(wire: bytes) -> list[bytes]:
        stray = bytes([wire[0] ^ 1]) + wire[1:2] + b"\x84\x00" + wire[4:]
        return [b"junk", stray, *honest()(wire)]

    assert served_serial(scripted(answer), ZONE).serial == 7


def test_an_answer_about_another_zone_is_none() -> None:
    def answer(wire: bytes) -> list[bytes]:
        other = dns.message.make_query("other.org", "SOA", id=int.from_bytes(wire[:2], "big"))
        return [dns.message.make_response(other).to_wire()]

    with pytest.raises(Garbled, match="another question"):
        served_serial(scripted(answer), ZONE)


def test_a_cached_answer_is_no_proof() -> None:
    def answer(wire: bytes) -> list[bytes]:
        (found,) = honest()(wire)
        message = dns.message.from_wire(found)
        message.flags &= ~dns.flags.AA
        return [message.to_wire()]

    found = served_serial(scripted(answer), ZONE)
    assert (found.serial, found.authoritative) == (7, False)


# Keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [f"a._update.example.org:SHA256:{SECRET}", f"hmac-sha256:a._update.example.org.:{SECRET}"]
)
def test_a_key_is_read_in_both_ways_of_writing_it(text: str) -> None:
    key = parse_key(f" {text}\n")
    assert key == zone_key("a._update.example.org")
    assert dig_argument(key) == f"hmac-sha256:a._update.example.org:{SECRET}"
    assert key.unikernel_string() == f"a._update.example.org:SHA256:{SECRET}"
    assert SECRET not in repr(key) + str(key)


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_key_is_read_or_refused_without_its_secret(name: str, algorithm: str, secret: str) -> None:
    said = ""
    try:
        key_of(name, algorithm, secret)
    except NotSendable as error:
        said = f"{error.sentence} {error.hint}"
    assert len(secret) < 8 or secret not in said


@pytest.mark.parametrize(
    ("name", "algorithm", "secret", "words"),
    [
        ("", "SHA256", SECRET, "no domain name"),
        ("a" * 64, "SHA256", SECRET, "no domain name"),
        ("a._update", "MD5", SECRET, "algorithm"),
        ("a._update", "SHA256", "!!", "base64"),
        ("a._update", "SHA256", "", "base64"),
    ],
)
def test_what_is_wrong_with_a_key_is_named(name: str, algorithm: str, secret: str, words: str) -> None:
    with pytest.raises(NotSendable, match=words):
        key_of(name, algorithm, secret)


def test_a_server_is_an_address() -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        Server("ns1.example.org")
    assert str(Server("192.0.2.1")) == "192.0.2.1"
    assert str(Server("2001:db8::1", 5353)) == "[2001:db8::1]:5353"


# What is never sent ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(ZONE, "SOA", (), None), "An SOA is never sent"),
        (Change(Name.of("example.net"), "A", (), None), "lies outside"),
        (Change(NEW, "A", (), RecordSet(ZONE, 300, [TXT(b"x")])), "another record set"),
        (Change(ZONE, "NS", (), None), "no name servers"),
        (Change(NEW, "NOTYPE", (), None), "does not exist"),
    ],
)
def test_what_is_never_sent(change: Change, words: str) -> None:
    def answer(wire: bytes) -> list[bytes]:
        raise AssertionError("something was sent")

    with pytest.raises(NotSendable, match=words):
        update(scripted(answer), ZONE, ROOT_KEY, [change])
