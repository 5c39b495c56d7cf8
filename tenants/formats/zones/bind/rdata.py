"""Record data as people and other servers write them: to ours, by way of dnspython."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.svcbbase import ParamKey

from tenants.formats.text import FormatError, printable
from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL, precision_of
from tenants.formats.zones.data.services import (
    HTTPS,
    SVCB,
    Alpn,
    Ipv4Hint,
    Ipv6Hint,
    KeyValue,
    Mandatory,
    NoDefaultAlpn,
    Parameter,
    Port,
)
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Soa

__all__ = ["data_from_rdata", "data_from_text", "name_from_dnspython", "rdata_from_text"]

_SIGNED_TYPES = {"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "SIG", "KEY", "NXT"}
_ADVICE = {
    "SPF": "The type SPF was given up (RFC 7208 §3.1). Publish the same text as TXT.",
    "DNAME": "The primary does not redirect what is below a name. Write a CNAME for each name that is used.",
    "ALIAS": "ALIAS is not a type of the DNS. Give the addresses themselves.",
    "ANAME": "ANAME is not a type of the DNS. Give the addresses themselves.",
}


def data_from_text(record_type: str, text: str, origin: Name) -> Data | Soa:
    """Return the data that `text` is in a BIND zone file; names without a last dot are completed by `origin`.

    A type that the primary knows only by number becomes Generic. Raises FormatError with a sentence for what
    dnspython cannot read, and for types that cannot be served.
    """
    return data_from_rdata(rdata_from_text(record_type, text, origin))


def rdata_from_text(record_type: str, text: str, origin: Name) -> dns.rdata.Rdata:
    """Return dnspython's reading of record data. Raises FormatError."""
    name = record_type.upper()
    if name in _SIGNED_TYPES:
        raise FormatError(
            "type", f"{name} records come from signing, which this primary does not do.", "Leave them out."
        )
    if name in _ADVICE:
        problem, _, fix = _ADVICE[name].partition(". ")
        raise FormatError("type", f"{problem}.", fix)
    try:
        number = dns.rdatatype.from_text(name)
    except (dns.exception.DNSException, ValueError):
        shown = printable(record_type, 40)
        raise FormatError("type", f"{shown} is not a known type.", "Correct the type.") from None
    if dns.rdatatype.is_metatype(number):
        raise FormatError("type", f"{name} records do not stand in zones.", "Leave them out.")
    try:
        return dns.rdata.from_text(
            dns.rdataclass.IN, number, text, origin=dns.name.Name((*origin.labels, b"")), relativize=False
        )
    except (dns.exception.DNSException, ValueError, ArithmeticError, LookupError, struct.error) as error:
        reason = printable(str(error), 160).rstrip(".") or type(error).__name__
        raise FormatError(
            "data", f"This is not the data of a {name} record: {reason}.", "Compare it with the type's form."
        ) from None


def data_from_rdata(rdata: dns.rdata.Rdata) -> Data | Soa:
    """Return what a record from dnspython says, whether read from text or from a zone transfer.

    Raises FormatError when it says something that the primary's data cannot hold.
    """
    name = dns.rdatatype.to_text(rdata.rdtype)
    convert = _CONVERTERS.get(name)
    if convert:
        try:
            return convert(rdata)
        except (ValueError, AttributeError) as error:
            raise FormatError("data", f"The data of this {name} record are unusable.", str(error)) from None
    return Generic(int(rdata.rdtype), bytes(rdata.to_generic().data))


def name_from_dnspython(name: dns.name.Name) -> Name:
    """Return an absolute name of dnspython's as ours."""
    return Name(name.labels[:-1])


def _soa(rdata: Any) -> Soa:
    names = name_from_dnspython(rdata.mname), name_from_dnspython(rdata.rname)
    return Soa(*names, rdata.serial, rdata.refresh, rdata.retry, rdata.expire, rdata.minimum)


def _loc(rdata: Any) -> LOC:
    return LOC(
        MIDDLE + _thousandths(rdata.latitude),
        MIDDLE + _thousandths(rdata.longitude),
        SEA_LEVEL + round(rdata.altitude),
        precision_of(round(rdata.size)),
        precision_of(round(rdata.horizontal_precision)),
        precision_of(round(rdata.vertical_precision)),
    )


def _thousandths(parts: tuple[int, int, int, int, int]) -> int:
    degrees, minutes, seconds, thousandths, sign = parts
    return sign * (((degrees * 60 + minutes) * 60 + seconds) * 1000 + thousandths)


def _caa(rdata: Any) -> CAA:
    return CAA(rdata.flags & 128 != 0, rdata.tag, (rdata.value,))


def _service(kind: type[SVCB]) -> Callable[[Any], SVCB]:
    def convert(rdata: Any) -> SVCB:
        parameters = [_parameter(int(key), value) for key, value in sorted(rdata.params.items())]
        return kind(rdata.priority, name_from_dnspython(rdata.target), tuple(parameters))

    return convert


def _parameter(number: int, value: Any) -> Parameter:
    if number == ParamKey.ECH:
        raise ValueError("Leave out “ech”: the primary does not know it.")
    convert = _PARAMETERS.get(number)
    return convert(value) if convert else KeyValue(number, bytes(value.value) if value is not None else b"")


_PARAMETERS: dict[int, Callable[[Any], Parameter]] = {
    ParamKey.MANDATORY: lambda value: Mandatory(tuple(int(key) for key in value.keys)),
    ParamKey.ALPN: lambda value: Alpn(tuple(value.ids)),
    ParamKey.NO_DEFAULT_ALPN: lambda value: NoDefaultAlpn(),
    ParamKey.PORT: lambda value: Port(value.port),
    ParamKey.IPV4HINT: lambda value: Ipv4Hint(tuple(map(IPv4Address, value.addresses))),
    ParamKey.IPV6HINT: lambda value: Ipv6Hint(tuple(map(IPv6Address, value.addresses))),
}


_CONVERTERS: dict[str, Callable[[Any], Data | Soa]] = {
    "SOA": _soa,
    "A": lambda rdata: A(IPv4Address(rdata.address)),
    "AAAA": lambda rdata: AAAA(IPv6Address(rdata.address)),
    "NS": lambda rdata: NS(name_from_dnspython(rdata.target)),
    "CNAME": lambda rdata: CNAME(name_from_dnspython(rdata.target)),
    "PTR": lambda rdata: PTR(name_from_dnspython(rdata.target)),
    "MX": lambda rdata: MX(rdata.preference, name_from_dnspython(rdata.exchange)),
    "SRV": lambda rdata: SRV(rdata.priority, rdata.weight, rdata.port, name_from_dnspython(rdata.target)),
    "TXT": lambda rdata: TXT(b"".join(rdata.strings)),
    "CAA": _caa,
    "TLSA": lambda rdata: TLSA(rdata.usage, rdata.selector, rdata.mtype, rdata.cert),
    "SSHFP": lambda rdata: SSHFP(rdata.algorithm, rdata.fp_type, rdata.fingerprint),
    "DS": lambda rdata: DS(rdata.key_tag, int(rdata.algorithm), int(rdata.digest_type), rdata.digest),
    "DNSKEY": lambda rdata: DNSKEY(int(rdata.flags), int(rdata.algorithm), b64encode(rdata.key)),
    "LOC": _loc,
    "SVCB": _service(SVCB),
    "HTTPS": _service(HTTPS),
}
