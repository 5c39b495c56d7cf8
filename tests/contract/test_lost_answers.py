"""A push arrived and its answer did not; before the next pass somebody changed the same address again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenants.actions import mailboxes
from tenants.actor import Actor
from tenants.models import Finding, Mailbox
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.sandbox.git_host import Fault
from workers.targets.relay_repository import RelayRepository

pytestmark = pytest.mark.django_db(transaction=True)


def push_without_an_answer(world: RelayWorld) -> None:
    world.host.fault = Fault(cut_before_answer=True)
    assert world.reconcile() is Ending.RETRY
    world.host.fault = Fault()


def test_what_was_written_is_ours_and_goes_again(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("ada")
    assert world.reconcile() is Ending.AGREED
    bob = make_mailbox("bob")
    push_without_an_answer(world)
    assert set(world.files()) == {"ada", "bob"}
    mailboxes.trash_mailbox(actor=alice, mailbox=bob)
    assert world.reconcile() is Ending.AGREED
    assert set(world.files()) == {"ada"}
    assert not Finding.objects.exists()


def test_what_was_written_is_ours_and_changes_again(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada = make_mailbox("ada")
    assert world.reconcile() is Ending.AGREED
    for number in (1, 2):
        mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash=str(number) * 128)
        if number == 1:
            push_without_an_answer(world)
    assert world.reconcile() is Ending.AGREED
    assert "2" * 128 in world.files()["ada"]
    assert not Finding.objects.exists()


def test_what_was_asked_for_during_a_look_is_ours_as_well(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass takes its number when it begins: its commit may hold more, under the number that was proved."""
    ada = make_mailbox("ada")
    assert world.reconcile() is Ending.AGREED
    observe = RelayRepository.observe

    def while_somebody_asks(*given: Any) -> Any:
        found = observe(*given)
        monkeypatch.undo()
        mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash="1" * 128)
        return found

    monkeypatch.setattr(RelayRepository, "observe", while_somebody_asks)
    push_without_an_answer(world)
    assert "1" * 128 in world.files()["ada"]
    number = world.target.observed_generation
    assert f"Rookery-Generation: {number}\n" in world.git("log", "-1", "--format=%B", "main")
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash="2" * 128)
    assert world.reconcile() is Ending.AGREED
    assert "2" * 128 in world.files()["ada"]
    assert not Finding.objects.exists()
