"""DNS messages, made and read: whatever comes from outside raises only the errors of this package."""

from __future__ import annotations

import struct
from time import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.tsig

from tenants.formats.text import printable
from tenants.formats.zones.names import Name
from workers.zone.errors import ClockSkew, Garbled, Unproved
from workers.zone.outcomes import Asked, refusal

__all__ = ["BROKEN", "Context", "dns_name", "parse", "proved_reply", "read_reply", "verify"]

Context = dns.tsig.HMACTSig | dns.tsig.GSSTSig
"""What has been signed so far in a chain of messages."""

BROKEN = (dns.exception.DNSException, ValueError, ArithmeticError, LookupError, TypeError, struct.error)
"""What dnspython may raise for bytes that are no DNS."""


def dns_name(name: Name) -> dns.name.Name:
    """Return a name of ours as one of dnspython's."""
    return dns.name.Name((*name.labels, b""))


def parse(wire: bytes, asked: Asked) -> dns.message.Message:
    """Return the message that `wire` is; its signature is not looked at. Raises Garbled."""
    try:
        return dns.message.from_wire(wire, keyring=False, one_rr_per_rrset=True)
    except BROKEN as error:
        raise Garbled(f"{asked.server} sent something that is no DNS message: {_said(error)}.") from None


def read_reply(wire: bytes, query: dns.message.Message, asked: Asked) -> dns.message.Message:
    """Return the answer to a query; its signature is not looked at. Raises Garbled."""
    reply = parse(wire, asked)
    try:
        ours = query.is_response(reply)
    except BROKEN:
        ours = False
    if not ours:
        raise Garbled(f"{asked.server} sent an answer to another question than ours.")
    return reply


def proved_reply(
    wire: bytes, query: dns.message.Message, key: dns.tsig.Key | None, asked: Asked
) -> dns.message.Message:
    """Return an answer that says yes (NOERROR), and is signed if a key is given.

    Raises Refusal for every other answer, signed or not: nobody gains by forging a no. Raises Unproved for
    a yes without a valid signature, and Garbled.
    """
    reply = read_reply(wire, query, asked)
    _check_signature_error(reply, asked)
    code = reply.rcode()
    if key is None or (not reply.had_tsig and code != dns.rcode.NOERROR):
        if code != dns.rcode.NOERROR:
            raise refusal(code, asked)
        return reply
    if not reply.had_tsig:
        raise Unproved(f"{asked.server} says yes without a signature.")
    verify(wire, reply, key, query.mac or b"", asked)
    if code != dns.rcode.NOERROR:
        raise refusal(code, asked)
    return reply


def verify(
    wire: bytes,
    message: dns.message.Message,
    key: dns.tsig.Key,
    request_mac: bytes,
    asked: Asked,
    context: Context | None = None,
    *,
    chained: bool = False,
) -> Context | None:
    """Check the signature of a message that has one, read from `wire`: against the request, or in a chain
    against `context`, what the message before left behind. Returns what this one leaves behind in a chain.

    Raises Unproved, and ClockSkew when it was signed at another time than now.
    """
    assert message.tsig is not None  # noqa: S101 - it has a signature
    start, now = _last_record(wire), int(time())
    owner, record = message.tsig.name, message.tsig[0]
    try:
        left: Context | None = dns.tsig.validate(  # type: ignore[no-untyped-call]
            wire, key, owner, record, now, request_mac, start, context, chained
        )
    except dns.tsig.BadTime:
        raise skewed(message, asked) from None
    except BROKEN as error:
        raise Unproved(f"What {asked.server} sent is signed wrongly: {_said(error)}.") from None
    return left


def _last_record(wire: bytes) -> int:
    """Where the last record of a message begins, which was read before: every length in it holds."""
    questions, *records = struct.unpack("!HHHH", wire[4:12])
    position = start = 12
    for _ in range(questions):
        position = _after_name(wire, position) + 4
    for _ in range(sum(records)):
        start = position
        position = _after_name(wire, position)
        position += 10 + int.from_bytes(wire[position + 8 : position + 10], "big")
    return start


def _after_name(wire: bytes, position: int) -> int:
    while (length := wire[position]) != 0:
        if length >= 0xC0:  # a pointer ends a name
            return position + 2
        position += 1 + length
    return position + 1


def skewed(reply: dns.message.Message, asked: Asked) -> ClockSkew:
    """Return what to raise for an answer that was signed at another time than now."""
    ahead = int(reply.tsig[0].time_signed) - int(time()) if reply.tsig else None
    return clock_skew(ahead, asked)


def clock_skew(ahead: int | None, asked: Asked) -> ClockSkew:
    if ahead is None:
        return ClockSkew(f"The clocks of {asked.server} and of this machine differ too much.", seconds=None)
    side = "ahead of" if ahead > 0 else "behind"
    return ClockSkew(
        f"The clock of {asked.server} is {abs(ahead)} seconds {side} this machine's.", seconds=ahead
    )


def _check_signature_error(reply: dns.message.Message, asked: Asked) -> None:
    """Raise what the server has to say about our signature (RFC 8945 §5.2); such answers cannot be signed."""
    if reply.tsig is None:
        return
    said = reply.tsig[0]
    if said.error == dns.rcode.BADTIME:
        theirs = int.from_bytes(said.other, "big") if len(said.other) == 6 else None
        raise clock_skew(None if theirs is None else theirs - int(time()), asked)
    if said.error:
        raise refusal(said.error, asked)


def _said(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__, 160).removesuffix(".")
