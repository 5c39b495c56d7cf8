"""The small line of four words that follows every change: accepted, planned, pushed, observed.

Pure: rows in, the context of parts/proof.html and parts/steps.html out.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from panel.web import times
from panel.web.address_state import LEFT_ALONE, NOT_CONNECTED, TRYING_AGAIN, AddressStanding
from panel.web.sentences import STOPPED
from tenants.models import Mailbox, Run, Step

Word = dict[str, Any]
Steps = Mapping[str, Step]

TODO: Word = {"state": "todo"}
_STATES = {
    Step.State.PENDING: "todo",
    Step.State.RUNNING: "live",
    Step.State.DONE: "done",
    Step.State.FAILED: "fail",
    Step.State.SKIPPED: "skip",
}
MOST_DIFF_LINES = 400


def run_proof(run: Run, steps: Steps, commit: str, url: str) -> dict[str, Any]:
    """The four words of one run. `url` is its page, empty for those who may not open it."""
    preview = run.mode == Run.Mode.PREVIEW
    waits = run.state == Run.State.WAITING
    planned = _word(_state_of(steps, "observe", "plan"), waits)
    if run.state in {Run.State.QUEUED, Run.State.RUNNING} and planned["state"] == "todo":
        planned = {"state": "live", "note": "waits for a worker" if run.state == Run.State.QUEUED else ""}
    if planned["state"] == "done":
        total = int(run.plan.get("total", 0) or 0)
        note = f"{total} change{'s' if total != 1 else ''}" if total else "nothing to write"
        planned |= {"note": note, "url": _at(url, "changes", total)}
    pushed = _word(_state_of(steps, "guard", "apply"), waits)
    if pushed["state"] == "done" and commit:
        pushed |= {"note": commit[:7], "url": _at(url, "evidence")}
    observed = _word(_state_of(steps, "verify"), waits)
    if run.state == Run.State.SUCCEEDED and not preview:
        observed = {"state": "done", **_when_observed(run, steps)}
    return {
        "accepted": {"state": "done", "at": run.created_at},
        "planned": planned,
        "pushed": pushed,
        "observed": observed,
    }


def address_proof(
    mailbox: Mailbox, standing: AddressStanding, run: Run | None, steps: Steps, commit: str, url: str
) -> dict[str, Any]:
    """The four words of an address's last change. `run` carries it; None while no run does (any more)."""
    accepted: Word = {"state": "done", "at": mailbox.changed_at}
    held = {
        LEFT_ALONE: {"state": "fail", "note": "changed outside"},
        NOT_CONNECTED: {"state": "todo", "note": "no mail server yet"},
        STOPPED: {"state": "fail", "note": "held up"},
        TRYING_AGAIN: {"state": "live", "note": "trying again"},
    }.get(standing.state)
    if run is not None and standing.state != LEFT_ALONE:
        return {**run_proof(run, steps, commit, url), "accepted": accepted}
    if standing.observed and standing.state != LEFT_ALONE:
        held = None  # what holds others up came after this was proved
    return proof_without_run(accepted, held, standing.observed_at, observed=standing.observed)


def proof_without_run(
    accepted: Word, held: Word | None, observed_at: datetime | None, *, observed: bool
) -> dict[str, Any]:
    """The four words where no run carries the change (any more): proved, held up, or waiting."""
    if observed and (held is None or held["state"] != "fail"):
        done: Word = {"state": "done"}
        last = {**done, "at": observed_at}
        return {"accepted": accepted, "planned": done, "pushed": done, "observed": last}
    planned = held or {"state": "live", "note": "waits for a worker"}
    return {"accepted": accepted, "planned": planned, "pushed": TODO, "observed": TODO}


def _state_of(steps: Steps, *names: str) -> str:
    """One word for several steps: a failure wins, then what is happening, then the last one's state."""
    states = [_STATES[Step.State(steps[name].state)] for name in names if name in steps]
    if not states:
        return "todo"
    for loud in ("fail", "live"):
        if loud in states:
            return loud
    if states[-1] == "todo" and "done" in states:
        return "live"
    return states[-1]


def _word(state: str, waits: bool) -> Word:
    """A failed step of a run that tries again by itself is not an end."""
    return {"state": "live", "note": "trying again"} if state == "fail" and waits else {"state": state}


def _at(url: str, anchor: str, wanted: int = 1) -> str:
    return f"{url}#{anchor}" if url and wanted else ""


def _when_observed(run: Run, steps: Steps) -> Word:
    apply, verify = steps.get("apply"), steps.get("verify")
    if apply and verify and apply.finished_at and verify.finished_at:
        return {"note": f"{times.took(verify.finished_at - apply.finished_at)} later"}
    return {"at": run.finished_at}


# Steps, diff and what was left alone --------------------------------------------------------------------


def step_lines(run: Run, steps: Sequence[Step], now: datetime) -> list[dict[str, Any]]:
    """The context of parts/steps.html."""
    lines = []
    for step in steps:
        state = _STATES[Step.State(step.state)]
        logged = step.log.rstrip("\n")
        lines.append(
            {
                "id": f"step-{step.name}",
                "title": step.title,
                "state": state,
                "took": _took(step, now),
                "detail": step.detail,
                "log": logged,
                "log_lines": logged.count("\n") + 1 if logged else 0,
                # A stopped run says it on top, with the buttons.
                "advice": run.advice if state == "fail" and run.state != Run.State.STOPPED else "",
            }
        )
    return lines


def _took(step: Step, now: datetime) -> str:
    if step.state == Step.State.SKIPPED:
        return "not needed"
    if step.started_at is None:
        return "not started"
    if step.finished_at is None:
        return f"since {times.took(now - step.started_at)}"
    return times.took(step.finished_at - step.started_at)


def diff_files(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The context of parts/diff.html, from a run's masked plan; at most MOST_DIFF_LINES lines."""
    files: list[dict[str, Any]] = []
    left = MOST_DIFF_LINES
    notes = {"create": "new", "delete": "removed", "update": ""}
    for change in plan.get("changes", []):
        if left <= 0:
            break
        lines = diff_lines(str(change.get("before") or ""), str(change.get("after") or ""))[:left]
        left -= len(lines)
        action = str(change.get("action", ""))
        files.append({"name": str(change.get("unit", "")), "note": notes.get(action, action), "lines": lines})
    return files


def diff_lines(before: str, after: str) -> list[dict[str, str]]:
    old, new = before.splitlines()[:MOST_DIFF_LINES], after.splitlines()[:MOST_DIFF_LINES]
    lines: list[dict[str, str]] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [{"kind": "same", "text": text} for text in old[i1:i2]]
        else:
            lines += [{"kind": "del", "text": text} for text in old[i1:i2]]
            lines += [{"kind": "add", "text": text} for text in new[j1:j2]]
    return lines


_APART_WORDS = {"conflict": "Conflict", "unsafe": "Not written: unsafe", "ended": "Ended by itself"}


def left_alone(units: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Drift, conflicts and what is unsafe to write, side by side: what is outside, and what Rookery has."""
    return [
        {
            "unit": str(unit.get("unit", "")),
            "sentence": str(unit.get("sentence", "")),
            "word": _APART_WORDS.get(str(unit.get("reason")), "Changed outside"),
            "outside": _or_nothing(unit.get("outside")),
            "ours": _or_nothing(unit.get("ours")),
        }
        for unit in units[:50]
    ]


def _or_nothing(text: Any) -> str:
    return str(text) if text else "nothing"
