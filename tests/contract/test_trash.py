"""From the trash to gone, with a real git host: what is proved, what an undo writes, what is deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import mailboxes, trash
from tenants.actions.undo import undo_event
from tenants.actor import Actor
from tenants.models import Event, Finding, Mailbox
from tests.contract.relay_world import RelayWorld
from tests.contract.test_relay_repository import entry
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)


def trashed(world: RelayWorld, alice: Actor, mailbox: Mailbox) -> Mailbox:
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    return Mailbox.objects.select_related("domain").get(pk=mailbox.pk)


def test_a_deletion_is_proved_and_undone_by_a_commit_that_names_the_event(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox, _ = make_mailbox(), make_mailbox("bea")
    world.reconcile()
    before = world.files()["ada"]
    row = trashed(world, alice, mailbox)
    assert not trash.is_gone(row, world.target)
    assert world.reconcile() is Ending.AGREED
    assert trash.is_gone(row, world.target)
    assert list(world.files()) == ["bea"]
    event = Event.objects.get(verb="trash_mailbox")
    undone = undo_event(actor=alice, event=event)
    assert world.reconcile() is Ending.AGREED
    assert world.files()["ada"] == before
    message = world.git("log", "-1", "--format=%B", "main")
    assert f"Rookery-Undoes: {event.pk}\n" in message
    assert "Asked-by: Alice" in message
    undo_event(actor=alice, event=undone)
    assert world.reconcile() is Ending.AGREED
    assert f"Rookery-Undoes: {undone.pk}\n" in world.git("log", "-1", "--format=%B", "main")
    trash.purge_mailbox(actor=alice, mailbox=row, typed=str(row))
    tip = world.tip()
    assert world.reconcile() is Ending.AGREED
    assert world.tip() == tip
    assert not Finding.objects.exists()


def test_what_somebody_wrote_there_meanwhile_is_not_gone(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    """The pass leaves it alone, so the deletion is observed and the entry is still there."""
    mailbox, _ = make_mailbox(), make_mailbox("bea")
    world.reconcile()
    world.somebody_writes({"ada": entry("elsewhere@home.example")})
    row = trashed(world, alice, mailbox)
    assert world.reconcile() is Ending.AGREED
    row.refresh_from_db()
    assert world.target.observed_generation >= row.generation
    assert "ada" in world.files()
    assert not trash.is_gone(row, world.target)
    Mailbox.objects.filter(pk=row.pk).update(
        trashed_at=timezone.now() - timedelta(days=60), trash_look_at=timezone.now()
    )
    assert trash.purge_trash(actor=Actor.rookery()) == 0
    assert Mailbox.objects.filter(pk=row.pk).exists()
