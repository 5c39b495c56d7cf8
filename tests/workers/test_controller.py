"""The controller on a target whose outside is a dictionary: every ending, and every place to die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from tenants import outbox
from tenants.actions import repositories, sync
from tenants.actor import Actor
from tenants.models import Condition, Domain, Run, SyncTarget
from workers import sweeper
from workers.controller import Controller, Ending
from workers.lease import Lease, LeaseLost
from workers.outcome import Backoff, NeedsPerson, Retry
from workers.plan import Action, Change, Limits, Plan
from workers.targets.base import Findings, Pass, Proof, Statement

pytestmark = pytest.mark.django_db(transaction=True)


def _both(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    return old, new


class Killed(BaseException):
    """The process is gone: nothing after this line runs, not even error handling."""


@dataclass
class Shelf:
    """A target kind: `inside` should be what `outside` is. `die_at` and `fail_at` name a phase."""

    inside: dict[str, str] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    fail_at: dict[str, Exception | BaseException] = field(default_factory=dict)
    writes: int = 0
    before: Any = None

    def _phase(self, name: str) -> None:
        if self.before:
            self.before(name)
        error = self.fail_at.pop(name, None)
        if error is not None:
            raise error

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        return "Fill the shelf"

    def observe(self, current: Pass) -> dict[str, str]:
        self._phase("observe")
        return dict(self.outside)

    def describe(self, observed: dict[str, str]) -> str:
        return f"{len(observed)} books"

    def plan(self, current: Pass, observed: dict[str, str]) -> Plan:
        self._phase("plan")
        changes = []
        for unit in sorted({*self.inside, *observed}):
            old, new = observed.get(unit), self.inside.get(unit)
            if old == new:
                continue
            action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
            change = Change(action, unit, old or "", new or "", texts=partial(_both, old, new))
            changes.append(change)
        return Plan(tuple(changes), units_observed=len(observed))

    def unchanged(self, current: Pass, observed: dict[str, str], plan: Plan) -> Proof:
        return Proof({"books": len(observed)}, {"Books": str(len(observed))}, "as it should be")

    def apply(self, current: Pass, observed: dict[str, str], plan: Plan) -> None:
        self._phase("apply")
        self.writes += 1
        self.outside = dict(self.inside)
        self._phase("applied")

    def verify(self, current: Pass, observed: dict[str, str], plan: Plan, applied: None) -> Proof:
        self._phase("verify")
        return Proof({"books": len(self.outside)}, {"Books": str(len(self.outside))}, "read back")

    def maintain(self, current: Pass) -> Statement | None:
        return None

    def adopt(self, current: Pass, observed: Any) -> str:
        return ""

    def findings(self, current: Pass, observed: Any, plan: Plan) -> Findings:
        return Findings()

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return []

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        self._phase("settle")
        return None


@pytest.fixture
def target(domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=Actor.rookery(), domain=domain, host="127.0.0.9", path="relay.git"
    )
    return repository.sync_target


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(inside={"a": "1"})


def controller(shelf: Shelf, **extra: Any) -> Controller:
    return Controller(kinds={"relay_repository": shelf}, **extra)


def fresh(target: SyncTarget) -> SyncTarget:
    target.refresh_from_db()
    return target


def expire_lease(target: SyncTarget) -> None:
    """A worker died and its lease ran out."""
    SyncTarget.objects.filter(pk=target.pk).update(lease_until=Now() - timedelta(seconds=1))


def test_a_pass_makes_the_outside_agree_and_records_the_proof(target: SyncTarget, shelf: Shelf) -> None:
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert shelf.outside == {"a": "1"}
    row = fresh(target)
    assert row.observed_generation == row.generation == 1
    assert row.proof == {"books": 1}
    assert row.lease_owner == ""
    run = row.runs.get()
    assert run.state == Run.State.SUCCEEDED
    assert [step.state for step in run.steps.all()] == ["done"] * 6
    assert run.evidence.get().value == "1"
    assert row.conditions.get(type=Condition.Type.SYNCED).status


def test_applying_twice_is_once_and_a_quiet_check_leaves_no_run(target: SyncTarget, shelf: Shelf) -> None:
    control = controller(shelf)
    control.reconcile(target.pk)
    outbox_runs = Run.objects.count()
    assert control.reconcile(target.pk) is Ending.AGREED
    assert shelf.writes == 1
    assert Run.objects.count() == outbox_runs


def test_a_thousand_marks_are_one_pass(target: SyncTarget, shelf: Shelf) -> None:
    from django.db import transaction

    control = controller(shelf)
    control.reconcile(target.pk)
    with transaction.atomic():
        for _ in range(1000):
            outbox.mark([target])
    shelf.inside["b"] = "2"
    assert control.reconcile(target.pk) is Ending.AGREED
    assert shelf.writes == 2
    assert fresh(target).observed_generation == 1001


@pytest.mark.parametrize("phase", ["observe", "plan", "apply", "applied", "verify", "settle"])
def test_killed_at_any_step_and_run_again_converges(target: SyncTarget, shelf: Shelf, phase: str) -> None:
    shelf.fail_at[phase] = Killed()
    with pytest.raises(Killed):
        controller(shelf).reconcile(target.pk)
    # A killed process releases nothing: bring back the lease that `finally` gave up here.
    SyncTarget.objects.filter(pk=target.pk).update(
        lease_owner="dead", lease_until=Now() + timedelta(seconds=60)
    )
    assert controller(shelf).reconcile(target.pk) is Ending.BUSY
    expire_lease(target)
    assert sweeper.wants_another_pass(target.pk) or phase == "settle"
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert shelf.outside == {"a": "1"}
    assert fresh(target).observed_generation == 1
    assert not Run.objects.filter(state=Run.State.RUNNING).exists()


def test_a_change_during_the_pass_is_not_taken_for_observed(target: SyncTarget, shelf: Shelf) -> None:
    from django.db import transaction

    def somebody_edits(phase: str) -> None:
        if phase == "verify":
            shelf.before = None
            with transaction.atomic():
                outbox.mark([SyncTarget.objects.get(pk=target.pk)])

    shelf.before = somebody_edits
    controller(shelf).reconcile(target.pk)
    row = fresh(target)
    assert (row.observed_generation, row.generation) == (1, 2)
    assert sweeper.wants_another_pass(target.pk)


def test_a_worker_that_slept_records_nothing_over_its_successor(target: SyncTarget, shelf: Shelf) -> None:
    def overtaken(phase: str) -> None:
        if phase == "applied":
            shelf.before = None
            expire_lease(target)
            assert controller(shelf).reconcile(target.pk) is Ending.AGREED

    shelf.before = overtaken
    assert controller(shelf).reconcile(target.pk) is Ending.LOST
    assert fresh(target).observed_generation == 1
    assert target.runs.get().state == Run.State.SUCCEEDED


def test_a_stale_fence_cannot_write(target: SyncTarget) -> None:
    first, _ = Lease.acquire(target.pk, "first") or (None, None)
    assert first is not None
    assert Lease.acquire(target.pk, "second") is None
    expire_lease(target)
    assert Lease.acquire(target.pk, "second") is not None
    with pytest.raises(LeaseLost), first.write():
        SyncTarget.objects.filter(pk=target.pk).update(stop_code="written by a ghost")
    with pytest.raises(LeaseLost):
        first.renew()
    first.release()
    assert fresh(target).lease_owner == "second"
    assert target.stop_code == ""


def test_retry_backs_off_and_goes_on_in_the_same_run(target: SyncTarget, shelf: Shelf) -> None:
    shelf.fail_at["observe"] = Retry("unreachable", "It did not answer.")
    assert controller(shelf).reconcile(target.pk) is Ending.RETRY
    row = fresh(target)
    assert row.failures == 1
    assert row.next_try_at > timezone.now()
    assert not sweeper.wants_another_pass(target.pk)
    run = row.runs.get()
    assert run.state == Run.State.WAITING
    assert "did not answer" in run.advice
    assert not row.conditions.get(type=Condition.Type.REACHABLE).status
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert row.runs.get().attempts == 2
    assert fresh(target).failures == 0
    assert row.conditions.get(type=Condition.Type.REACHABLE).status


def test_backoff_grows_and_is_capped() -> None:
    backoff = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=10))
    for failures in range(1, 60):
        step = min(600.0, 2.0 * 2 ** (failures - 1))
        assert step / 2 <= backoff.delay(failures).total_seconds() <= step


def test_a_person_is_asked_and_an_edit_or_a_look_tries_again(target: SyncTarget, shelf: Shelf) -> None:
    from django.db import transaction

    shelf.fail_at["observe"] = NeedsPerson("key-refused", "No.", "Authorize the key.")
    assert controller(shelf).reconcile(target.pk) is Ending.STOPPED
    row = fresh(target)
    assert row.stop_code == "key-refused"
    assert not sweeper.wants_another_pass(target.pk)
    assert row.runs.get().advice == "No. Authorize the key."
    with transaction.atomic():
        sync.check_now(actor=Actor.rookery(), target=row)
    assert sweeper.wants_another_pass(target.pk)
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert fresh(target).stop_code == ""


def test_a_bug_is_recorded_and_retried_slowly(
    target: SyncTarget, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.fail_at["plan"] = ZeroDivisionError("secret detail")
    assert controller(shelf).reconcile(target.pk) is Ending.BUG
    run = fresh(target).runs.get()
    assert run.state == Run.State.FAILED
    assert "ZeroDivisionError" in run.advice
    assert "secret detail" not in run.advice
    assert target.next_try_at > timezone.now() + timedelta(minutes=5)
    assert "a bug" in caplog.text


def test_the_guard_asks_and_takes_agreement_to_exactly_this_plan(target: SyncTarget, shelf: Shelf) -> None:
    shelf.outside = {str(number): "x" for number in range(10)}
    shelf.inside = {}
    assert controller(shelf).reconcile(target.pk) is Ending.STOPPED
    assert shelf.writes == 0
    run = fresh(target).runs.get()
    assert run.outcome == "plan-needs-agreement"
    sync.approve_plan(actor=Actor.rookery(), run=run, checksum=run.agree_to)
    # The outside changes meanwhile: the agreement was to another plan.
    shelf.outside["11"] = "x"
    assert controller(shelf).reconcile(target.pk) is Ending.STOPPED
    run.refresh_from_db()
    sync.approve_plan(actor=Actor.rookery(), run=run, checksum=run.agree_to)
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert shelf.outside == {}
    assert fresh(target).agreed_to == []


def test_a_preview_plans_and_writes_nothing(target: SyncTarget, shelf: Shelf) -> None:
    control = controller(shelf)
    control.reconcile(target.pk)
    shelf.inside["b"] = "2"
    run = sync.request_preview(actor=Actor.rookery(), target=fresh(target))
    assert sweeper.wants_another_pass(target.pk)
    assert control.reconcile(target.pk) is Ending.PREVIEWED
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED
    assert run.plan["counts"]["create"] == 1
    assert shelf.writes == 1


def test_fairness_one_organization_cannot_starve_another(
    target: SyncTarget, alice: Actor, charlie: Actor, organization: Any
) -> None:
    from tenants.actions import domains
    from tenants.models import Organization

    for number in range(5):
        more = domains.create_domain(actor=alice, organization=organization, name=f"n{number}.example")
        repositories.connect_repository(actor=alice, domain=more, host="127.0.0.9", path=f"n{number}.git")
    other = Organization.objects.get(name="Difference Works")
    theirs = domains.create_domain(actor=charlie, organization=other, name="late.example")
    late = repositories.connect_repository(actor=charlie, domain=theirs, host="127.0.0.9", path="late.git")
    order = list(sweeper.due_targets().values_list("pk", flat=True))
    assert len(order) == 7
    assert late.sync_target.pk in order[:2]
