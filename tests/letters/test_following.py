"""Which console lines belong to a letter, what its headers say, and where it got stuck. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.canary import Part, Way
from tenants.formats.letters import (
    Clue,
    Hop,
    Line,
    State,
    Why,
    belonging,
    hops_of,
    kept_headers,
    stamped,
    stamps_of,
    stuck,
    trail,
)
from tenants.formats.letters.lines import MOST_FOUND

pytestmark = pytest.mark.one_database
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TAG = "0123456789abcdef0123456789abcdef01234567"
HOPS = [
    Hop("verifier", "receiver", "10.0.0.9", "x-verifier-1", "p23"),
    Hop("spamfilter", "spam filter", "10.0.0.8", "x-spamfilter-1", "p23"),
    Hop("relay", "relay", "10.0.0.5", "x-relay-1", "p23"),
]
CLUE = Clue(
    tag=TAG,
    began=NOON,
    ended=NOON + timedelta(seconds=2),
    taken=NOON + timedelta(seconds=1),
    source="198.51.100.7:40001",
    addresses=("rookery-canary@x.example", "canary@panel.example.net"),
)
RECEIVER, FILTER, RELAY = (hop.role for hop in HOPS)


def line(number: int, seconds: float, text: str) -> Line:
    return Line(number, NOON + timedelta(seconds=seconds), text)


def said(address: str, port: int, source: str = "ptt.hm") -> str:
    return f"2026-05-01 12:00:01 -00:00: INF [{source}] <{address}:{port}> submitted a message"


GOOD = {
    RECEIVER: [line(1, 1.1, said("198.51.100.7", 40001))],
    FILTER: [line(2, 1.2, said("10.0.0.9", 50001))],
    RELAY: [line(3, 1.4, said("10.0.0.8", 50002))],
}


def found(lines: dict[str, list[Line]], clue: Clue = CLUE) -> dict[str, list[tuple[int, str]]]:
    got = belonging(HOPS, lines, clue)
    return {role: [(each.line.id, each.why.value) for each in mine] for role, mine in got.items()}


def test_each_hop_is_known_by_the_connection_from_the_one_before() -> None:
    assert found(GOOD) == {RECEIVER: [(1, "peer")], FILTER: [(2, "peer")], RELAY: [(3, "peer")]}


def test_other_connections_are_not_its_own() -> None:
    lines = {
        RELAY: [line(1, 1, said("10.0.0.4", 5)), line(2, -20, said("10.0.0.8", 6)), *GOOD[RELAY]],
        RECEIVER: [line(4, 1, said("203.0.113.9", 40001)), *GOOD[RECEIVER]],
        FILTER: [line(5, 1, said("10.0.0.99", 40001))],
    }
    assert found(lines) == {RECEIVER: [(1, "peer")], FILTER: [], RELAY: [(3, "peer")]}


def test_two_letters_at_once_are_told_apart_by_the_port_and_else_not_at_all() -> None:
    lines = {
        RECEIVER: [*GOOD[RECEIVER], line(4, 1.2, said("198.51.100.7", 40002))],
        FILTER: [*GOOD[FILTER], line(5, 1.3, said("10.0.0.9", 50009))],
    }
    assert found(lines)[RECEIVER] == [(1, "peer")]
    assert found(lines, replace(CLUE, source="198.51.100.7:40002"))[RECEIVER] == [(4, "peer")]
    assert found(lines)[FILTER] == [(2, "perhaps"), (5, "perhaps")]


def test_the_stamp_of_a_hop_tells_two_letters_apart() -> None:
    lines = {FILTER: [*GOOD[FILTER], line(5, 31, said("10.0.0.9", 50009))]}
    long = replace(CLUE, ended=NOON + timedelta(minutes=4))
    assert found(lines, long)[FILTER] == [(2, "peer")], "what comes so late is of others"
    lines[FILTER][-1] = line(5, 9, said("10.0.0.9", 50009))
    assert [why for _, why in found(lines, long)[FILTER]] == ["perhaps", "perhaps"]
    lines[FILTER][-1] = line(5, 14, said("10.0.0.9", 50009))
    known = replace(long, stamps={FILTER: NOON + timedelta(seconds=1)})
    assert found(lines, known)[FILTER] == [(2, "peer")]


def test_another_port_of_our_address_is_ours_behind_a_translator_if_it_is_the_only_one() -> None:
    moved = {RECEIVER: [line(1, 1.1, said("198.51.100.7", 61000))]}
    assert found(moved)[RECEIVER] == [(1, "peer")]
    hidden = replace(CLUE, source="192.168.1.5:40001")
    assert found(moved, hidden)[RECEIVER] == [(1, "perhaps")]
    assert found(moved, replace(CLUE, source=""))[RECEIVER] == [(1, "perhaps")]


@pytest.mark.parametrize("off", [-240, -30, 30, 240])
def test_the_hosts_clock_is_read_from_the_first_hop(off: int) -> None:
    shifted = {
        role: [replace(each, at=each.at + timedelta(seconds=off)) for each in own]
        for role, own in GOOD.items()
    }
    assert found(shifted) == {RECEIVER: [(1, "peer")], FILTER: [(2, "peer")], RELAY: [(3, "peer")]}
    # Without that line nobody knows how far it is off, and nothing is claimed.
    assert found({**shifted, RECEIVER: []})[RELAY] == []


def test_lines_in_any_order_come_out_in_theirs() -> None:
    lines = {RELAY: [line(9, 1.9, f"late {TAG}"), line(4, 1.5, f"early {TAG}"), *GOOD[RELAY]]}
    assert [number for number, _ in found(lines)[RELAY]] == [3, 4, 9]


def test_a_tag_is_the_surest_then_the_connection_then_an_address() -> None:
    texts = [
        f"[DEBUG] id <{TAG.upper()}@x.example>",
        'ERR [ptt.relay-map] "rookery-canary" not found into our local map.',
        "ERR [ptt.transmit] Impossible to send the given email to canary@panel.example.net: refused.",
        "ERR [ptt.transmit] Impossible to send the given email to other.example: refused.",
        "INF rookery-canary-2@x.example and my-rookery-canary are others",
        "INF nothing of interest",
    ]
    lines = {RELAY: [line(number, 1.5, text) for number, text in enumerate(texts)]}
    assert found(lines)[RELAY] == [(0, "named"), (1, "address"), (2, "address"), (3, "perhaps")]


def test_what_is_far_away_in_time_is_none_of_it() -> None:
    errors = ["ERR [ptt.transmit] no solution found", 'ERR "rookery-canary" not found', said("10.0.0.8", 3)]
    for away in (-60, 60):
        assert found({RELAY: [line(n, away, text) for n, text in enumerate(errors)]})[RELAY] == []
    assert found({RELAY: [line(1, 299, TAG)]})[RELAY] == [(1, "named")]
    assert found({RELAY: [line(1, -301, TAG)]})[RELAY] == []


def test_a_flood_keeps_the_surest() -> None:
    flood = [line(number, 1, "ERR boom") for number in range(500)]
    mine = found({RELAY: [*flood, line(1000, 1.3, TAG)]})[RELAY]
    assert len(mine) == MOST_FOUND
    assert mine[-1] == (1000, "named")


HOSTILE = st.text(max_size=80) | st.sampled_from(
    ["<:::::1>", "<10.0.0.8:99999>", "<999.1.1.1:5>", f"\x1b[31m{TAG}", "ERR" * 30, "<10.0.0.9:1>" * 9]
)
MOMENTS = st.floats(-1e6, 1e6).map(lambda seconds: NOON + timedelta(seconds=seconds))
LINES = st.lists(st.builds(Line, st.integers(0, 99), MOMENTS, HOSTILE), max_size=12)


@given(st.dictionaries(st.sampled_from([RECEIVER, FILTER, RELAY, "other"]), LINES), HOSTILE, HOSTILE)
def test_hostile_lines_break_nothing(lines: dict[str, list[Line]], source: str, address: str) -> None:
    clue = replace(CLUE, source=source, addresses=(address, ""))
    got = belonging(HOPS, lines, clue)
    assert set(got) == {RECEIVER, FILTER, RELAY}
    for role, mine in got.items():
        assert len(mine) <= MOST_FOUND
        assert all(each.line in lines[role] for each in mine)
        assert [each.line.at for each in mine] == sorted(each.line.at for each in mine)


# Headers ------------------------------------------------------------------------------------------------

RAW = (
    b"Received: from x.example by mx.home.example; Fri, 1 May 2026 14:00:03 +0200\r\n"
    b"Received: from x.example by x.example via TCP with ESMTP id <00000003@x.example>\r\n"
    b"\tfor <canary@panel.example.net>; Fri, 01 May 2026 12:00:02 -0000\r\n"
    b"X-Spamtacus: no\r\n"
    b"Received: from x.example by x.example via TCP with ESMTP; Fri, 01 May 2026 12:00:01 GMT\r\n"
    b"Subject: none of it\r\n"
    b"Received-SPF: pass\x1b[2J <script>\r\n"
    b"Received: from panel by x.example via TCP with ESMTP; Fri, 01 May 2026 12:00:01 GMT\r\n"
    b"\r\nReceived: by nobody; never\r\n"
)


def test_headers_are_kept_as_they_stand_and_made_harmless() -> None:
    kept = kept_headers(RAW)
    assert [name for name, _ in kept] == [
        "Received", "Received", "X-Spamtacus", "Received", "Received-SPF", "Received",
    ]  # fmt: skip
    assert all(text.isprintable() for _, text in kept)
    stamps = stamps_of(kept)
    assert [each.by for each in stamps] == ["x.example"] * 3 + ["mx.home.example"]
    assert [each.at for each in stamps] == [NOON + timedelta(seconds=each) for each in (1, 1, 2, 3)]
    by_role = stamped(HOPS, stamps, "x.example")
    assert [by_role[hop.role] for hop in HOPS] == stamps[:3]


def test_stamps_that_do_not_fit_are_nobodys() -> None:
    stamps = stamps_of(kept_headers(RAW))
    assert stamped(HOPS, stamps[1:], "x.example") == {}
    assert stamped(HOPS, [*stamps, stamps[0]], "x.example") == {}
    assert stamped(HOPS, stamps, "y.example") == {}


@given(st.binary(max_size=600).map(lambda raw: b"Received: " + raw))
def test_hostile_headers_break_nothing(raw: bytes) -> None:
    for _, text in kept_headers(raw):
        assert not any(unicodedata.category(each).startswith(("C", "Zl", "Zp")) for each in text)
        assert len(text) <= 400
    for each in stamps_of(kept_headers(raw)):
        assert each.at is None or each.at.tzinfo is not None
    assert len(kept_headers(b"Received: a\r\n" * 5_000)) == 40


# The trail ----------------------------------------------------------------------------------------------


def states(lines: dict[str, list[Line]], *, accepted: bool = True, arrived: bool = False) -> list[str]:
    seen = trail(HOPS, belonging(HOPS, lines, CLUE), {}, accepted=accepted, arrived=arrived)
    return [each.state.value for each in seen]


def test_what_comes_after_proves_what_came_before() -> None:
    assert states(GOOD) == ["seen"] * 3
    assert states({RELAY: GOOD[RELAY]}) == ["seen", "passed", "seen"]
    assert states({}, accepted=True, arrived=True) == ["seen", "passed", "passed"]
    assert states({}) == ["seen", "unseen", "unseen"]
    assert states({}, accepted=False) == ["unseen"] * 3
    maybe = {RELAY: [line(1, 1, "ERR something")]}
    assert states(maybe) == ["seen", "unseen", "unseen"]


def test_times_between_hops_are_told_where_both_are_known() -> None:
    seen = trail(HOPS, belonging(HOPS, GOOD, CLUE), {}, accepted=True, arrived=True)
    gaps = [round(each.after.total_seconds(), 3) if each.after is not None else None for each in seen]
    assert gaps == [None, 0.1, 0.2]
    gap = trail(HOPS, belonging(HOPS, {**GOOD, FILTER: []}, CLUE), {}, accepted=True, arrived=True)
    assert [each.at is not None for each in gap] == [True, False, True]
    assert round(gap[2].after.total_seconds(), 3) == 0.3  # type: ignore[union-attr]
    stamps = stamped(HOPS, stamps_of(kept_headers(RAW)), "x.example")
    by_stamps = trail(HOPS, {}, stamps, accepted=True, arrived=True)
    assert [each.state for each in by_stamps] == [State.SEEN] * 3
    assert [each.after for each in by_stamps] == [None, None, timedelta(seconds=1)]
    assert not any(each.is_exact for each in by_stamps)


def told(lines: dict[str, list[Line]], part: Part, hops: Sequence[Hop] = HOPS) -> str:
    seen = trail(hops, belonging(hops, lines, CLUE), {}, accepted=part is Part.ARRIVED, arrived=False)
    return stuck(seen, part, "panel.example.net")


def test_a_lost_letter_names_the_last_hop_and_what_to_look_at() -> None:
    assert told({}, Part.DIAL).startswith("It came no further than the door of the receiver. Look whether it")
    first = told({}, Part.ARRIVED)
    assert first.startswith(
        "The receiver is the last that it was seen at. Look at the console of x-verifier-1"
    )
    assert "whether the spam filter of x-spamfilter-1 runs" in first
    last = told({RELAY: GOOD[RELAY]}, Part.ARRIVED)
    assert last.startswith("The relay is the last")
    assert "the MX record of panel.example.net" in last
    assert "p24" not in last
    silent = [replace(hop, era="p24") for hop in HOPS]
    assert told({}, Part.ARRIVED, silent).endswith("say nothing of mail that goes well.")
    assert stuck([], Part.ARRIVED, "") == ""
    for part in Part:
        assert told({}, part)


def test_hops_are_those_of_the_way_and_services_have_no_console() -> None:
    parts = [
        {"role": role, "era": "p23", "label": f"x-{role}-1", "address": "10.0.0.4/24"}
        for role in ("resolver", "relay", "signer", "submission", "spamfilter")
    ]
    inward = hops_of(Way.IN, parts, {"verifier": "10.0.0.20"})
    assert [(hop.role, hop.address, hop.label) for hop in inward] == [
        ("verifier", "10.0.0.20", ""),
        ("spamfilter", "10.0.0.4", "x-spamfilter-1"),
        ("relay", "10.0.0.4", "x-relay-1"),
    ]
    assert [hop.role for hop in hops_of(Way.OUT, parts, {})] == ["submission", "signer", "relay"]
    assert hops_of(Way.IN, [], {}) == []
    assert belonging([], {}, CLUE) == {}
    assert Why.PERHAPS.sure is False
