from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.forward_path import ForwardPath
from tenants.formats.mailbox_syntax import LocalPart, Word
from workers.sandbox import expansion
from workers.sandbox.paths import BadHostError, name_of, recipient, text

Targets = dict[LocalPart, tuple[ForwardPath, ...]]
OURS = name_of("our.test")


def path(address: str) -> ForwardPath:
    return recipient(f"<{address}>")


def targets(**entries: list[str]) -> Targets:
    return {
        (Word(False, name.encode()),): tuple(path(target) for target in found)
        for name, found in entries.items()
    }


def sent(recipients: list[str], entries: Targets, mx_of: expansion.MxOf = expansion.own_mx) -> list[str]:
    plan = expansion.plan(
        [path(one) for one in recipients],
        our_domain=OURS,
        targets=entries,
        postmaster_domain=OURS,
        mx_of=mx_of,
    )
    return sorted(text(one)[1:-1] for group in plan.groups for one in group.recipients)


def test_targets_whose_domains_share_an_mx_are_misdelivered_to_the_last_domain() -> None:
    entries = targets(john=["a@x.com", "b@y.com"])
    assert sent(["john@our.test"], entries, lambda domain: "192.0.2.7") == ["a@y.com", "b@y.com"]
    assert sent(["john@our.test"], entries) == ["a@x.com", "b@y.com"]


def test_a_recipient_of_another_domain_overwrites_the_targets_found_in_it() -> None:
    entries = targets(john=["a@zzz.test"])
    assert sent(["john@our.test", "b@zzz.test"], entries) == ["b@zzz.test"]
    # A domain that sorts before ours is walked first, so nothing is lost there.
    entries = targets(john=["a@aaa.test"])
    assert sent(["john@our.test", "b@aaa.test"], entries) == ["a@aaa.test", "b@aaa.test"]


def test_a_domain_without_mx_is_dropped_and_told() -> None:
    plan = expansion.plan(
        [path("john@our.test")],
        our_domain=OURS,
        targets=targets(john=["a@nobody.invalid", "b@ext.test"]),
        postmaster_domain=OURS,
        mx_of=expansion.own_mx,
    )
    assert plan.unreachable == ("nobody.invalid",)
    assert [text(one) for group in plan.groups for one in group.recipients] == ["<b@ext.test>"]


def test_a_bad_target_raises_even_beside_a_good_one() -> None:
    bad = ForwardPath("path", (b"a",), name_of("my_host.test"))
    entries: Targets = {(Word(False, b"john"),): (path("z@ext.test"), bad)}
    with pytest.raises(BadHostError):
        sent(["john@our.test"], entries)


@pytest.mark.parametrize(
    ("recipients", "expected"),
    [
        (["john@our.test"], "<john@our.test>"),
        (["john@OUR.test"], "<john@OUR.test>"),
        (["john@our.test", "x@ext.test"], "<john@our.test>"),
        (["john@our.test", "bob@our.test"], None),
        (["john@our.test", "john@our.test"], None),
        (["nobody@our.test"], None),
        (["x@ext.test"], None),
        (["Postmaster"], None),
        (["Postmaster@our.test", "john@our.test"], "<john@our.test>"),
        (["john@[192.0.2.1]"], None),
    ],
)
def test_the_sender_becomes_the_alias_when_exactly_one_is_ours(
    recipients: list[str], expected: str | None
) -> None:
    entries = targets(john=["a@ext.test"], bob=["b@ext.test"])
    found = expansion.sender_for([path(one) for one in recipients], our_domain=OURS, targets=entries)
    assert (None if found is None else text(found)) == expected


_names = st.sampled_from(["john", "bob", "eve", "mallory"])
_goals = st.lists(
    st.sampled_from(["a@x.test", "b@x.test", "a@y.test", "john@our.test"]), unique=True, max_size=4
)


@settings(deadline=None)
@given(st.dictionaries(_names, _goals, max_size=4), st.lists(_names, min_size=1, max_size=4))
def test_with_an_mx_for_each_domain_everybody_gets_exactly_their_targets(
    entries: dict[str, list[str]], asked: list[str]
) -> None:
    expected = {goal for name in asked for goal in entries.get(name, [])}
    got = sent([f"{name}@our.test" for name in asked], targets(**entries))
    assert got == sorted(expected)
