"""Names, record sets and zones as values: equal, ordered, unchangeable, and where a delegation begins."""

from __future__ import annotations

import pickle
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.zones.data.simple import NS, TXT, A
from tenants.formats.zones.dkim_record import dkim_text, published_key
from tenants.formats.zones.merge import Holder, complete, merge
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.record_set import Key, RecordSet
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import emit, read_zone
from tests.zones.examples import NS1, ORIGIN, SOA, a, name, records, zone
from tests.zones.strategies import record_sets, zones

labels = st.lists(st.binary(min_size=1, max_size=5), max_size=5)


@given(labels, labels)
def test_names_are_equal_without_regard_to_case_and_sort_from_the_root_down(
    one: list[bytes], other: list[bytes]
) -> None:
    first, second = Name(one), Name(other)
    assert first == Name([label.upper() for label in one])
    assert hash(first) == hash(first.lower)
    assert (first < second) is (first.key < second.key)
    assert first.within(second) is (first == second or second in list(first.ancestors()))
    assert first.below(second) is (first != second and first.within(second))


@pytest.mark.parametrize("bad", [(b"",), (b"a", b""), (b"a" * 64,), (b"a" * 63,) * 4])
def test_what_is_too_long_or_empty_is_no_name(bad: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        Name(bad)


def test_the_longest_name() -> None:
    longest = Name((b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61))
    assert len(longest.absolute) + 1 == 255


@pytest.mark.parametrize(
    ("text", "origin", "relative"),
    [
        ("example.org", "example.org", b"@"),
        ("www.Example.org", "example.org", b"www"),
        ("example.org", "org", b"example"),
        ("example.net", "example.org", b"example.net."),
        ("badexample.org", "example.org", b"badexample.org."),
        ("org", "", b"org"),
    ],
)
def test_names_as_the_primary_writes_them(text: str, origin: str, relative: bytes) -> None:
    assert Name.of(text).relative(Name.of(origin)) == relative


def test_names_for_sentences_are_harmless() -> None:
    assert Name((b"a\n\x1b[31m", b"org")).short == "a\\n\\x1b[31m.org"
    assert ROOT.short == "."


@given(record_sets())
def test_record_sets_are_sets(item: RecordSet) -> None:
    same = RecordSet(item.owner, item.ttl, [*reversed(item.data), *item.data])
    assert same == item
    assert hash(same) == hash(item)
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301 - of our own making
    assert RecordSet(item.owner, item.ttl ^ 1, item.data) != item


def test_a_record_set_has_one_type() -> None:
    with pytest.raises(ValueError, match="one type"):
        records("x", TXT(b"a"), A(IPv4Address(1)))
    with pytest.raises(ValueError, match="has records"):
        records("x")


def test_values_do_not_change() -> None:
    for value, field in ((NS1, "key"), (a("x", "192.0.2.1"), "ttl"), (zone(), "soa")):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(value, field, None)


def test_a_zone_has_one_set_of_each_name_and_type() -> None:
    with pytest.raises(ValueError, match="one record set"):
        Zone(ORIGIN, SOA, [a("x", "192.0.2.1"), a("X", "192.0.2.2")])


@given(zones())
def test_a_zone_travels_between_processes(any_zone: Zone) -> None:
    again = pickle.loads(pickle.dumps(any_zone))  # noqa: S301 - of our own making
    assert again == any_zone
    assert emit(again) == emit(any_zone)


CUT = zone(records("cut", NS(name("ns.cut"))), a("ns.cut", "192.0.2.7"), records("deep.er", TXT(b"a")))


@pytest.mark.parametrize(
    ("owner", "delegated"),
    [("@", None), ("www", None), ("cut", "cut"), ("ns.cut", "cut"), ("a.b.cut", "cut")],
)
def test_where_a_delegation_begins(owner: str, delegated: str | None) -> None:
    assert CUT.delegation(name(owner)) == (name(delegated) if delegated else None)


@pytest.mark.parametrize(
    ("owner", "record_type", "glue"),
    [
        ("cut", "NS", False),
        ("cut", "DS", False),
        ("cut", "TXT", True),
        ("ns.cut", "A", True),
        ("@", "NS", False),
        ("ns6.gandi.net.", "A", True),
    ],
)
def test_what_no_transfer_shows(owner: str, record_type: str, glue: bool) -> None:
    assert CUT.is_glue(name(owner), record_type) is glue


def test_names_in_between_exist_and_have_no_types() -> None:
    assert CUT.exists(name("er"))
    assert CUT.types_at(name("er")) == frozenset()
    assert CUT.types_at(name("cut")) == {"NS"}
    assert not CUT.exists(name("deeper"))


def test_glue_survives_a_merge_with_what_a_transfer_shows() -> None:
    """A transfer lacks glue; merged as it stands, the next commit would take it from the file."""
    transferred = CUT.with_sets([records("_acme-challenge", TXT(b"proof"))], [(name("ns.cut"), "A")])

    def is_glue(key: Key) -> bool:
        return transferred.is_glue(*key)

    outside = complete(CUT.by_key, transferred.by_key, is_glue=is_glue)
    wanted = {**CUT.by_key, (name("www"), "A"): a("www", "192.0.2.80")}
    merged = merge(CUT.by_key, wanted, outside, holder=lambda key: Holder.MANAGED)
    result = Zone(ORIGIN, SOA.with_serial(2026112102), merged.sets.values())
    assert result.get(name("ns.cut"), "A") == a("ns.cut", "192.0.2.7")
    assert result.get(name("_acme-challenge"), "TXT") == records("_acme-challenge", TXT(b"proof"))
    assert result.get(name("www"), "A") is not None
    assert read_zone(emit(result), ORIGIN) == result


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (dkim_text("QUJD"), "QUJD"),
        (b"v=DKIM1; k=rsa; p=QU\t JD", "QUJD"),
        (b"v=DKIM1;p=", ""),
        (b"p = QUJD=", "QUJD="),
        (b"v=DKIM1; k=rsa", None),
        (b"sp=QUJD", None),
        (b"\xff; p=\xff", "\xff"),
    ],
)
def test_the_key_in_a_dkim_record(text: bytes, key: str | None) -> None:
    assert published_key(text) == key


def test_a_dkim_record_in_the_signers_order() -> None:
    assert dkim_text("QUJD", "ed25519") == b"h=sha256; v=DKIM1; p=QUJD; k=ed25519;"
