"""TSIG on the primary's side: whom a request is from, and what is said to a signature that does not hold."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
from dns.rdtypes.ANY.TSIG import TSIG

from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.names import Name
from workers.zone.errors import NotSendable
from workers.zone.keys import signer

__all__ = ["Request", "read_request"]

_FUDGE = 300
_BROKEN = (dns.exception.DNSException, ValueError, ArithmeticError, LookupError, TypeError, struct.error)

_ERRORS: dict[type[Exception], dns.rcode.Rcode] = {
    dns.message.UnknownTSIGKey: dns.rcode.BADKEY,
    dns.tsig.BadKey: dns.rcode.BADKEY,
    dns.tsig.BadAlgorithm: dns.rcode.BADKEY,
    dns.tsig.BadSignature: dns.rcode.BADSIG,
    dns.tsig.BadTime: dns.rcode.BADTIME,
}


@dataclass(frozen=True)
class Request:
    """A message that came, and the key that it is signed with; None for an unsigned one."""

    message: dns.message.Message
    key: TsigKey | None = None


def read_request(wire: bytes, keys: Mapping[Name, TsigKey], now: float) -> Request | bytes | None:
    """Return the request, the answer to one whose signature does not hold, or None for what is no request."""
    plain = _parsed(wire, False)
    if plain is None or plain.flags & dns.flags.QR or len(plain.question) > 1:
        return None
    if plain.tsig is None:
        return Request(plain)
    key = keys.get(Name(plain.tsig.name.labels[:-1]))
    signing = _signing(key)
    try:
        message = _parsed(wire, signing)
        said = plain.tsig[0]
        if abs(said.time_signed - now) > said.fudge:
            raise dns.tsig.BadTime
    except tuple(_ERRORS) as error:
        code = _ERRORS[type(error)]
        return _complaint(plain, code, signing if code == dns.rcode.BADTIME else None, now)
    return Request(message, key) if message else None


def _parsed(wire: bytes, key: dns.tsig.Key | bool | None) -> dns.message.Message | None:
    """A message, or None for what is none. Raises what the signature is wrong in (see _ERRORS)."""
    try:
        return dns.message.from_wire(wire, keyring=key, one_rr_per_rrset=True)
    except tuple(_ERRORS):
        raise
    except _BROKEN:
        return None


def _signing(key: TsigKey | None) -> dns.tsig.Key | None:
    try:
        return signer(key) if key else None
    except NotSendable:  # its secret is no base64, which nobody noticed so far
        return None


def _complaint(
    request: dns.message.Message, error: dns.rcode.Rcode, key: dns.tsig.Key | None, now: float
) -> bytes:
    """NOTAUTH with the reason in its TSIG record; only that about the time is signed (RFC 8945 §5.2.3)."""
    assert request.tsig is not None  # noqa: S101 - there is a signature that does not hold
    asked = request.tsig[0]
    answer = dns.message.make_response(request, our_payload=512)
    answer.set_rcode(dns.rcode.NOTAUTH)
    wire = answer.to_wire()
    other = int(now).to_bytes(6, "big") if error == dns.rcode.BADTIME else b""
    record = TSIG(  # type: ignore[no-untyped-call]
        dns.rdataclass.ANY,
        dns.rdatatype.TSIG,
        asked.algorithm,
        asked.time_signed,
        _FUDGE,
        b"",
        request.id,
        int(error),
        other,
    )
    if key is not None:
        record, _ = dns.tsig.sign(  # type: ignore[no-untyped-call]
            wire, key, record, asked.time_signed, asked.mac
        )
    data = record.to_wire() or b""
    owner = request.tsig.name.to_wire() or b"\0"
    (count,) = struct.unpack("!H", wire[10:12])
    head = struct.pack("!HHIH", dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, len(data))
    return wire[:10] + struct.pack("!H", count + 1) + wire[12:] + owner + head + data
