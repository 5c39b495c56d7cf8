"""Where hosts and unikernels stand: a state word, a sentence, and what to do. Rows in, words out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from panel.web import times
from panel.web.sentences import STOPPED, State, amount
from tenants.left_alone import left_units
from tenants.models import Condition, Host, SyncTarget, Unikernel
from tenants.relay_states import conditions_of, is_stopped

RUNS = State("ok", "Runs")
IS_STOPPED = State("off", "Stopped")
STARTING = State("live", "On its way")
DELETING = State("live", "Being deleted")
AWAY = State("wait", "Trying again")
ENDED = State("fail", "Ended by itself")
NOT_STARTED = State("todo", "Not started")
CHANGED_OUTSIDE = State("todo", "Changed outside")
CONFLICT = State("todo", "Conflict")
_LEFT: dict[str, State] = {
    Condition.Type.ENDED: ENDED,
    Condition.Type.UNSAFE_ENTRIES: NOT_STARTED,
    Condition.Type.DRIFTED: CHANGED_OUTSIDE,
    Condition.Type.CONFLICTED: CONFLICT,
}


@dataclass(frozen=True)
class UnikernelStanding:
    """One unikernel at one moment. `why` is what was found when it was left alone, `observed` says that the
    host agrees with its last change."""

    state: State
    sentence: str
    why: str = ""
    observed: bool = False

    @property
    def moves(self) -> bool:
        return self.state.is_moving or self.state == AWAY


def unikernel_standing(  # noqa: PLR0911 - a table
    row: Unikernel, target: SyncTarget, conditions: Mapping[str, Condition], now: datetime
) -> UnikernelStanding:
    """The first of these that holds: left alone, held up, away, on its way, and then what was proved."""
    observed = row.generation <= target.observed_generation
    if observed and row.name in target.proof.get("left", []):
        kind, why = left_units(conditions.values()).get(row.name, ("", ""))
        return UnikernelStanding(_LEFT.get(kind, CHANGED_OUTSIDE), _left_sentence(row, kind), why, observed)
    if not observed:
        if is_stopped(target):
            if row.ended:
                sentence = f"{row} ended right after its start. It is not tried again before you say so."
                return UnikernelStanding(ENDED, sentence, _message(conditions, Condition.Type.SYNCED))
            sentence = f"The last change of {row} is held up until somebody has looked."
            return UnikernelStanding(STOPPED, sentence, _message(conditions, Condition.Type.SYNCED))
        reachable = conditions.get(Condition.Type.REACHABLE)
        if reachable is not None and not reachable.status:
            sentence = "The host cannot be reached; Rookery tries again by itself."
            return UnikernelStanding(AWAY, sentence, reachable.message)
        state = DELETING if row.deleted_at else STARTING
        return UnikernelStanding(state, f"The last change of {row} is on its way to the host.")
    proved = f" Last proved {times.ago(target.checked_at, now)}." if target.checked_at else ""
    if row.deleted_at:
        return UnikernelStanding(DELETING, f"{row} is gone from the host.", observed=True)
    if row.running:
        return UnikernelStanding(RUNS, f"{row} runs as it was asked for.{proved}", observed=True)
    sentence = f"{row} is stopped. Image, arguments and secrets are kept for its next start."
    return UnikernelStanding(IS_STOPPED, sentence, observed=True)


def _left_sentence(row: Unikernel, kind: str) -> str:
    sentences: dict[str, str] = {
        Condition.Type.ENDED: f"{row} ended right after its start. It is tried again when you start it.",
        Condition.Type.UNSAFE_ENTRIES: f"{row} would not start so. What ran before was left as it is.",
        Condition.Type.CONFLICTED: f"{row} was changed here and on the host; nothing was overwritten.",
    }
    return sentences.get(kind, f"Somebody else changed {row} on the host, or it ended. It was left alone.")


def _message(conditions: Mapping[str, Condition], kind: str) -> str:
    row = conditions.get(kind)
    return row.message if row is not None and not row.status else ""


@dataclass(frozen=True)
class HostStanding:
    state: State
    headline: str
    sentence: str

    @property
    def needs_person(self) -> bool:
        return self.state.badge in {"todo", "fail"}


def host_standing(  # noqa: PLR0911 - a table
    host: Host, target: SyncTarget, now: datetime
) -> HostStanding:
    """An organization's part of a host."""
    conditions = conditions_of(target)
    if is_stopped(target):
        if target.stop_code == "host-key-unknown":
            return HostStanding(
                State("todo", "Compare the key"),
                f"{host} waits until you have compared its key.",
                "It showed its key for the first time. Nothing is sent before you have compared it.",
            )
        return HostStanding(STOPPED, f"Changes on {host} are held up.", _message(conditions, "Synced"))
    reachable = conditions.get(Condition.Type.REACHABLE)
    if reachable is not None and not reachable.status:
        return HostStanding(
            AWAY, f"{host} cannot be reached.", f"{reachable.message} Rookery tries again by itself."
        )
    if target.checked_at is None:
        return HostStanding(State("live", "First look"), f"Rookery looks at {host} for the first time.", "")
    if target.observed_generation < target.generation:
        return HostStanding(STARTING, f"A change is on its way to {host}.", "")
    left = sum(
        int(conditions[kind].details.get("count", 0))
        for kind in _LEFT
        if kind in conditions and conditions[kind].status
    )
    looked = times.ago(target.checked_at, now)
    if left:
        which = amount(left, "unikernel needs you", "unikernels need you")
        return HostStanding(State("todo", "Needs you"), f"{which} on {host}.", f"Last looked at {looked}.")
    return HostStanding(
        State("ok", f"Agrees, {looked}"), f"{host} runs exactly what was asked for.", f"Last proved {looked}."
    )
