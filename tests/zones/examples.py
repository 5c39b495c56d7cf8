"""example.org written by hand: short ways to say names, record sets and zones in tests."""

from __future__ import annotations

from ipaddress import IPv4Address

from tenants.formats.zones.data.simple import NS, A, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Soa, Zone

ORIGIN = Name.of("example.org")
NS1 = Name.of("ns1.example.org")
SOA = Soa(NS1, Name.of("hostmaster.example.org"), 2026112101)


def name(text: str) -> Name:
    """`www` and `@` are names of example.org; a last dot makes a name absolute."""
    if text == "@":
        return ORIGIN
    return Name.of(text) if text.endswith(".") else Name.of(f"{text}.example.org")


def a(owner: str, *addresses: str, ttl: int = 3600) -> RecordSet:
    return RecordSet(name(owner), ttl, [A(IPv4Address(address)) for address in addresses])


def records(owner: str, *data: Data, ttl: int = 3600) -> RecordSet:
    return RecordSet(name(owner), ttl, data)


def zone(*sets: RecordSet, soa: Soa = SOA) -> Zone:
    """example.org with one name server, and more; a set given here replaces one of those."""
    first = (records("@", NS(NS1)), a("ns1", "192.0.2.1"))
    return Zone(ORIGIN, soa, {item.key: item for item in (*first, *sets)}.values())
