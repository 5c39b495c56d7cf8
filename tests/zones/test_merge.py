"""The merge of record sets: every row of its table, and what must hold for any three sides."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.zones.merge import Apart, Holder, Why, complete, merge, written_by_unikernels

sides = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3))
WHOSE = {"a": Holder.EXTERNAL, "b": Holder.FROZEN}


def whose(key: str) -> Holder:
    return WHOSE.get(key, Holder.MANAGED)


def managed(key: str) -> Holder:
    return Holder.MANAGED


def side(value: int | None) -> dict[str, int]:
    return {} if value is None else {"x": value}


@pytest.mark.parametrize(
    ("holder", "base", "ours", "outside", "published", "why"),
    [
        (Holder.MANAGED, 1, 2, 1, 2, None),
        (Holder.MANAGED, None, 2, None, 2, None),
        (Holder.MANAGED, 1, None, 1, None, None),
        (Holder.MANAGED, 1, 2, 2, 2, None),  # they agree, whoever was first
        (Holder.MANAGED, 1, None, None, None, None),
        (Holder.MANAGED, 1, 1, 2, 2, Why.DRIFT),
        (Holder.MANAGED, 1, 1, None, None, Why.DRIFT),
        (Holder.MANAGED, 1, 2, 3, 3, Why.CONFLICT),
        (Holder.MANAGED, 1, 2, None, None, Why.CONFLICT),
        (Holder.MANAGED, 1, None, 3, 3, Why.CONFLICT),
        (Holder.MANAGED, None, 2, 3, 3, Why.CONFLICT),  # we add what somebody else has already
        (Holder.EXTERNAL, 1, 2, 1, 1, None),
        (Holder.EXTERNAL, 1, 2, None, None, None),
        (Holder.EXTERNAL, 1, None, 3, 3, None),
        (Holder.FROZEN, 1, 2, 1, 1, Why.FROZEN),
        (Holder.FROZEN, 1, None, 1, 1, Why.FROZEN),
        (Holder.FROZEN, 1, 2, 2, 2, None),
    ],
)
def test_every_row_of_the_table(
    holder: Holder,
    base: int | None,
    ours: int | None,
    outside: int | None,
    published: int | None,
    why: Why | None,
) -> None:
    merged = merge(side(base), side(ours), side(outside), holder=lambda key: holder)
    assert merged.sets == side(published)
    assert merged.apart == (() if why is None else (Apart("x", why, base, ours, outside),))


@pytest.mark.parametrize(("ours", "outside"), [(1, 2), (2, 3), (None, 3), (1, None)])
def test_ours_wins_where_we_may_overwrite(ours: int | None, outside: int | None) -> None:
    merged = merge(side(1), side(ours), side(outside), holder=managed, may_overwrite=lambda key: True)
    assert merged.sets == side(ours)
    assert merged.apart == ()


def test_frozen_sets_are_not_overwritten_either() -> None:
    merged = merge(
        side(1), side(2), side(1), holder=lambda key: Holder.FROZEN, may_overwrite=lambda key: True
    )
    assert merged.sets == side(1)


def test_sets_that_nobody_asked_for_stay() -> None:
    assert merge({}, {"ours": 1}, {"theirs": 2}, holder=managed).sets == {"ours": 1, "theirs": 2}


def test_no_side_is_changed_by_the_merge() -> None:
    base, ours, outside = {"x": 1}, {"y": 2}, {"x": 1}
    merge(base, ours, outside, holder=managed)
    assert (base, ours, outside) == ({"x": 1}, {"y": 2}, {"x": 1})


@given(sides, sides, sides, st.booleans())
def test_each_set_is_ours_or_outside_and_what_is_left_alone_is_said(
    base: Mapping[str, int], ours: Mapping[str, int], outside: Mapping[str, int], overwrite: bool
) -> None:
    merged = merge(base, ours, outside, holder=whose, may_overwrite=lambda key: overwrite)
    said = {item.key for item in merged.apart}
    for key in "abcdef":
        found = merged.sets.get(key)
        if key == "a" or key in said or key not in {*base, *ours}:
            assert found == outside.get(key)
        else:
            assert found == ours.get(key)
    assert "a" not in said
    assert said <= {"b"} or not overwrite


@given(sides, sides, sides)
def test_publishing_and_merging_again_changes_nothing(
    base: Mapping[str, int], ours: Mapping[str, int], outside: Mapping[str, int]
) -> None:
    once = merge(base, ours, outside, holder=whose)
    again = merge(base, ours, once.sets, holder=whose)
    assert again.sets == once.sets
    assert {item.key for item in again.apart} == {item.key for item in once.apart}


def test_a_transfer_lacks_glue_and_the_file_has_it() -> None:
    file = {"glue": 1, "old": 1, "both": 1}
    found = complete(file, {"both": 2, "new": 2}, is_glue=lambda key: key == "glue")
    assert found == {"glue": 1, "both": 2, "new": 2}


@pytest.mark.parametrize(
    ("owner", "record_type", "expected"),
    [
        ("_letsencrypt._tcp.mail.example.org", "TLSA", True),
        ("_LetsEncrypt._TCP.example.org", "TLSA", True),
        ("_letsencrypt._udp.example.org", "TLSA", False),
        ("_443._tcp.example.org", "TLSA", False),
        ("_letsencrypt._tcp.example.org", "TXT", False),
        ("_acme-challenge.example.org", "TXT", True),
        ("_acme-challenge.example.org", "CNAME", False),
        ("x._acme-challenge.example.org", "TXT", False),
        ("key1._domainkey.example.org", "TXT", True),
        ("_domainkey.example.org", "TXT", False),
        ("example.org", "TXT", False),
        ("org", "TXT", False),
    ],
)
def test_sets_that_unikernels_write(owner: str, record_type: str, expected: bool) -> None:
    assert written_by_unikernels(owner.encode().split(b"."), record_type) is expected


def test_the_root_is_nobodys() -> None:
    assert not written_by_unikernels((), "TXT")
