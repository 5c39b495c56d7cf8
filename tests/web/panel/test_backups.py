"""The operators' page of backups, and what it says after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from panel.web.backups import is_old, seen
from tenants.actions.restored import NEVER
from tenants.actor import Actor
from tenants.models import Domain, Installation, OutgoingMail, Repository, SyncTarget
from tests.web.people import check_page, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def as_olga(olga: Actor) -> Client:
    return signed_in(olga.account)


def test_before_the_first_it_says_how(as_olga: Client) -> None:
    page = as_olga.get("/backups")
    check_page(page)
    assert "No backup was made yet" in text_of(page)
    assert "--new-key" in text_of(page)
    Installation.objects.update(backup_problem="/backups cannot be written (No space left on device).")
    assert "No space left" in text_of(as_olga.get("/backups"))
    Installation.objects.update(backed_up_at=timezone.now(), backup_problem="")
    assert "A backup was made" in text_of(as_olga.get("/backups"))


def test_what_waits_is_let_go_one_by_one(
    as_olga: Client, target: SyncTarget, domain: Domain, settings: Any
) -> None:
    now = timezone.now()
    SyncTarget.objects.update(held_since=now, mode_before="repair", checked_at=None)
    Installation.current_id()
    Installation.objects.update(restored_at=now, restored_from=now - timedelta(hours=9))
    OutgoingMail.objects.create(recipient="a@b.example", subject="x", created_at=now, next_try_at=NEVER)
    first = as_olga.get("/")
    assert "came out of a backup" in text_of(first)
    page = as_olga.get("/backups")
    check_page(page)
    told = text_of(page)
    assert "1 target waits" in told or "One target waits" in told
    assert "Not compared yet" in told
    assert "in repair mode as before" in told
    gone = as_olga.post("/backups/mails", {"what": "drop"}, follow=True)
    assert "dropped" in text_of(gone)
    done = as_olga.post(f"/backups/{target.pk}/let-go", {"mode": "before"}, follow=True)
    assert "let go, in repair mode" in text_of(done)
    target.refresh_from_db()
    assert (target.held_since, target.drift_mode) == (None, "repair")
    assert as_olga.post(f"/backups/{target.pk}/let-go").status_code == 409
    assert "came out of a backup" not in text_of(as_olga.get("/"))


def test_many_cost_no_more_questions_than_one(
    as_olga: Client, target: SyncTarget, django_assert_max_num_queries: Any
) -> None:
    first = target.repository
    assert first is not None
    for number in range(6):
        repository = Repository.objects.create(
            organization=target.organization,
            kind="zone",
            host="git.example.org",
            path=f"{number}.git",
            sealed_key=b"k",
        )
        SyncTarget.objects.create(
            kind="zone_repository",
            organization=target.organization,
            repository=repository,
            marked_at=timezone.now(),
        )
    SyncTarget.objects.update(held_since=timezone.now())
    with django_assert_max_num_queries(20):
        told = text_of(as_olga.get("/backups"))
    assert told.count("Not compared yet") == 7


def test_what_the_last_look_says() -> None:
    now = timezone.now()
    later = now + timedelta(minutes=1)
    row = SyncTarget(held_since=now, checked_at=now - timedelta(hours=1))
    assert seen(row, 0)[0].word == "Not compared yet"
    row.failures = 2
    assert seen(row, 0)[0].word == "Not reached"
    row.failures, row.checked_at = 0, later
    assert seen(row, 0)[0].word == "Agrees"
    assert seen(row, 3)[0].word == "Changed since"
    row.stop_code = "held-after-restore"
    assert seen(row, 3)[0].word == "Would be changed"
    row.stop_code = "history-rewritten"
    assert seen(row, 3)[0].word == "Needs a person"


def test_old_is_twice_the_time_between_two(settings: Any) -> None:
    now = timezone.now()
    assert is_old(None, now)
    assert not is_old(now - 1.9 * settings.BACKUP_EVERY, now)
    assert is_old(now - 2.1 * settings.BACKUP_EVERY, now)
