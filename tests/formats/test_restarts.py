"""When what reads a relay repository restarts: every case of the table."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.relay_entry import RelayEntry
from tenants.formats.relay_reading import NO_LOGIN
from tenants.formats.restarts import (
    CERTIFICATE,
    RELAY,
    SUBMISSION,
    USUAL,
    Restarts,
    Waiting,
    decide,
    due,
    takes_away,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changed", "since", "last", "urgent", "expected"),
    [
        (0, 0, None, False, 20),  # a quiet moment after the only change
        (50, 0, None, False, 70),  # it begins anew with each change
        (115, 0, None, False, 120),  # but the first change waits no longer than that
        (0, 0, None, True, 0),  # what takes something away does not wait
        (50, 0, None, True, 0),
        (0, 0, -400, False, 20),  # the last restart was long ago
        (0, 0, -100, False, 200),  # too short ago
        (0, 0, -100, True, 0),
        (0, 0, -10, True, 20),  # even urgent ones keep some distance
    ],
)
def test_when_a_change_is_taken_up(
    changed: int, since: int, last: int | None, urgent: bool, expected: int
) -> None:
    found = due(
        changed_at=NOON + changed * SECOND,
        waiting_since=NOON + since * SECOND,
        last_restart=None if last is None else NOON + last * SECOND,
        urgent=urgent,
    )
    assert found == NOON + expected * SECOND


seconds = st.integers(0, 10_000).map(lambda count: count * SECOND)


@given(seconds, seconds, st.none() | seconds, st.booleans())
def test_never_too_early_and_never_put_off_for_ever(
    since: timedelta, after: timedelta, last: timedelta | None, urgent: bool
) -> None:
    first = NOON + since
    restart = None if last is None else NOON + last
    at = due(changed_at=first + after, waiting_since=first, last_restart=restart, urgent=urgent)
    apart = USUAL.between(urgent=urgent)
    assert at >= first
    assert restart is None or at >= restart + apart
    assert at <= max(first + USUAL.longest * SECOND, restart + apart if restart else first)


def entry(password: str = "a" * 128, *targets: str) -> RelayEntry:
    return RelayEntry(targets or ("ada@example.com",), password)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {b"ada": entry()}, False),
        ({b"ada": entry()}, {}, True),
        ({b"ada": entry(NO_LOGIN)}, {}, True),
        ({b"ada": entry()}, {b"ada": entry("b" * 128)}, True),
        ({b"ada": entry()}, {b"ada": entry(NO_LOGIN)}, True),
        ({b"ada": entry(NO_LOGIN)}, {b"ada": entry()}, False),
        ({b"ada": entry()}, {b"ada": entry("a" * 128, "bea@example.com")}, False),
    ],
)
def test_what_cannot_wait(before: Any, after: Any, expected: bool) -> None:
    assert takes_away(before, after) is expected


FIRST = Waiting("submission", 1, SUBMISSION, NOON)
SECOND_ONE = Waiting("relay", 1, RELAY, NOON)
BOTH = {"submission", "relay"}


def decided(*waiting: Waiting, **given: Any) -> Restarts:
    usual: dict[str, Any] = {
        "running": BOTH,
        "starting": (),
        "left_alone": (),
        "restartable": True,
        "now": NOON,
    }
    return decide(waiting, **{**usual, **given})


def labels(found: Restarts) -> list[str]:
    return [each.label for each in found.now]


def test_submission_first_then_relay() -> None:
    for order in itertools.permutations((FIRST, SECOND_ONE)):
        assert labels(decided(*order)) == ["submission", "relay"]
    assert labels(decided(SECOND_ONE)) == ["relay"]
    assert labels(decided()) == []


def test_not_before_its_time_and_the_next_one_is_told() -> None:
    later = NOON + 5 * SECOND
    found = decided(replace(FIRST, due_at=later), replace(SECOND_ONE, due_at=later + SECOND))
    assert (labels(found), found.held, found.next_at) == ([], (), later)


@pytest.mark.parametrize(
    ("first", "given", "why"),
    [
        ({}, {"running": {"relay"}}, "does not run"),
        ({}, {"left_alone": {"submission"}}, "changed on the host"),
        ({"problem": "the branch is away"}, {}, "branch is away"),
        ({"due_at": NOON + SECOND}, {}, ""),
        ({"here": False}, {}, ""),
    ],
)
def test_relay_waits_for_a_submission_that_has_not_read_it(
    first: dict[str, Any], given: dict[str, Any], why: str
) -> None:
    found = decided(replace(FIRST, **first), SECOND_ONE, **given)
    assert labels(found) == []
    told = [each.why for each in found.held]
    assert any("waits until submission" in each for each in told)
    assert not why or any(why in each for each in told)


def test_a_submission_that_should_not_run_keeps_nobody_waiting() -> None:
    assert labels(decided(replace(FIRST, should_run=False), SECOND_ONE)) == ["relay"]


def test_what_starts_anyway_is_not_restarted_and_is_as_good() -> None:
    found = decided(FIRST, SECOND_ONE, starting={"submission"})
    assert (labels(found), found.held) == (["relay"], ())


def test_a_submission_of_another_repository_keeps_nobody_waiting() -> None:
    found = decided(replace(FIRST, repository=2, here=False), SECOND_ONE)
    assert labels(found) == ["relay"]


def test_a_host_that_cannot_restart_says_so() -> None:
    found = decided(SECOND_ONE, restartable=False)
    assert (labels(found), len(found.held)) == ([], 1)
    assert "by hand" in found.held[0].why


def test_who_only_takes_a_certificate_keeps_no_relay_waiting_and_waits_for_nobody() -> None:
    renewed = replace(FIRST, role=CERTIFICATE, due_at=NOON)
    receiver = Waiting("receiver", 0, CERTIFICATE, NOON)
    running = {*BOTH, "receiver"}
    found = decided(SECOND_ONE, renewed, receiver, running=running)
    assert labels(found) == ["receiver", "relay", "submission"]
    held = decided(
        SECOND_ONE, replace(renewed, problem="The certificate expired."), receiver, running=running
    )
    assert labels(held) == ["receiver", "relay"]
    assert [each.why for each in held.held] == ["The certificate expired."]
