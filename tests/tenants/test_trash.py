"""The trash: gone is what was proved gone; kept for its days, then deleted for good with all about people."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.actions import mailboxes, repositories, requests, targets, trash, undo
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import (
    AddressRequest,
    Domain,
    Event,
    FormerPassphrase,
    Mailbox,
    Organization,
    Run,
    SyncTarget,
    TargetAddress,
)
from tests.conftest import HASH

pytestmark = pytest.mark.django_db
ROOKERY = Actor.rookery()
MakeMailbox = Callable[..., Mailbox]


@pytest.fixture
def target(alice: Actor, domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    return SyncTarget.objects.get(repository=repository)


def prove(target: SyncTarget, **proof: object) -> None:
    """As a pass that ends well does."""
    target.refresh_from_db()
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation, proof=proof)


def thrown(alice: Actor, mailbox: Mailbox, days: int = 0) -> Mailbox:
    """In the trash since `days` ago."""
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    when = timezone.now() - timedelta(days=days, seconds=1)
    Mailbox.objects.filter(pk=mailbox.pk).update(trashed_at=when)
    return Mailbox.objects.select_related("domain").get(pk=mailbox.pk)


def is_there(mailbox: Mailbox) -> bool:
    return Mailbox.objects.filter(pk=mailbox.pk).exists()


def look_now() -> None:
    Mailbox.objects.update(trash_look_at=timezone.now())


def test_it_is_deleted_after_its_days_and_not_before(
    alice: Actor, domain: Domain, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    kept, due, used = make_mailbox("kept"), make_mailbox("due"), make_mailbox("used")
    kept, due = thrown(alice, kept, days=29), thrown(alice, due, days=30)
    prove(target)
    assert trash.purge_trash(actor=ROOKERY) == 1
    assert [is_there(each) for each in (kept, due, used)] == [True, False, True]
    kept.refresh_from_db()
    assert kept.trash_look_at == trash.kept_until(kept)
    event = Event.objects.latest("pk")
    assert (event.verb, event.subject, event.domain) == ("purge_mailbox", "due@example.org", domain)
    assert event.sentence == "due@example.org was deleted for good, after 30 days in the trash."
    assert trash.purge_trash(actor=ROOKERY) == 0
    with pytest.raises(Forbidden):
        trash.purge_trash(actor=alice)


@pytest.mark.parametrize("why", ["not proved", "left alone"])
def test_it_is_not_deleted_before_it_is_proved_gone(
    why: str, alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    if why == "not proved":
        prove(target)
    mailbox = thrown(alice, mailbox, days=40)
    if why == "left alone":
        prove(target, apart={"ada": "1" * 40})
    target.refresh_from_db()
    assert not trash.is_gone(mailbox, target)
    assert trash.purge_trash(actor=ROOKERY) == 0
    mailbox.refresh_from_db()
    assert timezone.now() < mailbox.trash_look_at < timezone.now() + trash.LOOK_AGAIN
    with pytest.raises(Conflict, match="still being taken away"):
        trash.purge_mailbox(actor=alice, mailbox=mailbox, typed=str(mailbox))
    assert trash.empty_trash(actor=alice, domain=mailbox.domain, typed="example.org") == trash.Emptied(0, 1)
    prove(target)
    look_now()
    assert trash.purge_trash(actor=ROOKERY) == 1


def test_without_a_repository_it_was_never_outside(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = thrown(alice, make_mailbox(), days=31)
    assert trash.purge_trash(actor=ROOKERY) == 1
    assert not is_there(mailbox)


def test_who_comes_back_stays(alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox) -> None:
    """Also when it goes into the trash once more: its days begin anew."""
    mailbox = thrown(alice, make_mailbox(), days=40)
    mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)
    prove(target)
    look_now()
    assert trash.purge_trash(actor=ROOKERY) == 0
    thrown(alice, mailbox)
    prove(target)
    assert trash.purge_trash(actor=ROOKERY) == 0
    assert is_there(mailbox)


def test_fewer_days_hold_for_what_is_in_the_trash(
    alice: Actor, domain: Domain, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = thrown(alice, make_mailbox(), days=8)
    prove(target)
    assert trash.purge_trash(actor=ROOKERY) == 0
    with pytest.raises(Invalid, match="Choose 1 to 366"):
        trash.change_trash_days(actor=alice, domain=domain, days=0)
    trash.change_trash_days(actor=alice, domain=domain, days=7)
    event = Event.objects.latest("pk")
    assert (event.before, event.after) == ({"trash_days": 30}, {"trash_days": 7})
    assert trash.purge_trash(actor=ROOKERY) == 1
    assert not is_there(mailbox)
    undo.undo_event(actor=alice, event=event)
    domain.refresh_from_db()
    assert domain.trash_days == 30


def test_a_look_takes_some_at_once_and_none_is_forgotten(
    alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "AT_ONCE", 2)
    stuck = thrown(alice, make_mailbox("stuck"), days=50)
    for number in range(5):
        thrown(alice, make_mailbox(f"m{number}"), days=40)
    prove(target, apart={"stuck": "1" * 40})
    assert [trash.purge_trash(actor=ROOKERY) for _ in range(4)] == [1, 2, 2, 0]
    assert list(Mailbox.objects.all()) == [stuck]


def test_looking_costs_the_same_whatever_is_not_due(
    alice: Actor, domain: Domain, make_mailbox: MakeMailbox
) -> None:
    for number in range(3):
        thrown(alice, make_mailbox(f"m{number}"))
    trash.purge_trash(actor=ROOKERY)
    with CaptureQueriesContext(connection) as queries:
        assert trash.purge_trash(actor=ROOKERY) == 0
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (
            lambda: Mailbox.objects.filter(
                trashed_at__isnull=False, trash_look_at__lte=timezone.now()
            ).order_by("trash_look_at", "pk")[:200],
            "trash_by_its_next_look",
        ),
        (
            lambda: FormerPassphrase.objects.filter(kept_until__lt=timezone.now()).order_by("kept_until"),
            "tenants_for_kept_un",
        ),
    ],
)
def test_looking_reads_an_index(rows: Callable[[], QuerySet[Model]], index: str, db: None) -> None:
    """Of few rows PostgreSQL reads all, unless it may not."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    assert index in rows().explain()


# By hand -----------------------------------------------------------------------------------------------


def test_an_owner_deletes_for_good_by_typing_the_address(
    alice: Actor, bob: Actor, charlie: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = thrown(alice, make_mailbox())
    prove(target)
    with pytest.raises(Invalid, match=r"Type ada@example\.org to delete it for good"):
        trash.purge_mailbox(actor=alice, mailbox=mailbox, typed="ada")
    with pytest.raises(Forbidden, match="Ask an owner"):
        trash.purge_mailbox(actor=bob, mailbox=mailbox, typed=str(mailbox))
    with pytest.raises(Absent):
        trash.purge_mailbox(actor=charlie, mailbox=mailbox, typed=str(mailbox))
    trash.purge_mailbox(actor=alice, mailbox=mailbox, typed=" Ada@example.org ")
    assert not is_there(mailbox)
    assert Event.objects.latest("pk").sentence == "ada@example.org was deleted for good."
    with pytest.raises(Absent):
        trash.purge_mailbox(actor=alice, mailbox=mailbox, typed=str(mailbox))


def test_one_that_is_in_use_is_not_deleted(
    alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    prove(target)
    with pytest.raises(Conflict, match="not in the trash"):
        trash.purge_mailbox(actor=alice, mailbox=mailbox, typed=str(mailbox))


def test_emptying_deletes_what_is_gone_and_counts_the_rest(
    alice: Actor,
    domain: Domain,
    target: SyncTarget,
    make_mailbox: MakeMailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trash, "AT_ONCE", 2)
    for number in range(5):
        thrown(alice, make_mailbox(f"m{number}"))
    prove(target)
    thrown(alice, make_mailbox("fresh"))
    make_mailbox("used")
    with pytest.raises(Invalid, match=r"Type example\.org"):
        trash.empty_trash(actor=alice, domain=domain, typed="example.com")
    assert trash.empty_trash(actor=alice, domain=domain, typed="example.org") == trash.Emptied(5, 1)
    assert Mailbox.objects.count() == 2
    assert Event.objects.filter(verb="purge_mailbox").count() == 5


# What is left ------------------------------------------------------------------------------------------


def test_nothing_about_people_is_left(alice: Actor, domain: Domain, target: SyncTarget) -> None:
    """No row of any table holds the address that got the mail, the message, or a sealed hash of it."""
    Domain.objects.update(requests="moderated")
    secret = "grace@harbour.example"
    request = requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target=secret, password_hash=HASH, message="Psst."
    ).request
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())
    request.refresh_from_db()
    mailbox = requests.approve_request(actor=alice, request=request)
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH[::-1])
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="Psst: lives by the harbour")
    targets.add_target(actor=alice, mailbox=mailbox, address="Grace2@harbour.example")
    targets.remove_target(actor=alice, mailbox=mailbox, address="Grace2@harbour.example")
    prove(target)
    target.refresh_from_db()
    changes = [
        {"unit": name, "action": "create", "before": "", "after": f"to {name}@harbour.example"}
        for name in ("grace", "other")
    ]
    Run.objects.create(
        target=target,
        state="succeeded",
        generation=target.generation,
        title="x",
        plan={"changes": changes, "apart": [], "total": 2},
        created_at=timezone.now(),
    )
    sealed = bytes(Mailbox.objects.get().sealed_hash or b"")
    mailbox = thrown(alice, mailbox, days=31)
    Event.objects.update(at=timezone.now() - timedelta(days=32))
    prove(target)
    count = Event.objects.count()
    assert trash.purge_trash(actor=ROOKERY) == 1
    kept = {
        model.__name__: list(model._default_manager.values())
        for model in apps.get_app_config("tenants").get_models()
        # Mails that were sent say to whom; an account belongs to a person, not to an address.
        if model.__name__ not in {"OutgoingMail", "Account"}
    }
    told = json.dumps(kept, default=str)
    for gone in ("grace@harbour", "Grace2@harbour", "Psst", "lives by"):
        assert gone not in told
    assert "to other@harbour.example" in told
    assert sealed not in [bytes(row["sealed_hash"] or b"") for row in kept["Mailbox"]]
    assert not FormerPassphrase.objects.exists()
    assert not TargetAddress.objects.exists()
    assert Event.objects.count() == count + 1
    [asked] = Event.objects.filter(verb="submit_request")
    assert asked.sentence == "a deleted address asked for grace@example.org."
    assert asked.after == {"status": "asked"}
    [added] = Event.objects.filter(verb="add_target")
    assert (added.subject, added.actor_name) == ("grace@example.org", "Alice")


def test_the_name_can_be_made_again_and_its_former_life_stays_apart(
    alice: Actor, domain: Domain, organization: Organization, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    old = thrown(alice, make_mailbox(), days=31)
    prove(target)
    trash.purge_trash(actor=ROOKERY)
    event = Event.objects.get(verb="create_mailbox")
    preview = undo.preview_undo(alice, event)
    assert not preview.possible
    assert preview.reason == "ada@example.org is gone: there is nothing that could be set back."
    new = make_mailbox()
    assert new.pk != old.pk
    assert Event.objects.filter(mailbox=new, verb="create_mailbox").count() == 1
    organization.refresh_from_db()
    assert organization.mailbox_count == 1
