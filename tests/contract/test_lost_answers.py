"""A push arrived and its answer did not; before the next pass somebody changed the same address again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actions import mailboxes
from tenants.actor import Actor
from tenants.models import Finding, Mailbox
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.sandbox.git_host import Fault

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
