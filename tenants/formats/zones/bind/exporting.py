"""A zone as BIND text, for people who leave and servers that take over (RFC 1035 §5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.services import SVCB, Alpn, KeyValue
from tenants.formats.zones.data.simple import CAA, TXT, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Zone

__all__ = ["bind_name", "bind_text", "export_bind"]

_STRING = 255
_LITERAL = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')


def export_bind(zone: Zone) -> str:
    """Return the zone as a BIND file: every name absolute or relative to `$ORIGIN`, every TTL spelled out.

    Addresses of name servers outside the zone become comments, for other servers refuse such records.
    """
    soa, origin = zone.soa, zone.origin
    numbers = f"{soa.serial} {soa.refresh} {soa.retry} {soa.expire} {soa.minimum}"
    lines = [
        f"$ORIGIN {origin}",
        f"$TTL {soa.minimum}",
        f"@ {soa.minimum} IN SOA {bind_name(soa.primary)} {bind_name(soa.mailbox)} {numbers}",
    ]
    for item in zone.sets:
        mark = "" if item.owner.within(origin) else "; outside the zone: "
        lines += [f"{mark}{line}" for line in _lines(item, origin)]
    return "\n".join(lines) + "\n"


def bind_text(data: Data) -> str:
    """Return record data as every server reads them, with absolute names."""
    write = _WRITERS.get(type(data))
    return write(data) if write else data.text(_absolute).decode("latin-1").replace("\t", " ").rstrip()


def _lines(item: RecordSet, origin: Name) -> list[str]:
    owner = _relative(item.owner, origin)
    return [f"{owner} {item.ttl} IN {item.type} {bind_text(data)}" for data in item.data]


def _relative(name: Name, origin: Name) -> str:
    if name == origin:
        return "@"
    written = bind_name(name)
    return written.removesuffix(f".{bind_name(origin)}") if name.within(origin) else written


def _absolute(name: Name) -> bytes:
    return bind_name(name).encode("latin-1")


def bind_name(name: Name) -> str:
    """An absolute name with escapes for what is special in a zone file (RFC 4343 §2.1)."""
    if not name.labels:
        return "."
    return "".join(f"{''.join(map(_name_byte, label))}." for label in name.labels)


def _name_byte(byte: int) -> str:
    if chr(byte) in '.;()@$"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x21 <= byte <= 0x7E else f"\\{byte:03d}"


def _quoted(value: bytes) -> str:
    return '"' + "".join(chr(byte) if byte in _LITERAL else f"\\{byte:03d}" for byte in value) + '"'


def _txt(data: TXT) -> str:
    pieces = [data.value[start : start + _STRING] for start in range(0, len(data.value), _STRING)] or [b""]
    return " ".join(map(_quoted, pieces))


def _caa(data: CAA) -> str:
    return f"{128 if data.critical else 0} {data.tag.decode('latin-1')} {_quoted(b';'.join(data.value))}"


def _service(data: SVCB) -> str:
    parameters = [_parameter(item) for item in data.parameters]
    return " ".join([str(data.priority), bind_name(data.target), *parameters])


def _parameter(item: Any) -> str:
    if isinstance(item, Alpn):
        return f'alpn="{",".join(protocol.decode("latin-1") for protocol in item.protocols)}"'
    if isinstance(item, KeyValue):
        return f"key{item.number}={_quoted(item.value)}"
    if item.number == 3:
        return f"port={item.port}"
    written: bytes = item.text()
    return written.decode("latin-1")


def _hex_last(data: Any) -> str:
    *numbers, last = (getattr(data, field) for field in data.__slots__)
    return " ".join([*map(str, numbers), last.hex().upper()])


_WRITERS: dict[type, Callable[[Any], str]] = {
    TXT: _txt,
    CAA: _caa,
    SVCB: _service,
    TLSA: _hex_last,
    SSHFP: _hex_last,
    DS: _hex_last,
    DNSKEY: lambda data: f"{data.flags} 3 {data.algorithm} {data.key.decode('latin-1')}",
    Generic: lambda data: f"\\# {len(data.data)} {data.data.hex().upper()}".rstrip(),
}
_WRITERS |= dict.fromkeys(SVCB.__subclasses__(), _service)
