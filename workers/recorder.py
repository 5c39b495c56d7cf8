"""Run and step rows of one pass, written under the lease as they happen, so that a page can follow.

A pass that finds nothing to do leaves no run: the run is opened when there is something to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenants import log_context
from tenants.actions.exchanges import want_lookups
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
    """What it hears is kept until the next step starts or somebody is told to wait: one short transaction
    then writes it all, instead of one for each word."""

    def __init__(
        self,
        lease: Lease,
        target: SyncTarget,
        run: Run | None,
        *,
        in_time: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._lease = lease
        self._in_time = in_time
        self._target = target
        self.run = run
        self._memory: dict[str, dict[str, Any]] = {name: {"title": title} for name, title in STEPS.items()}
        self._unwritten: dict[str, dict[str, Any]] = {}
        self._unwritten_run: dict[str, Any] = {}
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
            else:
                run.steps.all().delete()
            run.state = Run.State.RUNNING
            run.generation = generation
            if mode == Run.Mode.APPLY and self._target.generation > self._target.observed_generation:
                run.asked_at = run.asked_at or self._target.marked_at
            run.title = title[:200]
            run.attempts += 1
            run.fence = self._lease.fence
            run.started_at = now
            run.finished_at = None
            run.save()
            Step.objects.bulk_create(
                Step(run=run, index=index, name=name, **self._memory[name])
                for index, name in enumerate(STEPS)
            )
        self._unwritten = {}
        self.run = run
        log_context.add(run=run.pk)
        return run

    @contextmanager
    def step(self, name: str, *, at_once: bool = True) -> Iterator[None]:
        """Mark a step running, then done; a failure marks it failed and goes on.

        Written at once, unless the step is over in no time or notes at once what it does; that also renews
        the lease: raises LeaseLost.
        """
        self.begin(name)
        if at_once:
            self.flush()
        try:
            with self._in_time():
                yield
        except Exception as error:
            # Our own sentences are for people; of anything else only the kind is shown.
            sentence = getattr(error, "sentence", "") or f"An error in Rookery: {type(error).__name__}."
            self._update(name, state=Step.State.FAILED, finished_at=timezone.now(), detail=sentence[:2000])
            raise
        self._update(name, state=Step.State.DONE, finished_at=timezone.now())

    def begin(self, name: str) -> None:
        """Mark a step running with whatever is written next."""
        self._current = name
        self._update(name, state=Step.State.RUNNING, started_at=timezone.now())

    def tell(self, title: str = "", detail: str = "") -> None:
        """Say what the current step found."""
        changes = {"title": title[:200]} if title else {}
        if detail:
            changes["detail"] = detail[:2000]
        self._update(self._current, **changes)

    def note(self, line: str) -> None:
        """Add a line to the current step's log, at once: what comes next may take its time."""
        if not self._current:
            return
        log = (self._memory[self._current].get("log", "") + line.rstrip("\n") + "\n")[-LOG_LIMIT:]
        self._update(self._current, log=log)
        self.flush()

    def skip(self, *names: str) -> None:
        for name in names:
            self._update(name, state=Step.State.SKIPPED)

    def _update(self, name: str, **changes: Any) -> None:
        self._memory[name].update(changes)
        if self.run is not None and changes:
            self._unwritten.setdefault(name, {}).update(changes)

    def flush(self) -> None:
        """Write what is unwritten, and renew the lease; raises LeaseLost."""
        if self._unwritten or self._unwritten_run:
            with self._lease.write():
                self.write()
        else:
            self._lease.renew()

    def write(self) -> None:
        """Write what is unwritten; the caller holds the transaction."""
        for name, changes in self._unwritten.items():
            Step.objects.filter(run=self.run, name=name).update(**changes)
        if self._unwritten_run and self.run is not None:
            Run.objects.filter(pk=self.run.pk).update(**self._unwritten_run)
        self._unwritten, self._unwritten_run = {}, {}

    def change_run(self, **changes: Any) -> None:
        """Change the run's row, if there is one, with whatever is written next."""
        if self.run is not None:
            self._unwritten_run.update(changes)

    def update_run(self, **changes: Any) -> None:
        """Change the run's row, if there is one, now."""
        self.change_run(**changes)
        self.flush()

    def evidence(self, facts: Mapping[str, str], now: datetime) -> None:
        """Replace the run's evidence; the caller holds the transaction."""
        if self.run is None:
            return
        if self.run.attempts > 1:
            Evidence.objects.filter(run=self.run).delete()
        Evidence.objects.bulk_create(
            Evidence(run=self.run, name=name, value=value[:300], seen_at=now) for name, value in facts.items()
        )


def close_left_steps(target: SyncTarget, now: datetime) -> None:
    """A worker died in the middle of them. Those of a run that goes on are written anew anyway."""
    Step.objects.filter(run__target=target, state=Step.State.RUNNING).update(
        state=Step.State.FAILED, finished_at=now, detail="The worker stopped here; another one went on."
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
    want_lookups({host for row in new for host in row.hosts.split()}, target.organization)


def state_conditions(target: SyncTarget, statements: Iterable[Statement], now: datetime) -> None:
    """Write conditions; `since` moves only when status or reason changed. Within the caller's transaction."""
    known = {row.type: row for row in Condition.objects.filter(target=target)}
    seen: list[int] = []
    for statement in statements:
        row = known.get(statement.type) or Condition(target=target, type=statement.type)
        said = (row.status, row.reason, row.message, row.details)
        told = (statement.status, statement.reason, statement.message, dict(statement.details))
        if row.pk and said == told:
            seen.append(row.pk)
            continue
        if not row.pk or said[:2] != told[:2]:
            row.since = now
        row.status, row.reason, row.message, row.details = told
        row.seen_at = now
        row.save()
    Condition.objects.filter(pk__in=seen).update(seen_at=now)
