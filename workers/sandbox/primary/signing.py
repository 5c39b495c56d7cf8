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


@dataclass(frozen=True)
class Request:
    """A message that came, and the key that it is signed with; None for an unsigned one."""

    message: dns.message.Message
    key: TsigKey | None = None


def read_request(wire: bytes, keys: Mapping[Name, TsigKey], now: float) -> Request | bytes | None:
    """Return the request, the answer to one whose signature does not hold, or None for what is no request."""
    try:
        plain = dns.message.from_wire(wire, keyring=False, one_rr_per_rrset=True)
    except _BROKEN:
        return None
    if plain.flags & dns.flags.QR or len(plain.question) > 1:
        return None
    if plain.tsig is None:
        return Request(plain)
    name = Name(plain.tsig.name.labels[:-1])
    key = keys.get(name)
    signing = _signing(key)
    if key is None or signing is None:
        return _complaint(plain, dns.rcode.BADKEY, None, now)
    try:
        message = dns.message.from_wire(wire, keyring=signing, one_rr_per_rrset=True)
    except (dns.tsig.BadAlgorithm, dns.tsig.BadKey):
        return _complaint(plain, dns.rcode.BADKEY, None, now)
    except dns.tsig.BadSignature:
        return _complaint(plain, dns.rcode.BADSIG, None, now)
    except dns.tsig.BadTime:
        return _complaint(plain, dns.rcode.BADTIME, signing, now)
    except _BROKEN:
        return None
    said = plain.tsig[0]
    if abs(said.time_signed - now) > said.fudge:
        return _complaint(plain, dns.rcode.BADTIME, signing, now)
    return Request(message, key)


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
    record = TSIG(
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
        record, _ = dns.tsig.sign(wire, key, record, asked.time_signed, asked.mac)
    data = record.to_wire() or b""
    owner = request.tsig.name.to_wire() or b"\0"
    (count,) = struct.unpack("!H", wire[10:12])
    head = struct.pack("!HHIH", dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, len(data))
    return wire[:10] + struct.pack("!H", count + 1) + wire[12:] + owner + head + data
