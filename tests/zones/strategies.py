"""Generated record data and zones: those that Rookery may publish, and wild ones that nobody should."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import strategies as st

from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.data.services import (
    HTTPS,
    SVCB,
    Alpn,
    Ipv4Hint,
    Ipv6Hint,
    KeyValue,
    Mandatory,
    NoDefaultAlpn,
    Port,
)
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import DIALECTS
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.rules.names import name_refusal
from tenants.formats.zones.zone import Soa, Zone
from tests.zones.examples import NS1, ORIGIN, a, name, records, zone

_host_label = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_grammar_words = st.sampled_from(
    ["n", "s", "in", "txt", "type65", "10m", "1", "-5", "10", "mail", "m", "_25", "_tcp", "no-default"]
)
_owner_label = st.one_of(_host_label, st.from_regex(r"_[a-z]{1,6}", fullmatch=True), _grammar_words)


def _names(label: st.SearchStrategy[str], least: int, most: int, tail: str) -> st.SearchStrategy[Name]:
    """Names that every primary reads as they are written; the others ("1.10m.com.") are refused."""
    labels = st.lists(label, min_size=least, max_size=most)
    found = labels.map(lambda found: Name.of(".".join([*found, tail])))
    return found.filter(lambda each: name_refusal(each, ORIGIN, DIALECTS) is None)


HOSTS = st.one_of(st.just(NS1), _names(_host_label, 2, 3, "example.net"))
TARGETS = st.one_of(HOSTS, _names(_owner_label, 1, 2, "com"))
OWNERS = _names(_owner_label, 0, 3, "example.org")
TTLS = st.one_of(st.just(3600), st.integers(0, 2**31 - 1))
_u8, _u16 = st.integers(0, 255), st.integers(0, 65535)
_some_bytes = st.binary(min_size=1, max_size=90)
_line = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"\\')
TEXTS = st.text(_line, min_size=1, max_size=300).map(str.encode)
_angle = st.integers(-90 * 3_600_000, 90 * 3_600_000).map(lambda value: MIDDLE + value)
_height = st.one_of(
    st.integers(SEA_LEVEL, 2**32 - 1), st.integers(0, 100_000).map(lambda metres: SEA_LEVEL - metres * 100)
)
_precision = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda pair: pair[0] << 4 | pair[1])
IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
_grouped = st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF, 0xDB8]), min_size=8, max_size=8)
IPV6 = st.one_of(
    st.integers(0, 2**128 - 1),
    _grouped.map(lambda groups: sum(group << (16 * index) for index, group in enumerate(groups))),
).map(IPv6Address)
_protocols = st.lists(st.sampled_from([b"h2", b"h3", b"http/1.1"]), min_size=1, max_size=3, unique=True)
_alpn = _protocols.map(lambda found: Alpn(tuple(found)))
_hints4 = st.lists(IPV4, min_size=1, max_size=2).map(lambda found: Ipv4Hint(tuple(found)))
_hints6 = st.lists(IPV6, min_size=1, max_size=2).map(lambda found: Ipv6Hint(tuple(found)))
_key = st.builds(KeyValue, st.integers(11, 65534), st.from_regex(rb"[A-Za-z0-9./+-]{1,20}", fullmatch=True))
# By number, but with a form of their own, which other readers hold them to: NAPTR, DNAME, CERT.
_formed = {
    35: st.just(bytes.fromhex("0064000a0175037369700000")),
    39: TARGETS.map(lambda target: b"".join(bytes([len(one)]) + one for one in target.labels) + b"\0"),
    37: _some_bytes.map(lambda found: bytes(5) + found),
}
_generic = st.one_of(
    st.builds(Generic, st.sampled_from([65280, 65534]), _some_bytes),
    *(st.builds(Generic, st.just(number), data) for number, data in _formed.items()),
)

PUBLISHABLE: dict[str, st.SearchStrategy[Data]] = {
    "A": st.builds(A, IPV4),
    "AAAA": st.builds(AAAA, IPV6.filter(lambda address: address.ipv4_mapped is None)),
    "NS": st.builds(NS, HOSTS),
    "CNAME": st.builds(CNAME, TARGETS),
    "PTR": st.builds(PTR, TARGETS),
    "MX": st.builds(MX, _u16, HOSTS),
    "SRV": st.builds(SRV, _u16, _u16, _u16, HOSTS),
    "TXT": st.builds(TXT, TEXTS),
    "CAA": st.builds(CAA, st.booleans(), st.sampled_from([b"issue", b"iodef"]), st.tuples(TEXTS)),
    "TLSA": st.builds(TLSA, _u8, _u8, st.sampled_from([0, 3, 255]), _some_bytes),
    "SSHFP": st.builds(SSHFP, _u8, st.just(2), st.binary(min_size=32, max_size=32)),
    "DS": st.builds(DS, _u16, _u8, st.just(4), st.binary(min_size=48, max_size=48)),
    "LOC": st.builds(LOC, _angle, _angle, _height, _precision, _precision, _precision),
    "SVCB": st.builds(SVCB, st.integers(1, 65535), HOSTS, st.tuples(_alpn, _hints4)),
    "HTTPS": st.builds(
        HTTPS, st.integers(1, 9), HOSTS, st.tuples(st.just(Mandatory((1,))), _alpn, _hints4, _hints6, _key)
    ),
    "TYPE": _generic,
}
"""By type, data that Rookery may publish."""

_ONE_OF_A_KIND = {"CNAME", "PTR", "LOC"}
_ANYWHERE = sorted(set(PUBLISHABLE) - {"CNAME", "NS", "DS"})


def set_of(kind: str, owners: st.SearchStrategy[Name] = OWNERS) -> st.SearchStrategy[RecordSet]:
    """One publishable record set of a type."""
    most = 1 if kind in _ONE_OF_A_KIND | {"SVCB", "HTTPS", "TYPE"} else 4
    data = st.lists(PUBLISHABLE[kind], min_size=1, max_size=most)
    return st.builds(RecordSet, owners, TTLS, data)


def record_sets() -> st.SearchStrategy[RecordSet]:
    """One publishable record set of any type that may stand anywhere in a zone."""
    return st.sampled_from(_ANYWHERE).flatmap(set_of)


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    """A zone that may be published: records of all types, aliases, delegations with and without glue,
    secondaries outside the zone."""
    sets = {item.key: item for item in draw(st.lists(record_sets(), max_size=12))}
    taken = {owner for owner, _ in sets}
    for label in draw(st.lists(st.sampled_from(["alias.x", "_x._tcp.alias.x", "w.alias.x"]), unique=True)):
        item = draw(set_of("CNAME", st.just(name(label))))
        sets |= {item.key: item} if item.owner not in taken else {}
    for label in draw(st.lists(st.sampled_from(["cut", "deep.cuts"]), unique=True)):
        inside = draw(st.booleans())
        servers = [name(f"ns.{label}")] if inside else [Name.of("ns.elsewhere.net")]
        delegated = [records(label, *map(NS, servers)), draw(set_of("DS", st.just(name(label))))]
        delegated += [a(f"ns.{label}", "192.0.2.77")] if inside else []
        if not any(owner.within(name(label)) for owner in taken):
            sets |= {item.key: item for item in delegated}
    if draw(st.booleans()):
        glue = [a("ns6.gandi.net.", "192.0.2.6"), records("ns6.gandi.net.", AAAA(IPv6Address("2001:db8::6")))]
        sets |= {item.key: item for item in (*glue, records("@", NS(NS1), NS(Name.of("ns6.gandi.net"))))}
    sets.pop((NS1, "A"), None)
    soa = Soa(NS1, name("hostmaster"), draw(st.integers(0, 2**32 - 1)), minimum=draw(TTLS))
    return zone(*sets.values(), soa=soa)


_wild_label = st.one_of(
    _owner_label.map(str.encode),
    st.binary(min_size=1, max_size=12),
    st.binary(min_size=63, max_size=63),
    st.sampled_from([b"*", b"a.b", b"a\\b", b";c", b'"', b"a b", b"@", b"(", b"k=v", b"\n", b"\xc3\xa9"]),
)
_wild_names = st.one_of(
    st.just(ROOT),
    st.just(ORIGIN),
    st.lists(_wild_label, max_size=2).map(lambda labels: Name((*labels, *ORIGIN.labels))),
    st.lists(_wild_label, max_size=2).map(Name),
)
_wild_number = st.one_of(_u8, st.sampled_from([-1, 256, 65535, 65536, 2**31, 2**32, 10**30]))
_wild_bytes = st.one_of(st.binary(max_size=90), st.sampled_from([b"", b"\0" * 64641, b"\xff" * 65536]))
_wild_text = st.one_of(st.binary(max_size=300), TEXTS, st.sampled_from([b"", b'a"b', b"a\\", b"x" * 64001]))
_wild_values = st.lists(_wild_text, max_size=3).map(tuple)
_wild_parameters = st.lists(
    st.one_of(
        st.builds(Port, _wild_number),
        st.builds(NoDefaultAlpn),
        st.builds(KeyValue, _wild_number, _wild_text),
        st.builds(Alpn, st.lists(st.one_of(_wild_text, st.just(b"h2")), max_size=3).map(tuple)),
        st.builds(Mandatory, st.lists(st.integers(0, 9), max_size=3).map(tuple)),
        st.builds(Ipv4Hint, st.lists(IPV4, max_size=2).map(tuple)),
        st.builds(Ipv6Hint, st.lists(IPV6, max_size=2).map(tuple)),
    ),
    max_size=4,
).map(tuple)

WILD: dict[str, st.SearchStrategy[Data]] = {
    "AAAA": st.builds(AAAA, IPV6),
    "NS": st.builds(NS, _wild_names),
    "CNAME": st.builds(CNAME, _wild_names),
    "PTR": st.builds(PTR, _wild_names),
    "MX": st.builds(MX, _wild_number, _wild_names),
    "SRV": st.builds(SRV, _wild_number, _wild_number, _wild_number, _wild_names),
    "TXT": st.builds(TXT, _wild_text),
    "CAA": st.builds(CAA, st.booleans(), st.one_of(st.just(b"issue"), _wild_text), _wild_values),
    "TLSA": st.builds(TLSA, _wild_number, _wild_number, _wild_number, _wild_bytes),
    "SSHFP": st.builds(SSHFP, _wild_number, _wild_number, _wild_bytes),
    "DS": st.builds(DS, _wild_number, _wild_number, _wild_number, _wild_bytes),
    "DNSKEY": st.builds(DNSKEY, st.sampled_from([0, 256, 257]), _u8, _wild_text),
    "LOC": st.builds(LOC, *(st.integers(-1, 2**32) for _ in range(3)), _wild_number, _wild_number, _u8),
    "SVCB": st.builds(SVCB, _wild_number, _wild_names, _wild_parameters),
    "HTTPS": st.builds(HTTPS, _wild_number, _wild_names, _wild_parameters),
    "TYPE": st.builds(Generic, st.one_of(st.integers(0, 300), _wild_number), _wild_bytes),
}
"""By type, data that may be anything that the classes can hold."""


@st.composite
def wild_zones(draw: st.DrawFn) -> Zone:
    """A zone with at least one set of which anything may be wrong, among sets that may be published."""
    sets: dict[Any, RecordSet] = {}
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(sorted(WILD)))
        either = st.one_of(WILD[kind], PUBLISHABLE.get(kind, WILD[kind]))
        data = draw(st.lists(either, min_size=1, max_size=3))
        owner = draw(st.one_of(OWNERS, _wild_names, st.sampled_from([name("x"), name("y.x"), ORIGIN])))
        same_type = [item for item in data if item.type == data[0].type]
        ttl = draw(st.one_of(TTLS, st.sampled_from([-1, 2**31, 2**32])))
        item = RecordSet(owner, ttl, same_type)
        sets[item.key] = item
    return zone(*sets.values())
