"""Run and step rows of one pass, written under the lease as they happen, so that a page can follow.

A pass that finds nothing to do leaves no run: the run is opened when there is something to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenants.models import Condition, Evidence, Finding, Run, Step, SyncTarget
from workers.lease import Lease
from workers.targets.base import Findings, Statement

STEPS = {
    "observe": "Look at the outside",
    "plan": "Decide what to change",
    "guard": "Check that it is safe",
    "apply": "Write the changes",
    "verify": "Read them back",
    "settle": "Let the mail servers take it up",
}
LOG_LIMIT = 20_000
_AT_ONCE = 500


class Recorder:
    def __init__(self, lease: Lease, target: SyncTarget, run: Run | None) -> None:
        self._lease = lease
        self._target = target
        self.run = run
        self._memory: dict[str, dict[str, Any]] = {name: {"title": title} for name, title in STEPS.items()}
        self._current = ""

    def open(self, title: str, generation: int, mode: str = Run.Mode.APPLY) -> Run:
        """Start the run's row, or take up the unfinished one: a retry goes on in the same run."""
        now = timezone.now()
        with self._lease.write():
            run = self.run or (
                Run.objects.filter(target=self._target, mode=mode, state__in=Run.UNFINISHED)
                .order_by("-pk")
                .first()
            )
            if run is None:
                run = Run(target=self._target, mode=mode, created_at=now)
            run.state = Run.State.RUNNING
            run.generation = generation
            run.title = title[:200]
            run.attempts += 1
            run.fence = self._lease.fence
            run.started_at = now
            run.finished_at = None
            run.save()
            run.steps.all().delete()
            Step.objects.bulk_create(
                Step(run=run, index=index, name=name, **self._memory[name])
                for index, name in enumerate(STEPS)
            )
        self.run = run
        return run

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Mark a step running, then done; a failure marks it failed and goes on."""
        self._current = name
        self._update(name, state=Step.State.RUNNING, started_at=timezone.now())
        try:
            yield
        except Exception as error:
            # Our own sentences are for people; of anything else only the kind is shown.
            sentence = getattr(error, "sentence", "") or f"An error in Rookery: {type(error).__name__}."
            self._update(name, state=Step.State.FAILED, finished_at=timezone.now(), detail=sentence[:2000])
            raise
        self._update(name, state=Step.State.DONE, finished_at=timezone.now())

    def tell(self, title: str = "", detail: str = "") -> None:
        """Say what the current step found."""
        changes = {"title": title[:200]} if title else {}
        if detail:
            changes["detail"] = detail[:2000]
        self._update(self._current, **changes)

    def note(self, line: str) -> None:
        """Add a line to the current step's log."""
        if not self._current:
            return
        log = (self._memory[self._current].get("log", "") + line.rstrip("\n") + "\n")[-LOG_LIMIT:]
        self._update(self._current, log=log)

    def skip(self, *names: str) -> None:
        for name in names:
            self._update(name, state=Step.State.SKIPPED)

    def _update(self, name: str, **changes: Any) -> None:
        self._memory[name].update(changes)
        if self.run is not None and changes:
            with self._lease.write():
                Step.objects.filter(run=self.run, name=name).update(**changes)

    def update_run(self, **changes: Any) -> None:
        if self.run is not None:
            with self._lease.write():
                Run.objects.filter(pk=self.run.pk).update(**changes)

    def evidence(self, facts: Mapping[str, str], now: datetime) -> None:
        """Replace the run's evidence; the caller holds the transaction."""
        if self.run is None:
            return
        Evidence.objects.filter(run=self.run).delete()
        Evidence.objects.bulk_create(
            Evidence(run=self.run, name=name, value=value[:300], seen_at=now) for name, value in facts.items()
        )


def record_findings(target: SyncTarget, findings: Findings, now: datetime) -> None:
    """Make the rows say what was found. A row of which nothing changed keeps its decision and its date."""
    known = {row.unit: row for row in target.findings.all()}
    new: list[Finding] = []
    for found in findings.found:
        row = known.pop(found.unit, None)
        values = asdict(found)
        if row is not None and all(getattr(row, name) == value for name, value in values.items()):
            continue
        if row is not None:
            row.delete()
        new.append(Finding(target=target, since=now, **values))
    gone = [row.pk for unit, row in known.items() if unit not in findings.kept]
    for start in range(0, len(gone), _AT_ONCE):
        Finding.objects.filter(pk__in=gone[start : start + _AT_ONCE]).delete()
    Finding.objects.bulk_create(new, batch_size=_AT_ONCE)


def state_condition(target: SyncTarget, statement: Statement, now: datetime) -> bool:
    """Write one condition; `since` moves only when status or reason changed. True if it did."""
    row = Condition.objects.filter(target=target, type=statement.type).first()
    changed = row is None or row.status != statement.status or row.reason != statement.reason
    Condition.objects.update_or_create(
        target=target,
        type=statement.type,
        defaults={
            "status": statement.status,
            "reason": statement.reason,
            "message": statement.message,
            "details": dict(statement.details),
            "seen_at": now,
            **({"since": now} if changed else {}),
        },
    )
    return changed
