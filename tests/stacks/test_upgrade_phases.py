"""The way of an upgrade, forth and back, with all kinds of luck: when the traffic moves, and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import FIREWALL, Found, Phase, Standing, State, Wanted, next_phase
from tenants.formats.stacks.upgrade import IN_PLACE
from tenants.formats.stacks.upgrade_phases import (
    DRAIN,
    FLIP,
    REMOVE,
    TRIAL,
    WATCH,
    drained,
    is_done,
    is_returned,
    turns_back,
    upgrade_phases,
)

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
BESIDE = frozenset(ROLES) - IN_PLACE


@dataclass
class Play:
    """An upgrade whose outside obeys at once, but for those that are deaf."""

    way: tuple[Phase, ...]
    deaf: frozenset[str] = frozenset()
    now: datetime = START
    back: bool = False
    failed: str = ""
    written: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    kept: Mapping[str, Standing] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def look(self) -> None:
        self.now += timedelta(seconds=20)
        found = {phase.name: self.found(phase.name) for phase in self.way}
        wanted = Wanted.REMOVED if self.back else Wanted.RUNNING
        step = next_phase(wanted, self.way, found, self.kept, self.now)
        self.kept = step.standings
        self.written |= set(step.write)
        self.written -= set(step.withdraw)
        self.order += [*step.write, *(f"-{name}" for name in step.withdraw)]
        self.there |= self.written - self.deaf
        self.there -= {phase.name for phase in self.way} - self.written
        if not self.back and (reason := turns_back(self.kept)):
            self.back, self.failed = True, reason
            self.kept = {
                name: Standing() if each.state is State.FAILED else each for name, each in self.kept.items()
            }

    def found(self, name: str) -> Found:
        written, there = name in self.written, name in self.there
        return Found(written, {"seen": name} if there else None, gone=not written and not there)

    def walk(self) -> None:
        for _ in range(300):
            self.look()
            if is_done(self.kept) or is_returned(self.kept):
                return
        raise AssertionError(f"it never ends: {self.kept}")


def test_the_traffic_moves_when_all_are_ready_and_the_old_ones_go_last() -> None:
    play = Play(upgrade_phases(BESIDE, IN_PLACE))
    play.walk()
    assert play.order[0] == FIREWALL
    assert play.order[-4:] == [FLIP, WATCH, DRAIN, REMOVE]
    between = play.order[1:-4]
    assert set(between) == {*ROLES, TRIAL}
    assert [name for name in between if name in IN_PLACE] == ["primary", "letsencrypt"]
    assert between.index(TRIAL) < between.index("primary")
    assert between.index("relay") < between.index("signer") < between.index("submission")


def test_what_is_only_replaced_in_place_leaves_nothing_to_drain() -> None:
    names = [phase.name for phase in upgrade_phases((), ["primary"])]
    assert names == [FIREWALL, "primary", FLIP, WATCH]
    assert TRIAL not in [phase.name for phase in upgrade_phases(["resolver"], ())]


@pytest.mark.parametrize("deaf", [phase.name for phase in upgrade_phases(BESIDE, IN_PLACE)])
def test_whatever_fails_before_the_removal_gives_the_traffic_back(deaf: str) -> None:
    play = Play(upgrade_phases(BESIDE, IN_PLACE), frozenset({deaf}))
    if deaf in {DRAIN, REMOVE}:
        with pytest.raises(AssertionError, match="never ends"):
            play.walk()
        assert not play.back
        assert FLIP in play.there
        return
    play.walk()
    assert play.failed == deaf
    assert is_returned(play.kept)
    assert not play.written
    taken = [each for each in play.order if each.startswith("-")]
    if FLIP in play.order:
        assert taken[0] == (f"-{WATCH}" if WATCH in play.order else f"-{FLIP}")
        assert f"-{FLIP}" in taken[:2]
    assert REMOVE not in play.order
    for name in BESIDE:
        assert (f"-{name}" in taken) == (name in play.order)


@given(
    st.sets(st.sampled_from(sorted(BESIDE))),
    st.sets(st.sampled_from(sorted(IN_PLACE))),
    st.sets(st.sampled_from([*ROLES, FIREWALL, TRIAL, FLIP, WATCH])),
)
def test_any_luck_ends_with_one_release_and_the_traffic_at_it(
    beside: set[str], in_place: set[str], deaf: set[str]
) -> None:
    play = Play(upgrade_phases(beside, in_place), frozenset(deaf))
    play.walk()
    if play.back:
        assert is_returned(play.kept)
        assert not play.written
    else:
        assert is_done(play.kept)
        assert FLIP in play.there
        assert (REMOVE in play.there) == bool(beside)


def test_the_old_ones_go_when_nothing_stands_any_more_or_time_is_up() -> None:
    def after(count: int | None, seconds: int) -> bool:
        return drained(count, timedelta(seconds=seconds))

    assert [after(0, 9), after(0, 10)] == [False, True]
    assert [after(3, 599), after(3, 600)] == [False, True]
    assert [after(None, 119), after(None, 120)] == [False, True]
