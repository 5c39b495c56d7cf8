"""The way of a stack, walked with all kinds of luck: what is written when, what fails, how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import (
    FIREWALL,
    GIT_ACCESS,
    MX,
    OPEN,
    RECORDS,
    Found,
    Next,
    Standing,
    State,
    Wanted,
    next_phase,
    phases_of,
)
from tenants.models import Stack, StackPhase

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
PHASES = phases_of(list(ROLES), receives=True, own_primary=True)
NAMES = [each.name for each in PHASES]


@dataclass
class Play:
    """A stack whose outside obeys at once, unless it is told otherwise."""

    wanted: Wanted = Wanted.RUNNING
    now: datetime = START
    there: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    kept: Mapping[str, Standing] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def look(self, seconds: int = 5) -> Next:
        self.now += timedelta(seconds=seconds)
        found = {name: self.found(name) for name in NAMES}
        step = next_phase(self.wanted, PHASES, found, self.kept, self.now)
        self.kept = step.standings
        self.written |= set(step.write)
        self.written -= set(step.withdraw)
        self.order += [*step.write, *(f"-{name}" for name in step.withdraw)]
        self.there |= self.written - self.deaf
        self.there -= set(NAMES) - self.written - self.deaf
        return step

    def found(self, name: str) -> Found:
        written, there = name in self.written, name in self.there
        return Found(
            written=written,
            proof={"seen": name} if there else None,
            waiting="Nobody answers.",
            problem=self.problems.get(name, ""),
            gone=not written and not there,
        )

    def walk(self, most: int = 60) -> Next:
        for _ in range(most):
            step = self.look()
            if step.again is None:
                return step
        raise AssertionError("it never ends")

    def states(self) -> dict[str, State]:
        return {name: each.state for name, each in self.kept.items()}


def test_everything_is_written_after_what_it_needs_and_proved() -> None:
    play = Play()
    play.walk()
    assert set(play.states().values()) == {State.PROVED}
    assert sorted(play.order) == sorted(NAMES)
    for phase in PHASES:
        for before in phase.after:
            assert play.order.index(before) < play.order.index(phase.name), phase.name
    assert play.order[-2:] == [OPEN, MX]
    assert play.kept[RECORDS].proof == {"seen": RECORDS}


def test_what_needs_nothing_is_begun_at_once_and_together() -> None:
    assert Play().look().write == (GIT_ACCESS, RECORDS, FIREWALL)


def test_a_look_without_change_writes_nothing_twice() -> None:
    play = Play(deaf={GIT_ACCESS})
    assert GIT_ACCESS in play.look().write
    step = play.look()
    assert GIT_ACCESS not in step.write
    assert step.standings[GIT_ACCESS] == Standing(
        State.DOING, "Nobody answers.", began=START + timedelta(seconds=5)
    )


def test_time_runs_out_with_a_reason_and_only_what_needs_it_waits() -> None:
    play = Play(deaf={"resolver"})
    step = play.walk(most=200)
    assert step.failed == ("resolver",)
    reason = step.standings["resolver"].reason
    assert reason == "It was not proved within 2 minutes. Last: Nobody answers."
    assert step.standings["primary"].state is State.PROVED
    assert step.standings["relay"] == Standing(State.PENDING, "It needs what failed: the DNS resolver.")
    assert "relay" not in play.order


def test_a_late_proof_counts_and_a_retry_gets_all_the_time_again() -> None:
    play = Play(deaf={"resolver"})
    play.walk(most=200)
    play.look(10_000)
    play.kept = {**play.kept, "resolver": Standing()}
    assert play.look().standings["resolver"].state is State.DOING
    play.walk(most=200)
    assert play.states()["resolver"] is State.FAILED
    play.deaf.clear()
    play.look()
    play.walk()
    assert set(play.states().values()) == {State.PROVED}


def test_a_problem_needs_a_person_at_once() -> None:
    play = Play(problems={"relay": "It ended with code 64."})
    step = play.walk()
    assert step.standings["relay"] == Standing(
        State.FAILED, "It ended with code 64.", began=play.kept["relay"].began
    )
    assert play.states()["verifier"] is State.PENDING
    assert play.states()["letsencrypt"] is State.PROVED
    play.problems.clear()
    play.kept = {**play.kept, "relay": Standing()}
    play.walk()
    assert set(play.states().values()) == {State.PROVED}


def test_what_falls_again_later_is_waited_for_anew() -> None:
    play = Play()
    play.walk()
    play.there.discard("signer")
    play.deaf.add("signer")
    play.now += timedelta(days=3)
    step = play.look()
    assert step.standings["signer"].state is State.DOING
    assert step.standings[MX].state is State.PROVED
    assert step.write == step.withdraw == ()


def test_a_cancelled_stack_closes_first_and_keeps_what_others_may_use() -> None:
    play = Play()
    play.walk()
    play.order.clear()
    play.wanted = Wanted.CANCELLED
    play.walk()
    assert play.order[:2] == [f"-{MX}", f"-{OPEN}"]
    assert play.order.index("-submission") < play.order.index("-signer") < play.order.index("-relay")
    kept = {name for name, state in play.states().items() if state is State.PROVED}
    assert kept == {GIT_ACCESS, RECORDS, FIREWALL}
    play.wanted = Wanted.RUNNING
    play.walk()
    assert set(play.states().values()) == {State.PROVED}


def test_removal_takes_everything_back_in_reverse() -> None:
    play = Play()
    play.walk()
    play.order.clear()
    play.wanted = Wanted.REMOVED
    play.walk()
    assert set(play.states().values()) == {State.GONE}
    for phase in PHASES:
        for before in phase.after:
            assert play.order.index(f"-{phase.name}") < play.order.index(f"-{before}")


@given(
    deaf=st.sets(st.sampled_from(NAMES), max_size=3),
    problems=st.sets(st.sampled_from(NAMES), max_size=2),
    turns=st.lists(st.sampled_from(list(Wanted)), max_size=3),
    looks=st.integers(0, 12),
)
def test_whatever_happens_it_ends_and_another_run_repairs_it(
    deaf: set[str], problems: set[str], turns: list[Wanted], looks: int
) -> None:
    play = Play(deaf=set(deaf), problems=dict.fromkeys(problems, "Broken."))
    for wanted in turns:
        play.wanted = wanted
        for _ in range(looks):
            step = play.look()
            for name in step.write:
                after = next(each.after for each in PHASES if each.name == name)
                assert all(step.standings[each].state is State.PROVED for each in after)
    play.walk(most=2_000)
    play.deaf.clear()
    play.problems.clear()
    play.wanted = Wanted.RUNNING
    play.kept = {}
    play.walk(most=2_000)
    assert set(play.states().values()) == {State.PROVED}


def test_no_mail_is_led_to_a_closed_door() -> None:
    names = [each.name for each in phases_of(list(ROLES), receives=False, own_primary=True)]
    assert MX not in names
    assert names[-1] == OPEN


def test_a_role_that_something_else_fills_is_no_phase() -> None:
    found = phases_of(["relay", "signer"], receives=True, own_primary=False)
    assert [each.name for each in found] == [GIT_ACCESS, RECORDS, FIREWALL, "relay", "signer", OPEN, MX]
    assert all(set(each.after) <= {one.name for one in found} for each in found)


def test_rows_know_the_same_states() -> None:
    assert [each.value for each in State] == list(StackPhase.State.values)
    assert [each.value for each in Wanted] == list(Stack.Wanted.values)
