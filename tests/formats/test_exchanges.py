"""Which target domains ptt's relay would mix, when mail may flow, and what is said about a domain."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.exchanges import (
    ACCEPTED,
    CHECKING,
    FLOWS,
    FREE,
    SHARED,
    Answer,
    Dmarc,
    Exchanges,
    host_of,
    is_host,
    judge,
    notices,
    read_policy,
    shared,
    shared_pairs,
)


def served(*hosts: str, at: str = "") -> Exchanges:
    return Exchanges(Answer.EXCHANGES, hosts, frozenset({at} if at else ()))


KNOWN = {
    "a.example": served("mx.a.example", at="192.0.2.1"),
    "b.example": served("mx.b.example", at="192.0.2.1"),
    "c.example": served("mx.c.example", at="192.0.2.3"),
    "d.example": served("mx.c.example", at="192.0.2.99"),
    "e.example": served("e.mail.protection.provider.example", at="192.0.2.5"),
    "f.example": served("f.mail.protection.provider.example", at="192.0.2.6"),
    "nomx.example": Exchanges(Answer.ADDRESS_ONLY),
    "new.example": None,
}


@pytest.mark.parametrize(
    ("one", "other", "by"),
    [
        ("a.example", "b.example", ("192.0.2.1",)),
        ("c.example", "d.example", ("mx.c.example",)),
        ("e.example", "f.example", ("names below mail.protection.provider.example",)),
    ],
)
def test_what_two_domains_share_is_named(one: str, other: str, by: tuple[str, ...]) -> None:
    found = shared(one, other, KNOWN)
    assert found is not None
    assert found.by == by
    assert one in found.sentence
    assert by[0] in found.sentence
    assert shared(other, one, KNOWN) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.example", "c.example"),
        ("a.example", "a.example"),
        ("a.example", "nomx.example"),
        ("a.example", "new.example"),
        ("a.example", "unheard.example"),
    ],
)
def test_these_share_nothing_that_is_known(one: str, other: str) -> None:
    assert shared(one, other, KNOWN) is None


@pytest.mark.parametrize(
    ("targets", "states"),
    [
        ([("new.example", CHECKING)], [FREE]),
        ([("a.example", FREE), ("a.example", CHECKING)], [FREE, FREE]),
        ([("a.example", FREE), ("c.example", CHECKING)], [FREE, FREE]),
        ([("a.example", FREE), ("b.example", CHECKING)], [FREE, SHARED]),
        ([("a.example", FREE), ("new.example", CHECKING)], [FREE, CHECKING]),
        ([("new.example", FREE), ("a.example", CHECKING)], [FREE, CHECKING]),
        ([("a.example", FREE), ("b.example", ACCEPTED)], [FREE, ACCEPTED]),
        # What flows goes on flowing, whatever became known since.
        ([("a.example", FREE), ("b.example", FREE)], [FREE, FREE]),
        # What stood in the way is gone.
        ([("b.example", SHARED)], [FREE]),
        # One that waits is compared with what flows after it, too.
        ([("a.example", CHECKING), ("b.example", FREE)], [SHARED, FREE]),
        # Of two that wait, the second is compared with the first.
        ([("c.example", FREE), ("a.example", CHECKING), ("b.example", CHECKING)], [FREE, FREE, SHARED]),
    ],
)
def test_what_flows_and_what_waits(targets: list[tuple[str, str]], states: list[str]) -> None:
    assert judge(targets, KNOWN) == states


_hosts = st.sampled_from([*KNOWN, "unheard.example"])
_states = st.sampled_from([FREE, CHECKING, SHARED, ACCEPTED])


@given(st.lists(st.tuples(_hosts, _states), max_size=6))
def test_nothing_begins_to_flow_that_could_be_mixed(targets: list[tuple[str, str]]) -> None:
    states = judge(targets, KNOWN)
    assert judge([(host, state) for (host, _), state in zip(targets, states, strict=True)], KNOWN) == states
    flowed = {host for host, state in targets if state in FLOWS}
    flows = {host for (host, _), state in zip(targets, states, strict=True) if state in FLOWS}
    assert flowed <= flows
    for one, other in combinations(sorted(flows), 2):
        if not {one, other} <= flowed:
            assert shared(one, other, KNOWN) is None
            assert KNOWN.get(one) is not None
            assert KNOWN.get(other) is not None


def test_pairs_are_told_once() -> None:
    assert [(pair.first, pair.second) for pair in shared_pairs([*KNOWN, "a.example"], KNOWN)] == [
        ("a.example", "b.example"),
        ("c.example", "d.example"),
        ("e.example", "f.example"),
    ]


@pytest.mark.parametrize(
    ("records", "policies"),
    [
        ([b"v=DMARC1; p=reject"], (Dmarc.REJECT, Dmarc.REJECT)),
        ([b"v=spf1 -all", b"v=DMARC1;p=none; sp=quarantine"], (Dmarc.NONE, Dmarc.QUARANTINE)),
        ([b"v=DMARC1; P = Reject ; rua=mailto:x@y"], (Dmarc.REJECT, Dmarc.REJECT)),
        ([b"v=DMARC1; p=\xff"], (Dmarc.NONE, Dmarc.NONE)),
        ([b"v=DMARC1; p=reject", b"v=DMARC1; p=none"], None),
        ([b"p=reject; v=DMARC1"], None),
        ([], None),
    ],
)
def test_policies_are_read_as_the_standard_says(
    records: list[bytes], policies: tuple[Dmarc, Dmarc] | None
) -> None:
    assert read_policy(records) == policies


@given(st.lists(st.binary(max_size=80).map(lambda tail: b"v=DMARC1" + tail), max_size=3))
def test_no_policy_breaks_the_reader(records: list[bytes]) -> None:
    read_policy(records)


def codes(known: Exchanges | None, **about: bool) -> list[str]:
    return [notice.code for notice in notices("x.example", known, **about)]


def test_what_is_said_about_a_domain() -> None:
    assert codes(None) == []
    assert codes(None, silent=True) == ["no-answer"]
    assert codes(served("mx.x.example")) == []
    assert codes(served("mx.x.example"), hosted=True, silent=True) == ["hosted-here", "no-answer"]
    assert codes(Exchanges(Answer.NOTHING)) == codes(Exchanges(Answer.ADDRESS_ONLY)) == ["no-mx"]
    assert codes(Exchanges(Answer.NO_MAIL)) == ["null-mx"]
    assert codes(Exchanges(Answer.NO_DOMAIN)) == ["no-domain"]
    [strict] = notices("x.example", Exchanges(Answer.EXCHANGES, ("mx.x.example",), dmarc=Dmarc.REJECT))
    assert strict.code == "strict-dmarc"
    assert "not about mail that goes there" in strict.sentence
    assert not strict.serious


def test_hosts() -> None:
    assert host_of("Ada@Home.Example") == "home.example"
    assert is_host("mx_1.example.org")
    for wrong in ("", "MX.example", "a..b", "-a.b", "a\\032b.c", "x" * 64, "a." * 130 + "b"):
        assert not is_host(wrong), wrong
