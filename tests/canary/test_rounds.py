"""When rounds turn the status of a canary, and how its history counts time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.canary import (
    EVERY,
    LATE_AFTER,
    LENGTHS,
    Length,
    Standing,
    covered,
    is_late,
    next_round,
    pieces,
    remembered,
    share,
    turned,
)
from tenants.formats.canary.spans import MOST, begin_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(-2000), timedelta(2000)).map(lambda away: NOON + away)


def walk(rounds: list[bool], standing: Standing = Standing.NEW) -> list[Standing]:
    recent: list[bool] = []
    found = []
    for good in rounds:
        recent = remembered(recent, good)
        standing = turned(standing, recent)
        found.append(standing)
    return found


NEW, WORKS, FAILING = Standing


@pytest.mark.parametrize(
    ("rounds", "standings"),
    [
        ("+", [WORKS]),
        ("---", [NEW, NEW, FAILING]),
        ("+--+--", [WORKS] * 4 + [FAILING] * 2),
        ("+---", [WORKS, WORKS, WORKS, FAILING]),
        ("---++", [NEW, NEW, FAILING, FAILING, FAILING]),
        ("---+++", [NEW, NEW, FAILING, FAILING, FAILING, WORKS]),
        ("-+", [NEW, WORKS]),
    ],
)
def test_three_of_four_turn_it(rounds: str, standings: list[Standing]) -> None:
    assert walk([each == "+" for each in rounds]) == standings


@given(st.integers(1, 60), st.sampled_from([WORKS, FAILING]), st.booleans())
def test_what_alternates_turns_nothing(count: int, standing: Standing, first: bool) -> None:
    rounds = [first ^ bool(number % 2) for number in range(count)]
    assert set(walk(rounds, standing)) == {standing}


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_a_turn_is_what_most_of_the_last_four_say(rounds: list[bool]) -> None:
    before = NEW
    for number, after in enumerate(walk(rounds), start=1):
        last = rounds[max(0, number - 4) : number]
        if before is not NEW and after is not before:
            assert sum(each == (after is WORKS) for each in last) == 3
            assert last[-1] == (after is WORKS)
        assert (after is NEW) <= (True not in rounds[:number])
        before = after


@given(st.lists(st.booleans(), min_size=4, max_size=40))
def test_it_agrees_in_the_end_with_whoever_goes_on(rounds: list[bool]) -> None:
    for good in (True, False):
        assert walk([*rounds, *[good] * 3])[-1] is (WORKS if good else FAILING)


@given(st.floats(0, 1))
def test_a_round_that_contradicts_is_repeated_soon(chance: float) -> None:
    calm = next_round([(WORKS, [True, True]), (FAILING, [False])], chance)
    doubt = next_round([(WORKS, [True, True]), (WORKS, [True, False])], chance)
    assert EVERY * 0.9 <= calm <= EVERY * 1.1
    assert doubt < EVERY / 4
    assert next_round([(NEW, []), (NEW, [])], chance) == calm
    assert next_round([(NEW, [False])], chance) == doubt


def test_old_news_is_late() -> None:
    assert is_late(None, NOON)
    assert not is_late(NOON - LATE_AFTER, NOON)
    assert is_late(NOON - LATE_AFTER - timedelta(seconds=1), NOON)


# spans ------------------------------------------------------------------------------------------------


@given(MOMENTS, st.timedeltas(timedelta(), timedelta(days=3)), st.sampled_from(list(Length)))
def test_pieces_are_the_whole_and_each_lies_in_its_span(
    start: datetime, time: timedelta, length: Length
) -> None:
    found = list(pieces(start, start + time, length))
    step, _ = LENGTHS[length]
    assert sum(each.seconds for each in found) == pytest.approx(time.total_seconds())
    for each in found:
        assert 0 < each.seconds <= step.total_seconds()
        assert begin_of(each.begins, length) == each.begins
    assert [each.begins for each in found] == sorted({each.begins for each in found})


@given(MOMENTS, MOMENTS)
def test_a_round_stands_for_little_time_and_never_for_less_than_none(before: datetime, at: datetime) -> None:
    assert timedelta() <= covered(before, at) <= MOST
    assert covered(None, at) == timedelta()


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_what_failed_at_all_is_not_shown_as_always(proved: float, failed: float) -> None:
    found = share(proved, failed)
    assert (found is None) == (proved + failed == 0)
    if found is not None:
        assert 0 <= found <= 100
        if failed > 1:
            assert found < 100
        if not failed:
            assert found == 100
