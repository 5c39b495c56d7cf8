"""The controller: lease → observe → plan → guard → apply → verify → record, for any kind of target.

Level-triggered: a pass never replays what changed, it compares what should be with what is. So a lost
message, a crash or somebody's manual edit costs a delay and never correctness.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from tenants import log_context
from tenants.actions.webhook_outbox import owe_observed
from tenants.models import Condition, Run, SyncTarget
from workers.lease import Lease, LeaseLost, new_owner
from workers.outcome import Backoff, NeedsPerson, Retry
from workers.plan import Plan
from workers.recorder import Recorder, close_left_steps, record_findings, state_conditions
from workers.targets.base import Findings, Pass, Proof, Statement, TargetKind

log = logging.getLogger(__name__)


class Ending(StrEnum):
    BUSY = "another worker has it"
    LOST = "the lease was lost"
    AGREED = "the outside agrees"
    PREVIEWED = "previewed"
    RETRY = "will try again"
    STOPPED = "needs a person"
    BUG = "a bug"


@dataclass(frozen=True)
class Controller:
    """Runs passes. The clock is injected; kinds are looked up by the target's kind.

    `out_of_time` is what the caller raises in the middle of a pass that takes too long.
    """

    kinds: Mapping[str, TargetKind]
    clock: Callable[[], datetime] = timezone.now
    backoff: Backoff = field(default_factory=Backoff)
    check_every: timedelta = field(default_factory=lambda: timedelta(seconds=settings.CHECK_SECONDS))
    owner: str = field(default_factory=new_owner)
    out_of_time: tuple[type[Exception], ...] = ()

    def reconcile(self, target_id: int) -> Ending:
        """One pass over one target, previews first. Raises only for bugs, after they were recorded."""
        with log_context.working_for(target=target_id):
            return self._reconcile(target_id)

    def _reconcile(self, target_id: int) -> Ending:
        taken = Lease.acquire(target_id, self.owner)
        if taken is None:
            return Ending.BUSY
        lease, target = taken
        try:
            if lease.took_over:
                close_left_steps(target, self.clock())
            # Under our lease, one that seems to run was left by a worker that died.
            waiting = (Run.State.QUEUED, Run.State.RUNNING)
            preview = target.runs.filter(mode=Run.Mode.PREVIEW, state__in=waiting).first()
            if preview is not None:
                self._preview(lease, target, preview)
                if not is_due(target, self.clock()):
                    return Ending.PREVIEWED
            return _OnePass(self, lease, target).run()
        except LeaseLost:
            log.warning("target %s: another worker took over", target_id)
            return Ending.LOST
        finally:
            lease.release()

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Too slow is a reason to try again, and no bug."""
        try:
            yield
        except self.out_of_time as error:
            raise Retry("too-slow", "It took too long, so this try was ended.") from error

    def _preview(self, lease: Lease, target: SyncTarget, run: Run) -> None:
        kind = self.kinds[target.kind]
        recorder = Recorder(lease, target, run, in_time=self.in_time)
        recorder.open(run.title, target.generation, Run.Mode.PREVIEW)
        recorder.skip("guard", "apply", "verify", "settle")
        current = _pass(self, lease, target, recorder)
        finished: dict[str, Any] = {"state": Run.State.SUCCEEDED, "outcome": "previewed"}
        try:
            with recorder.step("observe"):
                observed = kind.observe(current)
                recorder.tell(detail=kind.describe(observed))
            with recorder.step("plan"):
                plan = kind.plan(current, observed)
                recorder.tell(detail=_plan_sentence(plan))
            finished |= {"plan": plan.as_dict(), "plan_checksum": plan.checksum}
        except (Retry, NeedsPerson) as setback:
            advice = setback.advice if isinstance(setback, NeedsPerson) else "Ask for another preview later."
            finished = {
                "state": Run.State.FAILED,
                "outcome": setback.code,
                "advice": f"{setback.sentence} {advice}",
            }
        except LeaseLost:
            raise
        except Exception:
            recorder.update_run(state=Run.State.FAILED, outcome="bug", finished_at=self.clock())
            raise
        recorder.update_run(**finished, finished_at=self.clock())


def is_due(target: SyncTarget, now: datetime) -> bool:
    """Does this target want a pass now, by what its row said when it was read?"""
    if target.next_try_at > now:
        return False
    asked = target.generation > target.observed_generation and (
        not target.stop_code or target.generation > target.stop_generation
    )
    return asked or target.next_check_at <= now


def _pass(controller: Controller, lease: Lease, target: SyncTarget, recorder: Recorder) -> Pass:
    return Pass(
        target=target,
        run_id=recorder.run.pk if recorder.run else None,
        now=controller.clock(),
        note=recorder.note,
        tell=lambda sentence: recorder.tell(detail=sentence),
        renew=recorder.flush,
        write=lease.write,
    )


def _plan_sentence(plan: Plan) -> str:
    left = f"; {len(plan.apart)} left alone" if plan.apart else ""
    return f"{plan.summary().capitalize()}{left}."


class _OnePass:
    """The state of one pass; lives as long as the lease."""

    def __init__(self, controller: Controller, lease: Lease, target: SyncTarget) -> None:
        self.controller = controller
        self.lease = lease
        self.target = target
        self.kind = controller.kinds[target.kind]
        self.recorder = Recorder(lease, target, None, in_time=controller.in_time)
        # Read before any row of desired state: what is proved at the end is at least this generation.
        self.generation = target.generation
        self.was_asked = self.generation > target.observed_generation

    def run(self) -> Ending:
        try:
            with self.controller.in_time():
                if self.was_asked or self.lease.run_is_open:
                    self.recorder.open(self.kind.title(self.target, None), self.generation)
                self._reach_agreement()
        except Retry as setback:
            return self._try_again(setback)
        except NeedsPerson as setback:
            return self._stop(setback)
        except LeaseLost:
            raise
        except Exception as error:
            log.exception("target %s: a bug", self.target.pk)
            self._give_up(error)
            return Ending.BUG
        return Ending.AGREED

    def _reach_agreement(self) -> None:
        recorder, kind = self.recorder, self.kind
        with recorder.step("observe", at_once=False):  # the kind says at once what it looks at
            observed = kind.observe(self._current())
            recorder.tell(detail=kind.describe(observed))
        with recorder.step("plan", at_once=False):
            taken = kind.adopt(self._current(), observed)
            plan = kind.plan(self._current(), observed)
            recorder.tell(detail=f"{taken} {_plan_sentence(plan)}".strip())
        findings = kind.findings(self._current(), observed, plan)
        statements = kind.statements(self._current(), plan, findings)
        is_open = self.recorder.run is not None
        if is_open or not plan.is_empty or self._says_something_new(statements):
            self._open_run(plan)
        if plan.is_empty:
            recorder.skip("guard", "apply", "verify")
            proof = kind.unchanged(self._current(), observed, plan)
        else:
            with recorder.step("guard", at_once=False):
                self._guard(plan, findings)
            with recorder.step("apply"):
                applied = kind.apply(self._current(), observed, plan)
            with recorder.step("verify"):
                proof = kind.verify(self._current(), observed, plan, applied)
                recorder.tell(detail=proof.sentence)
        self._record_agreement(proof, statements, findings)
        self._settle(proof)

    def _current(self) -> Pass:
        return _pass(self.controller, self.lease, self.target, self.recorder)

    def _open_run(self, plan: Plan) -> None:
        """There is something to tell: open the run unless it is, with its plan."""
        wanted_nothing = self.was_asked and plan.is_empty
        title = self.kind.title(self.target, None if wanted_nothing else plan)
        if self.recorder.run is None:
            self.recorder.open(title, self.generation)
        self.recorder.change_run(title=title[:200], plan=plan.as_dict(), plan_checksum=plan.checksum)

    def _says_something_new(self, statements: Any) -> bool:
        known = {row.type: (row.status, row.reason, row.details) for row in self.target.conditions.all()}
        return any(
            known.get(each.type, (False, each.reason, dict(each.details)))
            != (each.status, each.reason, dict(each.details))
            for each in statements
        )

    def _guard(self, plan: Plan, findings: Findings) -> None:
        if self.target.held_since is not None:
            self._hold(plan, findings)
        objections = self.kind.limits.objections(plan)
        if not objections:
            self.recorder.tell(detail="Below every limit; nobody has to agree.")
        elif plan.checksum in self.target.agreed_to:
            self.recorder.tell(detail="A person agreed to exactly this plan.")
        else:
            raise NeedsPerson(
                "plan-needs-agreement",
                " ".join(objections),
                "Read what would change. If you want that, agree to this plan; nothing was written yet.",
                agree_to=plan.checksum,
            )

    def _hold(self, plan: Plan, findings: Findings) -> None:
        """It came out of a backup: people see what would be written, and what is otherwise, and decide."""
        with self.lease.write():
            record_findings(self.target, findings, self.controller.clock())
        count = len(plan.changes)
        raise NeedsPerson(
            "held-after-restore",
            f"This came out of a backup, and {count} change{'s' if count != 1 else ''} would be written.",
            "Compare the plan with what is there. Nothing is written before an operator lets it go.",
        )

    def _record_agreement(self, proof: Proof, statements: Any, findings: Findings) -> None:
        now = self.controller.clock()
        agreed: dict[str, Any] = {
            "observed_generation": self.generation,
            "observed_at": now,
            "checked_at": now,
            "next_check_at": now + self.controller.check_every,
            "next_try_at": now,
            "failures": 0,
            "stop_code": "",
            "stop_generation": 0,
            "agreed_to": [],
            "proof": dict(proof.stored),
        }
        with self.lease.write():
            state_conditions(self.target, (*_AGREED, *statements), now)
            self.recorder.change_run(
                state=Run.State.SUCCEEDED, outcome="observed", advice="", agree_to="", finished_at=now
            )
            self.recorder.begin("settle")
            self.recorder.write()
            self.recorder.evidence(proof.evidence, now)
            record_findings(self.target, findings, now)
            SyncTarget.objects.filter(pk=self.target.pk).update(**agreed)
            if self.was_asked:
                owe_observed(
                    self.target,
                    before=self.target.observed_generation,
                    generation=self.generation,
                    facts=proof.stored,
                )
        # What settle() reads must be what was just written.
        for name, value in agreed.items():
            setattr(self.target, name, value)

    def _settle(self, proof: Proof) -> None:
        """A reload that fails keeps the proof: the change is outside, and the condition says what waits."""
        if self.target.held_since is not None:
            # Whatever this would restart or tidy up runs as it should, for all that this database knows.
            self.recorder.skip("settle")
            with self.lease.write():
                self.recorder.write()
            return
        try:
            with self.recorder.step("settle", at_once=False):  # it began with the proof
                statement = self.kind.settle(self._current(), proof.stored)
                if statement is None:
                    self.recorder.skip("settle")
                else:
                    self.recorder.tell(detail=statement.message)
        except Retry as setback:
            log.info("target %s: not taken up yet: %s", self.target.pk, setback.code)
            statement = Statement(
                Condition.Type.RELOAD_PENDING,
                True,
                setback.code,
                setback.sentence,
                {"proof": dict(proof.stored)},
            )
            now = self.controller.clock()
            with self.lease.write():
                SyncTarget.objects.filter(pk=self.target.pk).update(
                    next_check_at=now + self.controller.backoff.delay(3)
                )
        found = [each for each in (statement, self._maintain()) if each is not None]
        with self.lease.write():
            self.recorder.write()
            if found:
                state_conditions(self.target, found, self.controller.clock())

    def _maintain(self) -> Statement | None:
        try:
            return self.kind.maintain(self._current())
        except Retry as setback:
            log.info("target %s: not tidied up: %s", self.target.pk, setback.code)
        except NeedsPerson as setback:
            log.warning("target %s: not tidied up: %s", self.target.pk, setback.code)
        return None

    def _try_again(self, setback: Retry) -> Ending:
        now = self.controller.clock()
        failures = self.target.failures + 1
        delay = setback.delay if setback.delay is not None else self.controller.backoff.delay(failures)
        self._open_for_failure()
        with self.lease.write():
            if setback.code not in _STILL_REACHABLE:
                state_conditions(
                    self.target,
                    [Statement(Condition.Type.REACHABLE, False, setback.code, setback.sentence)],
                    now,
                )
            self.recorder.change_run(
                state=Run.State.WAITING,
                outcome=setback.code,
                advice=f"{setback.sentence} Rookery tries again by itself.",
            )
            self.recorder.write()
            SyncTarget.objects.filter(pk=self.target.pk).update(
                failures=failures, next_try_at=now + delay, next_check_at=now + delay
            )
        return Ending.RETRY

    def _stop(self, setback: NeedsPerson) -> Ending:
        now = self.controller.clock()
        self._open_for_failure()
        with self.lease.write():
            sentence = f"{setback.sentence} {setback.advice}"
            statement = Statement(Condition.Type.SYNCED, False, setback.code, sentence, setback.details)
            state_conditions(self.target, [statement], now)
            self.recorder.change_run(
                state=Run.State.STOPPED,
                outcome=setback.code,
                advice=sentence,
                agree_to=setback.agree_to,
                finished_at=now,
            )
            self.recorder.write()
            SyncTarget.objects.filter(pk=self.target.pk).update(
                stop_code=setback.code,
                stop_generation=self.generation,
                failures=0,
                checked_at=now,
                next_try_at=now,
                next_check_at=now + self.controller.check_every,
            )
        return Ending.STOPPED

    def _give_up(self, error: Exception) -> None:
        """A bug is loud and slow: recorded, logged, and tried again after the longest delay only."""
        now = self.controller.clock()
        self._open_for_failure()
        with self.lease.write():
            sentence = f"Rookery itself failed ({type(error).__name__}). This is a bug; please report it."
            state_conditions(self.target, [Statement(Condition.Type.SYNCED, False, "bug", sentence)], now)
            self.recorder.change_run(state=Run.State.FAILED, outcome="bug", advice=sentence, finished_at=now)
            self.recorder.write()
            SyncTarget.objects.filter(pk=self.target.pk).update(
                failures=self.target.failures + 1,
                next_try_at=now + self.controller.backoff.longest,
                next_check_at=now + self.controller.backoff.longest,
            )

    def _open_for_failure(self) -> None:
        if self.recorder.run is None:
            self.recorder.open(self.kind.title(self.target, None), self.generation)


ANSWERED = Statement(Condition.Type.REACHABLE, True, "answered", "It answered.")
_STILL_REACHABLE = frozenset({"lost-race", "copy-damaged", "on-its-way"})
_AGREED = (
    Statement(Condition.Type.SYNCED, True, "observed", "The outside was compared and agrees."),
    ANSWERED,
)
