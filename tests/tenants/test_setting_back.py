"""Undoing what was taken over from outside: all that it changed comes back at once, or is taken again."""

from __future__ import annotations

import pytest

from tenants.actions import adoption, mailboxes, repositories, targets
from tenants.actions.undo import ChangedSince, undo_event
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry
from tenants.models import Domain, Event, SyncTarget
from tests.conftest import HASH
from tests.tenants.test_undo import OTHER, MakeMailbox, fresh, last, state

pytestmark = pytest.mark.django_db


def take(target: SyncTarget, entry: RelayEntry | None, local_part: str = "ada") -> Event:
    adoption.take_over(actor=Actor.rookery(), target=target, addresses=[adoption.Outside(local_part, entry)])
    return last()


@pytest.fixture
def target(alice: Actor, domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    return SyncTarget.objects.get(repository=repository)


@pytest.mark.parametrize("password", [OTHER, NO_LOGIN])
def test_what_was_taken_over_is_set_back_and_taken_again(
    password: str, alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    targets.add_target(actor=alice, mailbox=mailbox, address="b@home.example")
    before = state(mailbox)
    event = take(target, RelayEntry(targets=("c@home.example", "b@home.example"), password=password))
    taken = state(mailbox)
    assert taken["hash"] == (None if password == NO_LOGIN else password)
    generation = SyncTarget.objects.get().generation
    undone = undo_event(actor=alice, event=event)
    assert undone.verb == "set_back"
    # That b agreed was found outside, and stays.
    agreed = {**before["confirmed"], "b@home.example": taken["confirmed"]["b@home.example"]}
    assert sorted(state(mailbox).pop("targets")) == sorted(before["targets"])
    rest = {**state(mailbox), "targets": None}
    assert rest == {**before, "confirmed": agreed, "targets": None}
    assert SyncTarget.objects.get().generation == generation + 1
    undo_event(actor=alice, event=undone)
    after = state(mailbox)
    assert sorted(after.pop("targets")) == sorted(taken.pop("targets"))
    assert after == taken


def test_what_was_removed_outside_comes_back(
    alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    before = state(mailbox)
    event = take(target, None)
    assert state(mailbox)["trashed"]
    assert undo_event(actor=alice, event=event).verb == "restore_mailbox"
    assert state(mailbox) == before


def test_what_was_new_stays(alice: Actor, target: SyncTarget) -> None:
    event = take(target, RelayEntry(targets=("c@home.example",), password=OTHER), "new")
    with pytest.raises(Conflict, match=r"new@example\.org stood outside before Rookery knew it"):
        undo_event(actor=alice, event=event)


def test_setting_back_is_refused_when_it_changed_since(
    alice: Actor, target: SyncTarget, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    event = take(target, RelayEntry(targets=("c@home.example",), password=OTHER))
    mailboxes.set_passphrase(actor=alice, mailbox=fresh(mailbox), password_hash=HASH)
    with pytest.raises(ChangedSince, match="“Passphrase” changed since"):
        undo_event(actor=alice, event=event)
