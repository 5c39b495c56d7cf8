"""Workers at the same moment on one target: one works, one records, whoever came late writes nothing."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from tenants import outbox
from tenants.actions import repositories, sync
from tenants.actions.locking import lock
from tenants.actor import Actor
from tenants.models import Domain, OutgoingMail, Run, SyncTarget
from tenants.secrets import Purpose, seal
from tests.tenants.test_at_once import at_once
from tests.workers.test_controller import Shelf, controller, expire_lease, fresh
from workers.controller import Ending
from workers.errands import post
from workers.lease import Lease, LeaseLost

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10


@pytest.fixture
def target(domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=Actor.rookery(), domain=domain, host="127.0.0.9", path="relay.git"
    )
    return repository.sync_target


def test_of_many_workers_one_gets_the_lease(target: SyncTarget) -> None:
    for number in range(ROUNDS):
        found = at_once(*(partial(Lease.acquire, target.pk, f"worker {each}") for each in range(4)))
        taken = [each for each in found if each is not None]
        assert len(taken) == 1, found
        lease, row = taken[0]
        assert lease.fence == row.fence == fresh(target).fence == number + 1
        assert target.lease_owner == lease.owner
        lease.release()


def test_two_workers_on_one_target_are_one_pass(target: SyncTarget) -> None:
    for number in range(ROUNDS):
        shelf = Shelf(inside={"book": str(number)}, outside={"book": "old"})
        SyncTarget.objects.filter(pk=target.pk).update(generation=number + 2)
        both = at_once(*(partial(controller(shelf).reconcile, target.pk) for _ in range(2)))
        # The second either met the first, or came after it and found nothing to do.
        assert set(both) <= {Ending.AGREED, Ending.BUSY}, both
        assert Ending.AGREED in both
        assert shelf.writes == 1
        assert fresh(target).observed_generation == number + 2
        assert target.lease_owner == ""
    assert Run.objects.filter(target=target).count() == ROUNDS
    assert not Run.objects.exclude(state=Run.State.SUCCEEDED).exists()


def test_a_worker_that_slept_in_another_thread_cannot_record(target: SyncTarget) -> None:
    asleep, wake = threading.Event(), threading.Event()

    def sleep(phase: str) -> None:
        if phase == "verify":
            late.before = None
            asleep.set()
            assert wake.wait(20)

    late, quick = Shelf(inside={"a": "late"}), Shelf(inside={"a": "late"}, outside={"a": "late"})
    late.before = sleep

    def successor() -> Ending:
        assert asleep.wait(20)
        expire_lease(target)
        try:
            return controller(quick).reconcile(target.pk)
        finally:
            wake.set()

    assert at_once(partial(controller(late).reconcile, target.pk), successor) == [Ending.LOST, Ending.AGREED]
    row = fresh(target)
    assert (row.fence, row.lease_owner) == (2, "")
    run = row.runs.get()
    assert (run.state, run.fence) == (Run.State.SUCCEEDED, 2)
    assert not run.steps.filter(state="running").exists()


def test_a_write_that_has_begun_is_recorded_whole(target: SyncTarget) -> None:
    """The lease ran out and nobody took over before the write-back began: it counts, and renews the lease."""
    taken = Lease.acquire(target.pk, "slow")
    assert taken is not None
    slow, _ = taken
    expire_lease(target)
    inside = threading.Event()
    order: list[str] = []

    def write() -> None:
        with slow.write():
            SyncTarget.objects.filter(pk=target.pk).update(proof={"by": "slow"})
            inside.set()
            time.sleep(0.2)
            order.append("written")

    def take_over() -> object:
        assert inside.wait(20)
        found = Lease.acquire(target.pk, "successor")
        order.append("asked")
        return found

    assert at_once(write, take_over) == [None, None]
    assert order == ["written", "asked"]
    expire_lease(target)
    assert Lease.acquire(target.pk, "successor") is not None
    with pytest.raises(LeaseLost), slow.write():
        SyncTarget.objects.filter(pk=target.pk).update(proof={"by": "a ghost"})
    assert (fresh(target).proof, target.lease_owner, target.fence) == ({"by": "slow"}, "successor", 2)


def test_a_mark_during_the_write_back_is_not_lost(target: SyncTarget) -> None:
    """Whatever the order, the last generation is proved or still wanted."""
    shelf = Shelf(inside={"a": "1"})

    def edit() -> None:
        for _ in range(5):
            with transaction.atomic():
                outbox.mark([SyncTarget.objects.get(pk=target.pk)])

    for _ in range(ROUNDS):
        before = fresh(target).generation
        passed, edited = at_once(partial(controller(shelf).reconcile, target.pk), edit)
        assert (passed, edited) == (Ending.AGREED, None)
        row = fresh(target)
        assert row.generation == before + 5
        assert before <= row.observed_generation <= row.generation
    assert controller(shelf).reconcile(target.pk) is Ending.AGREED
    assert fresh(target).observed_generation == target.generation


def test_a_mail_is_claimed_once(mailoutbox: list[object]) -> None:
    for number in range(ROUNDS):
        mail = OutgoingMail.objects.create(
            recipient=f"n{number}@home.example",
            subject="once",
            sealed_body=seal(Purpose.MAIL_BODY, "once"),
            created_at=timezone.now(),
        )
        assert sorted(at_once(*(partial(post.deliver, mail.pk) for _ in range(3)))) == [False, False, True]
    assert len(mailoutbox) == ROUNDS
    assert not OutgoingMail.objects.filter(claimed_until__gt=Now() + timedelta(minutes=2)).exists()


def test_who_agrees_to_a_plan_and_a_pass_do_not_wait_for_each_other(target: SyncTarget) -> None:
    """The pass writes its run, and then renews its lease: the person holds neither while waiting."""
    run = Run.objects.create(
        target=target, state=Run.State.STOPPED, agree_to="sum", created_at=timezone.now(), generation=1
    )
    taken = Lease.acquire(target.pk, "worker")
    assert taken is not None
    writes = threading.Event()

    def go_on() -> None:
        with taken[0].write():
            Run.objects.filter(pk=run.pk).update(title="Goes on")
            writes.set()
            time.sleep(0.3)  # until the person waits

    def agree() -> None:
        assert writes.wait(10)
        sync.approve_plan(actor=Actor.rookery(), run=run, checksum="sum")

    at_once(go_on, agree)
    assert fresh(target).agreed_to == ["sum"]
    assert Run.objects.get(pk=run.pk).title == "Goes on"


def test_an_action_and_a_proof_do_not_wait_for_each_other(target: SyncTarget, domain: Domain) -> None:
    """Both change a row and mark or renew its target; actions take the target last, and so does a pass."""
    taken = Lease.acquire(target.pk, "worker")
    assert taken is not None
    generation = target.generation
    holds, writes = threading.Event(), threading.Event()

    def act() -> None:
        with transaction.atomic():
            lock(domain)
            holds.set()
            writes.wait(0.5)
            outbox.mark([target])

    def prove() -> None:
        holds.wait(10)
        with taken[0].write():
            writes.set()
            Domain.objects.filter(pk=domain.pk).update(name="proved.example.org")

    at_once(act, prove)
    domain.refresh_from_db()
    assert domain.name == "proved.example.org"
    assert fresh(target).generation == generation + 1
