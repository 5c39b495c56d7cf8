"""Whether a name server has what its primary has: judged from what it said, over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.zones.agreement import Agreement, Judged, Reply, Server, is_overdue, judge, judge_all

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRIMARY = Server("ns1.example.org", "192.0.2.1", primary=True)
SECOND = Server("ns2.example.net", "192.0.2.2")


def has(serial: int) -> Reply:
    return Reply(serial, authoritative=True)


@pytest.mark.parametrize(
    ("reply", "agreement", "behind"),
    [
        (has(7), Agreement.AGREES, 0),
        (has(4), Agreement.BEHIND, 3),
        (has(2**32 - 1), Agreement.BEHIND, 8),
        (has(9), Agreement.AHEAD, 0),
        (Reply(7), Agreement.FOREIGN, 0),
        (Reply(None, authoritative=True), Agreement.FOREIGN, 0),
        (Reply(problem="nobody answered\nin time"), Agreement.SILENT, 0),
    ],
)
def test_what_a_server_said_beside_the_primary(reply: Reply, agreement: Agreement, behind: int) -> None:
    found = judge(reply, 7, None, AT)
    assert (found.agreement, found.behind) == (agreement, behind)
    assert "\n" not in found.problem
    assert (found.apart_since is None) == (agreement is Agreement.AGREES)


def test_a_server_that_fetches_is_late_from_then_on_only() -> None:
    stuck = judge(has(4), 7, judge(has(4), 5, None, AT), AT + HOUR)
    assert (stuck.since, stuck.apart_since) == (AT, AT)
    silent = judge(Reply(problem="gone"), 7, stuck, AT + 2 * HOUR)
    assert (silent.since, silent.apart_since) == (AT + 2 * HOUR, AT), "it has been apart all along"
    fetched = judge(has(6), 7, stuck, AT + 2 * HOUR)
    assert (fetched.since, fetched.apart_since) == (AT, AT + 2 * HOUR)
    well = judge(has(7), 7, fetched, AT + 3 * HOUR)
    assert (well.since, well.apart_since) == (AT + 3 * HOUR, None)


def test_late_is_what_is_apart_for_longer_than_refresh_and_retry() -> None:
    found = judge(has(4), 7, None, AT)
    assert not is_overdue(found, 3600, 600, AT + timedelta(seconds=4200))
    assert is_overdue(found, 3600, 600, AT + timedelta(seconds=4201))
    assert not is_overdue(judge(has(7), 7, None, AT), 0, 0, AT + HOUR)


def test_the_primary_is_the_measure_and_else_what_it_served_last() -> None:
    found = judge_all({PRIMARY: has(8), SECOND: has(7)}, 7, {}, AT)
    assert (found[PRIMARY].agreement, found[SECOND].agreement) == (Agreement.AGREES, Agreement.BEHIND)
    found = judge_all({PRIMARY: Reply(problem="away"), SECOND: has(7)}, 7, {}, AT)
    assert (found[PRIMARY].agreement, found[SECOND].agreement) == (Agreement.SILENT, Agreement.AGREES)
    found = judge_all({PRIMARY: Reply(3), SECOND: has(3)}, None, {}, AT)
    assert found[SECOND].agreement is Agreement.AGREES, "nothing is known to compare it with"


SERIALS = st.one_of(st.none(), st.integers(0, 2**32 - 1))
REPLIES = st.one_of(
    st.builds(Reply, SERIALS, st.booleans()),
    st.builds(Reply, problem=st.sampled_from(["gone", "x" * 300, "\0\n"])),
)


@given(st.lists(st.tuples(REPLIES, SERIALS), max_size=8))
def test_times_never_run_backwards(looks: list[tuple[Reply, int | None]]) -> None:
    known: Judged | None = None
    for number, (reply, newest) in enumerate(looks):
        at = AT + number * HOUR
        found = judge(reply, newest, known, at)
        assert found.since <= at
        assert found.apart_since is None or found.apart_since <= at
        assert (found.apart_since is None) == (found.agreement is Agreement.AGREES)
        assert 0 <= found.behind < 2**31
        assert len(found.problem) <= 200
        known = found
