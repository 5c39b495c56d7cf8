"""No run is left behind: neither by a worker that died, nor by a check that nobody had asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tenants.actions import sync
from tenants.actor import Actor
from tenants.models import Run, Step, SyncTarget
from tests.workers.test_controller import Killed, Shelf, controller, expire_lease, fresh, shelf, target
from workers import sweeper
from workers.controller import Ending
from workers.outcome import NeedsPerson, Retry

__all__ = ["shelf", "target"]
pytestmark = pytest.mark.django_db(transaction=True)


class TooLong(Exception):
    """What the task queue raises when a task takes too long."""


def die(shelf: Shelf, target: SyncTarget, phase: str) -> None:
    """A worker is killed in `phase`, and later its lease is over."""
    shelf.fail_at[phase] = Killed()
    with pytest.raises(Killed):
        controller(shelf).reconcile(target.pk)
    # A killed process gives nothing back: bring back the lease that `finally` gave up here.
    SyncTarget.objects.filter(pk=target.pk).update(
        lease_owner="dead", lease_until=Now() + timedelta(seconds=60)
    )
    expire_lease(target)


def open_runs(target: SyncTarget) -> list[str]:
    return [run.state for run in target.runs.filter(state__in=Run.UNFINISHED)]


@pytest.mark.parametrize(
    "setback",
    [
        Retry("unreachable", "It did not answer."),
        Retry("lost-race", "Somebody was faster."),
        NeedsPerson("key-refused", "No.", "Authorize the key."),
    ],
)
@pytest.mark.parametrize("looked", [False, True])
def test_a_check_that_failed_ends_well_when_the_next_one_does(
    target: SyncTarget, shelf: Shelf, setback: Exception, looked: bool
) -> None:
    controller(shelf).reconcile(target.pk)
    shelf.fail_at["observe"] = setback
    controller(shelf).reconcile(target.pk)
    assert len(open_runs(target)) == 1
    if looked:
        sync.check_now(actor=Actor.rookery(), target=fresh(target))
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert open_runs(target) == []
    last = target.runs.latest("pk")
    assert (last.state, last.attempts, last.advice) == (Run.State.SUCCEEDED, 2, "")
    assert {step.state for step in last.steps.all()} <= {Step.State.DONE, Step.State.SKIPPED}
    assert target.runs.count() == 2
    controller(shelf).reconcile(target.pk)
    assert target.runs.count() == 2


@pytest.mark.parametrize("phase", ["apply", "applied", "verify"])
def test_a_worker_that_died_in_a_check_leaves_no_open_run(
    target: SyncTarget, shelf: Shelf, phase: str
) -> None:
    controller(shelf).reconcile(target.pk)
    shelf.outside = {"a": "changed by somebody"}
    die(shelf, target, phase)
    assert open_runs(target) == [Run.State.RUNNING]
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert shelf.outside == {"a": "1"}
    assert open_runs(target) == []
    assert target.runs.count() == 2


def test_a_worker_that_died_after_the_proof_leaves_no_step_that_seems_to_run(
    target: SyncTarget, shelf: Shelf
) -> None:
    die(shelf, target, "settle")
    run = target.runs.get()
    assert run.state == Run.State.SUCCEEDED
    assert run.steps.get(name="settle").state == Step.State.RUNNING
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    settle = run.steps.get(name="settle")
    assert settle.state == Step.State.FAILED
    assert settle.finished_at
    assert "stopped here" in settle.detail


@pytest.mark.parametrize("phase", ["observe", "plan"])
def test_a_preview_outlives_its_worker(target: SyncTarget, shelf: Shelf, phase: str) -> None:
    controller(shelf).reconcile(target.pk)
    run = sync.request_preview(actor=Actor.rookery(), target=fresh(target))
    die(shelf, target, phase)
    assert sweeper.wants_another_pass(target.pk)
    assert controller(shelf).reconcile(target.pk) is Ending.PREVIEWED
    run.refresh_from_db()
    assert (run.state, run.attempts) == (Run.State.SUCCEEDED, 2)
    assert not sweeper.wants_another_pass(target.pk)


def test_a_pass_that_takes_too_long_is_no_bug(target: SyncTarget, shelf: Shelf) -> None:
    """A host that trickles is a slow one; it is tried again with the usual pauses."""
    shelf.fail_at["observe"] = TooLong()
    control = controller(shelf, out_of_time=(TooLong,))
    assert control.reconcile(target.pk) is Ending.RETRY
    run = fresh(target).runs.get()
    assert (run.state, run.outcome) == (Run.State.WAITING, "too-slow")
    assert target.failures == 1
    assert control.reconcile(target.pk) is Ending.AGREED
    sync.request_preview(actor=Actor.rookery(), target=fresh(target))
    shelf.fail_at["plan"] = TooLong()
    assert control.reconcile(target.pk) is Ending.PREVIEWED
    assert target.runs.latest("pk").outcome == "too-slow"


def test_a_free_lease_is_not_taken_over(target: SyncTarget, shelf: Shelf) -> None:
    """Looking for what a dead worker left costs queries that a usual pass does not pay."""
    from workers.lease import Lease

    first, _ = Lease.acquire(target.pk, "first") or (None, None)
    assert first is not None
    assert not first.took_over
    first.release()
    Lease.acquire(target.pk, "second")
    expire_lease(target)
    third, row = Lease.acquire(target.pk, "third") or (None, None)
    assert third is not None
    assert third.took_over
    assert row is not None
    assert row.fence == third.fence == 3
