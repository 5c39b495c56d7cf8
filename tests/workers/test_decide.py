"""The three-way decision, as a table: what was proved, what is outside, what is wanted → what happens."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.addresses import MAX_REACHED, check_targets
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry, emit, write
from tenants.formats.text import FormatError
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
        may_overwrite=lambda name, outside_id: repair,
        own_domain="example.org",
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
        may_overwrite=lambda name, outside_id: True,
        own_domain="example.org",
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


# What no door lets in and a database might hold all the same: each would be mishandled by ptt.
UNSAFE = {
    "no host name": RelayEntry(("a@under_score.example",), NO_LOGIN),
    "leading hyphen": RelayEntry(("a@-lead.example",), NO_LOGIN),
    "all numeric": RelayEntry(("a@123.456",), NO_LOGIN),
    "long label": RelayEntry((f"a@{'x' * 64}.example",), NO_LOGIN),
    "raw IDN": RelayEntry(("a@münchen.example",), NO_LOGIN),
    "single label": RelayEntry(("a@localhost",), NO_LOGIN),
    "upper case": RelayEntry(("a@Home.example",), NO_LOGIN),
    "literal": RelayEntry(("a@[192.0.2.1]",), NO_LOGIN),
    "own domain": RelayEntry(("b@example.org",), NO_LOGIN),
    "twice": RelayEntry(("a@x.example", "A@x.example"), NO_LOGIN),
    "too many": RelayEntry(tuple(f"a{n}@x.example" for n in range(MAX_REACHED + 1)), NO_LOGIN),
    "postmaster": RelayEntry(("Postmaster@x.example",), NO_LOGIN),
    "prefix": RelayEntry(("a@x.example, b@x.example",), NO_LOGIN),
    "display name": RelayEntry(("A <a@x.example>",), NO_LOGIN),
    "newline": RelayEntry(("a@x.example\n",), NO_LOGIN),
    "NUL": RelayEntry(("a\0@x.example",), NO_LOGIN),
    "quotes": RelayEntry(('"a"@x.example',), NO_LOGIN),
    "short hash": RelayEntry(("a@x.example",), "ab" * 63),
    "long hash": RelayEntry(("a@x.example",), "ab" * 65),
    "upper-case hash": RelayEntry(("a@x.example",), "AB" * 64),
    "no hash": RelayEntry(("a@x.example",), ""),
}


@pytest.mark.parametrize("repair", [False, True])
@pytest.mark.parametrize("outside", [None, A])
@pytest.mark.parametrize("kind", UNSAFE)
def test_what_is_unsafe_is_said_and_never_written(
    kind: str, outside: RelayEntry | None, repair: bool
) -> None:
    unsafe = UNSAFE[kind]
    found = decision(outside, outside, unsafe, repair=repair)
    assert found.changes == ()
    [apart] = found.apart
    assert (apart.unit, apart.reason) == ("ada", "unsafe")
    assert apart.sentence.startswith("ada is not written: ")
    assert apart.sentence.isprintable()
    if len(unsafe.password) > 2:
        assert unsafe.password not in repr(apart).replace(NO_LOGIN, "")


@pytest.mark.parametrize(
    "name",
    ["Ada", "a/b", ".ada", "ada.", "a..b", "", "a b", '"ada"', "ädä", "ad\u202ea", "a" * 65, "-rf", "../x"],
)
def test_names_that_no_door_lets_in_are_not_written(name: str) -> None:
    raw = name.encode()
    found = decide(
        [raw, NAME],
        entries={raw: A, NAME: A},
        absent=frozenset(),
        observed=side(None),
        base=side(None),
        may_overwrite=lambda name, outside_id: True,
        own_domain="example.org",
    )
    assert [change.unit for change in found.changes] == ["ada"], "all others go on"
    assert [(each.unit, each.reason) for each in found.apart] == [(name, "unsafe")]


@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20),
    st.lists(st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}", fullmatch=True), min_size=1, max_size=5),
    st.from_regex(r"[a-z][a-z0-9]{0,10}\.[a-z]{2,5}", fullmatch=True),
    st.binary(min_size=64, max_size=64),
)
def test_what_a_door_lets_in_is_written_as_meant(
    name: str, locals_: list[str], host: str, digest: bytes
) -> None:
    try:
        targets = check_targets([f"{local}@{host}" for local in locals_], own_domain="example.org")
    except FormatError:
        return
    entry = RelayEntry(targets, digest.hex())
    content, verdict = write(name.encode(), entry, own_domain="example.org")
    assert (verdict.login, verdict.entry) == (name, entry)
    assert set(json.loads(content)) == {"targets", "password"}


@given(st.lists(st.text(max_size=12), max_size=3), st.booleans())
def test_an_entry_is_laid_out_as_indented_json(targets: list[str], insecure: bool) -> None:
    fields = {"targets": targets, "password": "set", "insecure": insecure}
    assert _laid_out(fields) == json.dumps(fields, indent=1)


entries = st.sampled_from([None, A, B, C])


@given(entries, entries)
def test_what_is_wanted_and_there_needs_nothing(base: RelayEntry | None, both: RelayEntry | None) -> None:
    assert decision(base, both, both) == Decision((), ())
