"""Zones for tests: a small one written by hand, and strategies for all that Rookery may publish."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from tenants.formats.zones.data.digests import DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.data.services import HTTPS, SVCB, Alpn, Ipv4Hint, Ipv6Hint, KeyValue, Mandatory
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
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
    """example.org with one name server, and more."""
    return Zone(ORIGIN, soa, (records("@", NS(NS1)), a("ns1", "192.0.2.1"), *sets))


_letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789")
_host_label = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_owner_label = st.one_of(
    _host_label,
    st.from_regex(r"_[a-z]{1,6}", fullmatch=True),
    st.sampled_from(
        ["n", "s", "in", "txt", "type65", "10m", "1", "-5", "10", "mail", "m", "_25", "_tcp", "no-default"]
    ),
)
_targets = st.one_of(
    st.just(NS1),
    st.lists(_host_label, min_size=2, max_size=3).map(
        lambda labels: Name.of(".".join([*labels, "example.net"]))
    ),
)
_any_targets = st.one_of(
    _targets,
    st.lists(_owner_label, min_size=1, max_size=2).map(lambda labels: Name.of(".".join([*labels, "com"]))),
)
_text = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"\\'),
    min_size=1,
    max_size=300,
).map(str.encode)
_bytes = st.binary(min_size=1, max_size=90)
_u8, _u16 = st.integers(0, 255), st.integers(0, 65535)
_angle = st.integers(-90 * 3_600_000, 90 * 3_600_000).map(lambda value: MIDDLE + value)
_height = st.one_of(
    st.integers(SEA_LEVEL, 2**32 - 1), st.integers(0, 100_000).map(lambda metres: SEA_LEVEL - metres * 100)
)
_precision = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda pair: pair[0] << 4 | pair[1])
_v4 = st.integers(0, 2**32 - 1).map(IPv4Address)
_v6 = st.one_of(
    st.integers(0, 2**128 - 1),
    st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF, 0xDB8]), min_size=8, max_size=8).map(
        lambda groups: sum(group << (16 * index) for index, group in enumerate(groups))
    ),
).map(IPv6Address)
_publishable_v6 = _v6.filter(lambda address: address.ipv4_mapped is None)
_alpn = st.lists(st.sampled_from([b"h2", b"h3", b"http/1.1"]), min_size=1, max_size=3, unique=True).map(
    lambda names: Alpn(tuple(names))
)
_hints4 = st.lists(_v4, min_size=1, max_size=2).map(lambda found: Ipv4Hint(tuple(found)))
_hints6 = st.lists(_v6, min_size=1, max_size=2).map(lambda found: Ipv6Hint(tuple(found)))
_key = st.builds(KeyValue, st.integers(7, 65534), st.from_regex(rb"[A-Za-z0-9./+-]{1,20}", fullmatch=True))

SIMPLE_DATA: dict[str, st.SearchStrategy[Data]] = {
    "A": st.builds(A, _v4),
    "AAAA": st.builds(AAAA, _publishable_v6),
    "MX": st.builds(MX, _u16, _targets),
    "SRV": st.builds(SRV, _u16, _u16, _u16, _targets),
    "TXT": st.builds(TXT, _text),
    "CAA": st.builds(
        CAA,
        st.booleans(),
        st.sampled_from([b"issue", b"iodef"]),
        st.tuples(st.sampled_from([b"le.org; x=y", b"ca.net"])),
    ),
    "TLSA": st.builds(TLSA, _u8, _u8, st.sampled_from([0, 3, 255]), _bytes),
    "SSHFP": st.builds(SSHFP, _u8, st.just(2), st.binary(min_size=32, max_size=32)),
    "GENERIC": st.builds(Generic, st.just(65280), _bytes),
}
SINGLE_DATA: dict[str, st.SearchStrategy[Data]] = {
    "PTR": st.builds(PTR, _any_targets),
    "LOC": st.builds(LOC, _angle, _angle, _height, _precision, _precision, _precision),
    "SVCB": st.builds(SVCB, st.just(1), _targets, st.tuples(_alpn, _hints4)),
    "HTTPS": st.builds(
        HTTPS, st.integers(1, 9), _targets, st.tuples(st.just(Mandatory((1,))), _alpn, _hints4, _hints6, _key)
    ),
}
ANY_DATA = st.one_of(*SIMPLE_DATA.values(), *SINGLE_DATA.values())
OWNERS = st.lists(_owner_label, min_size=0, max_size=3).map(
    lambda labels: Name.of(".".join([*labels, "example.org"]))
)
TTLS = st.one_of(st.just(3600), st.integers(0, 2**31 - 1))


@st.composite
def record_sets(draw: st.DrawFn) -> RecordSet:
    """One record set that may stand anywhere in example.org."""
    multiple = draw(st.booleans())
    kind = draw(st.sampled_from(sorted(SIMPLE_DATA if multiple else SINGLE_DATA)))
    data = (SIMPLE_DATA if multiple else SINGLE_DATA)[kind]
    return RecordSet(
        draw(OWNERS), draw(TTLS), draw(st.lists(data, min_size=1, max_size=4 if multiple else 1))
    )


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    """A zone of Rookery: records of all types, aliases, delegations with and without glue, secondaries."""
    sets = {item.key: item for item in draw(st.lists(record_sets(), max_size=12))}
    taken = {owner for owner, _ in sets}
    for label in draw(st.lists(st.sampled_from(["alias", "_x._tcp.alias", "w.alias"]), unique=True)):
        item = records(label, CNAME(draw(_any_targets)), ttl=draw(TTLS))
        sets[item.key] = item
    for label in draw(st.lists(st.sampled_from(["cut", "deep.cuts"]), unique=True)):
        inside = draw(st.booleans())
        servers = [name(f"ns.{label}")] if inside else [Name.of("ns.elsewhere.net")]
        delegated = [records(label, *map(NS, servers)), records(label, DS(1, 13, 4, b"\1" * 48))]
        delegated += [a(f"ns.{label}", "192.0.2.77")] if inside else []
        sets |= {item.key: item for item in delegated if item.owner not in taken}
    if draw(st.booleans()):
        glue = [a("ns6.gandi.net.", "192.0.2.6"), records("ns6.gandi.net.", AAAA(IPv6Address("2001:db8::6")))]
        sets |= {item.key: item for item in (*glue, records("@", NS(NS1), NS(Name.of("ns6.gandi.net"))))}
    soa = Soa(NS1, Name.of("hostmaster.example.org"), draw(st.integers(0, 2**32 - 1)), minimum=draw(TTLS))
    first = {item.key: item for item in zone().sets}
    return Zone(ORIGIN, soa, {**first, **sets, name_key("ns1"): a("ns1", "192.0.2.1")}.values())


def name_key(owner: str) -> tuple[Name, str]:
    return name(owner), "A"
