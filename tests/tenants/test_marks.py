"""Marks and hints: what is asked for is counted every time, a worker is told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenants import outbox
from tenants.actions import mailboxes, repositories
from tenants.actor import Actor
from tenants.models import Domain, Mailbox, SyncTarget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    sent: list[tuple[str, int, str]] = []
    monkeypatch.setattr(outbox, "send_hint", lambda *hint: sent.append(hint))
    return sent


@pytest.fixture
def edit(alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]) -> Callable[[], None]:
    """Changes an address of a domain whose repository is connected and in agreement."""
    mailbox = make_mailbox()
    repositories.connect_repository(actor=alice, domain=domain, host="127.0.0.9", path="relay.git")
    agree()

    def change(number: list[int] = [0]) -> None:  # noqa: B006 - counts the calls
        number[0] += 1
        mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=f"{number[0]:0128x}")

    return change


def agree(**fields: Any) -> None:
    generation = SyncTarget.objects.get().generation
    SyncTarget.objects.update(observed_generation=generation, **fields)


def test_many_edits_are_one_hint_and_every_generation(
    edit: Callable[[], None], hints: list[tuple[str, int, str]]
) -> None:
    before = SyncTarget.objects.get().generation
    for _ in range(20):
        edit()
    target = SyncTarget.objects.get()
    assert target.generation == before + 20
    assert hints == [("reconcile", target.pk, "relay_repository")]


def test_an_edit_after_the_proof_is_hinted_at_again(
    edit: Callable[[], None], hints: list[tuple[str, int, str]]
) -> None:
    for count in (1, 2, 3):
        edit()
        edit()
        assert len(hints) == count
        agree()


def test_the_first_edit_after_a_stop_is_hinted_at(
    edit: Callable[[], None], hints: list[tuple[str, int, str]]
) -> None:
    edit()
    target = SyncTarget.objects.get()
    SyncTarget.objects.update(stop_code="key-refused", stop_generation=target.generation)
    edit()
    edit()
    assert len(hints) == 2


def test_an_edit_does_not_wait_for_a_back_off(
    edit: Callable[[], None], hints: list[tuple[str, int, str]]
) -> None:
    edit()
    SyncTarget.objects.update(failures=5)
    edit()
    edit()
    assert len(hints) == 2
    assert SyncTarget.objects.get().failures == 0
