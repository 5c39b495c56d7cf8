"""What the sweep finds, and what hints may do: they come late, twice, or never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from tenants import limits, outbox
from tenants.actions import mailboxes, repositories, sync
from tenants.actions.mail import owe_mail
from tenants.actor import Actor
from tenants.models import Domain, FormerPassphrase, Installation, Mailbox, OutgoingMail, Run, SyncTarget
from tests.conftest import HASH, make_address
from tests.workers.test_controller import Shelf, controller, expire_lease, fresh
from workers import sweeper, tasks
from workers.errands import account_checks
from workers.lease import Lease
from workers.outcome import Retry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target(domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=Actor.rookery(), domain=domain, host="127.0.0.9", path="relay.git"
    )
    return repository.sync_target


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch, target: SyncTarget) -> list[tuple[str, int, str]]:
    """Hints that the sweep sends, from here on."""
    sent: list[tuple[str, int, str]] = []
    monkeypatch.setattr(outbox, "send_hint", lambda *hint: sent.append(hint))
    return sent


def test_a_target_is_found_until_it_is_proved(target: SyncTarget, hints: list[Any]) -> None:
    """Whether a hint was lost, or its worker died before it began: the next sweep repeats it."""
    for _ in range(2):
        sweeper.sweep()
    assert [hint for hint in hints if hint[1] == target.pk] == [
        ("reconcile", target.pk, "relay_repository"),
        ("reconcile", target.pk, "relay_repository"),
    ]
    controller(Shelf()).reconcile(target.pk)
    hints.clear()
    sweeper.sweep()
    assert hints == []


def test_one_that_a_worker_holds_is_left_alone_until_its_lease_runs_out(
    target: SyncTarget, hints: list[Any]
) -> None:
    assert Lease.acquire(target.pk, "somebody") is not None
    sweeper.sweep()
    assert hints == []
    expire_lease(target)
    sweeper.sweep()
    assert [hint[:2] for hint in hints] == [("reconcile", target.pk)]


def test_a_mail_is_found_when_its_time_has_come_and_nobody_has_it(hints: list[Any]) -> None:
    mail = owe_mail(recipient="grace@harbour.example", subject="x", body="y")
    rows = OutgoingMail.objects.filter(pk=mail.pk)

    def found() -> bool:
        hints.clear()
        sweeper.sweep()
        return ("deliver_mail", mail.pk, "mail") in hints

    assert found()
    rows.update(claimed_until=Now() + timedelta(seconds=60))
    assert not found()
    rows.update(claimed_until=Now() - timedelta(seconds=1), next_try_at=Now() + timedelta(seconds=60))
    assert not found()
    rows.update(next_try_at=Now())
    assert found()
    rows.update(given_up_at=Now(), sealed_body=None)
    assert not found()
    rows.update(given_up_at=None, sent_at=Now())
    assert not found()


def test_a_broker_that_refuses_ends_the_hints_and_not_the_sweep(
    target: SyncTarget, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    tries = []

    def refuse(*hint: Any) -> None:
        tries.append(hint)
        raise ConnectionRefusedError("redis://:swordfish@broker")

    monkeypatch.setattr(outbox, "send_hint", refuse)
    for number in range(3):
        owe_mail(recipient=f"n{number}@harbour.example", subject="x", body="y")
    tries.clear()
    assert sweeper.sweep() == 4
    assert len(tries) == 1
    assert "did not take a hint" in caplog.text
    assert "swordfish" not in caplog.text


@pytest.fixture
def tasks_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Shelf], None]:
    def use(shelf: Shelf) -> None:
        found = controller(shelf)
        monkeypatch.setattr(tasks, "_controller", lambda: found)

    return use


def test_of_sweeps_at_once_one_looks_for_what_is_unlisted(
    target: SyncTarget, hints: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one takes the turn between the look and the count; this one does the rest all the same."""
    sweeper.sweep()
    hints.clear()
    monkeypatch.setattr(limits, "was_spent", lambda *_: False)
    monkeypatch.setattr(sweeper.scout, "find_unlisted", lambda: pytest.fail("it is not the first"))
    assert sweeper.sweep() == 1
    assert hints == [("reconcile", target.pk, target.kind)]


def test_hints_that_queued_up_do_not_undo_the_back_off(
    target: SyncTarget, tasks_on: Callable[[Shelf], None]
) -> None:
    """A host hung for half a minute; meanwhile ten sweeps sent a hint each."""
    shelf, looks = Shelf(), []
    shelf.before = looks.append
    tasks_on(shelf)
    SyncTarget.objects.update(failures=5)
    shelf.fail_at["observe"] = Retry("unreachable", "It did not answer.")
    for _ in range(10):
        tasks.reconcile(target.pk)
    assert looks.count("observe") == 1
    assert fresh(target).failures == 6
    # An edit or a preview is no old hint.
    run = sync.request_preview(actor=Actor.rookery(), target=target)
    tasks.reconcile(target.pk)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED
    sync.check_now(actor=Actor.rookery(), target=target)
    tasks.reconcile(target.pk)
    assert fresh(target).observed_generation == target.generation


def test_hints_that_queued_up_are_one_pass(target: SyncTarget, tasks_on: Callable[[Shelf], None]) -> None:
    """Workers were busy for half a minute; meanwhile ten sweeps sent a hint each."""
    shelf, looks = Shelf(), []
    shelf.before = looks.append
    tasks_on(shelf)
    for number in (1, 2):
        for _ in range(10):
            tasks.reconcile(target.pk)
        assert looks.count("observe") == number
        SyncTarget.objects.update(generation=F("generation") + 1)
    # A tip that moved is not due, but expected.
    SyncTarget.objects.update(
        generation=F("observed_generation"), next_check_at=timezone.now() + account_checks.PASS_EXPECTED_IN
    )
    tasks.reconcile(target.pk)
    assert looks.count("observe") == 3


def test_a_mails_hints_that_queued_up_do_not_undo_its_back_off(
    monkeypatch: pytest.MonkeyPatch, target: SyncTarget
) -> None:
    from workers.errands import post

    tries = []

    def refuse(message: Any) -> None:
        tries.append(message)
        raise ConnectionRefusedError

    monkeypatch.setattr(post.EmailMessage, "send", refuse)
    mail = owe_mail(recipient="grace@harbour.example", subject="x", body="y")
    for _ in range(10):
        tasks.deliver_mail(mail.pk)
    assert len(tries) == 1


def test_an_edit_on_a_machine_whose_clock_is_ahead_is_not_taken_for_a_back_off(
    target: SyncTarget, tasks_on: Callable[[Shelf], None]
) -> None:
    tasks_on(Shelf())
    SyncTarget.objects.update(next_try_at=timezone.now() + timedelta(milliseconds=700))
    tasks.reconcile(target.pk)
    assert fresh(target).observed_generation == target.generation


def test_the_sweep_empties_the_trash_and_forgets_former_passphrases(
    alice: Actor, target: SyncTarget, make_mailbox: Callable[..., Mailbox]
) -> None:
    due, kept = make_mailbox("due"), make_mailbox("kept")
    for mailbox in (due, kept):
        mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH)
    mailboxes.trash_mailbox(actor=alice, mailbox=due)
    Mailbox.objects.filter(pk=due.pk).update(trashed_at=timezone.now() - timedelta(days=31))
    sweeper.sweep()
    assert Mailbox.objects.filter(pk=due.pk).exists()  # not proved gone
    controller(Shelf()).reconcile(target.pk)
    Mailbox.objects.filter(pk=due.pk).update(trash_look_at=timezone.now())
    FormerPassphrase.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()
    assert list(Mailbox.objects.all()) == [kept]
    assert not FormerPassphrase.objects.exists()


def test_a_bug_in_one_chore_is_loud_and_the_others_are_done(
    target: SyncTarget, domain: Domain, alice: Actor, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = make_address(alice, domain, "ada")
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH[::-1])
    FormerPassphrase.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    assert FormerPassphrase.objects.exists()
    settings.EVENT_DAYS = "soon"
    sweeper.sweep()
    assert not FormerPassphrase.objects.exists()
    assert "forget_events failed" in caplog.text
    assert Installation.objects.get().swept_at is not None
