"""The three-way decision, as a table: what was proved, what is outside, what is wanted → what happens."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.relay_entry import NO_LOGIN, RelayEntry, emit
from workers.plan import Action
from workers.relay.decide import Decision, Sides, _laid_out, decide

A, B, C = (RelayEntry((f"{name}@home.example",), NO_LOGIN) for name in "abc")
NAME = b"ada"


def blob_id(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def side(entry: RelayEntry | bytes | None) -> Sides:
    if entry is None:
        return Sides({}, lambda _: b"")
    content = entry if isinstance(entry, bytes) else emit(entry)
    return Sides({NAME: blob_id(content)}, lambda _: content)


def decision(
    base: RelayEntry | bytes | None,
    outside: RelayEntry | bytes | None,
    wanted: RelayEntry | None,
    *,
    repair: bool = False,
) -> Decision:
    return decide(
        [NAME],
        entries={NAME: wanted} if wanted else {},
        absent=frozenset() if wanted else frozenset({NAME}),
        observed=side(outside),
        base=side(base),
        repair=repair,
    )


TABLE = [
    # base, outside, wanted, action, reason for leaving it alone
    (None, None, None, None, None),
    (None, None, A, Action.CREATE, None),
    (A, A, A, None, None),
    (A, A, B, Action.UPDATE, None),
    (A, A, None, Action.DELETE, None),
    (A, B, B, None, None),
    (A, None, None, None, None),
    (A, B, A, None, "drift"),
    (A, None, A, None, "drift"),
    (A, B, C, None, "conflict"),
    (A, None, B, None, "conflict"),
    (A, B, None, None, "conflict"),
    (None, A, None, None, "drift"),
    (None, A, B, None, "conflict"),
    (A, b"not json", A, None, "drift"),
]


@pytest.mark.parametrize(("base", "outside", "wanted", "action", "reason"), TABLE)
def test_table(
    base: RelayEntry | None,
    outside: RelayEntry | bytes | None,
    wanted: RelayEntry | None,
    action: Action | None,
    reason: str | None,
) -> None:
    found = decision(base, outside, wanted)
    assert [change.action for change in found.changes] == ([action] if action else [])
    assert [each.reason for each in found.apart] == ([reason] if reason else [])


@pytest.mark.parametrize(("base", "outside", "wanted", "action", "reason"), TABLE)
def test_repair_leaves_nothing_alone(
    base: RelayEntry | None,
    outside: RelayEntry | bytes | None,
    wanted: RelayEntry | None,
    action: Action | None,
    reason: str | None,
) -> None:
    found = decision(base, outside, wanted, repair=True)
    assert found.apart == ()
    assert bool(found.changes) == (outside != wanted)


def test_equal_meaning_keeps_its_bytes() -> None:
    by_hand = b'{ "targets": [ "a@home.example" ],\n  "password": "' + NO_LOGIN.encode() + b'" }'
    assert decision(None, by_hand, A) == Decision((), ())


def test_names_that_are_not_ours_are_not_looked_at() -> None:
    found = decide(
        [NAME, b"README", b"\xff\xfe"],
        entries={NAME: A},
        absent=frozenset(),
        observed=Sides({b"README": "1", b"\xff\xfe": "2"}, lambda _: b"hello"),
        base=Sides({}, lambda _: b""),
        repair=True,
    )
    assert [change.unit for change in found.changes] == ["ada"]


def test_no_digit_of_a_hash_is_shown() -> None:
    secret = hashlib.blake2b(b"secret").hexdigest()
    other = hashlib.blake2b(b"other").hexdigest()
    old, new = RelayEntry(A.targets, secret), RelayEntry(A.targets, other)
    [change] = decision(old, old, new).changes
    shown = repr(change) + str(change.as_dict())
    for digest in (secret, other):
        assert digest[:6] not in shown.replace(change.before_id, "").replace(change.after_id, "")
    assert change.before != change.after


@given(st.lists(st.text(max_size=12), max_size=3), st.booleans())
def test_an_entry_is_laid_out_as_indented_json(targets: list[str], insecure: bool) -> None:
    fields = {"targets": targets, "password": "set", "insecure": insecure}
    assert _laid_out(fields) == json.dumps(fields, indent=1)


entries = st.sampled_from([None, A, B, C])


@given(entries, entries)
def test_what_is_wanted_and_there_needs_nothing(base: RelayEntry | None, both: RelayEntry | None) -> None:
    assert decision(base, both, both) == Decision((), ())
