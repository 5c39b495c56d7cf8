"""The page of the trash: gone or still there, with the proof; back again, or gone for good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.actions import mailboxes
from tenants.actor import Actor
from tenants.models import Domain, Mailbox, SyncTarget
from tests.web.panel.world import Outside
from tests.web.people import text_of
from workers.outcome import NeedsPerson

pytestmark = pytest.mark.django_db
TRASH = "/d/example.org/trash"
DELETE = "/d/example.org/addresses/ada/delete"


@pytest.fixture
def trashed(
    alice: Actor, target: SyncTarget, make_mailbox: Callable[..., Mailbox], outside: Outside
) -> Mailbox:
    row = make_mailbox()
    for number in range(4):
        make_mailbox(f"m{number}")
    outside.reconcile(target)
    return mailboxes.trash_mailbox(actor=alice, mailbox=row)


def test_still_there_then_gone_with_its_proof(
    as_alice: Client, trashed: Mailbox, target: SyncTarget, outside: Outside
) -> None:
    text = text_of(as_alice.get(TRASH))
    assert "1 address is in the trash of example.org; 1 not proved gone yet." in text
    assert "Still being taken away from the mail server." in text
    assert "Delete for good…" not in text
    assert f'hx-get="{TRASH}?look=8"' in as_alice.get(f"{TRASH}?look=7").content.decode()
    assert "hx-get" not in str(as_alice.get(f"{TRASH}?look=30").content).partition("trash-list")[2][:80]
    outside.reconcile(target)
    assert 'id="trash-list" aria-live="polite">' in as_alice.get(TRASH).content.decode()
    text = text_of(as_alice.get(TRASH))
    assert "all proved gone outside" in text
    assert "Gone outside since" in text
    assert f"Proof: commit {outside.commit[:7]}" in text
    assert "Delete for good…" in text


def test_what_holds_it_up_is_said(
    as_alice: Client, trashed: Mailbox, target: SyncTarget, outside: Outside
) -> None:
    outside.fail = NeedsPerson("key-refused", "No.", "Add the key.")
    outside.reconcile(target)
    assert "Still outside: a person has to look at the repository." in text_of(as_alice.get(TRASH))
    SyncTarget.objects.filter(pk=target.pk).update(
        stop_code="", proof={"apart": {"ada": ""}}, observed_generation=target.generation
    )
    assert "so it was left there. Decide what holds." in text_of(as_alice.get(TRASH))


def test_deleting_for_good_asks_for_the_address(
    as_alice: Client, as_bob: Client, trashed: Mailbox, target: SyncTarget, outside: Outside
) -> None:
    assert "It can be deleted for good once it is proved gone there." in text_of(as_alice.get(DELETE))
    answer = as_alice.post(DELETE, {"address": "ada@example.org"})
    assert answer.status_code == 409
    assert "still being taken away" in text_of(answer)
    outside.reconcile(target)
    answer = as_alice.post(DELETE, {"address": "ada"})
    assert answer.status_code == 400
    assert "Type ada@example.org to delete it for good." in text_of(answer)
    assert as_bob.post(DELETE, {"address": "ada@example.org"}).status_code == 403
    answer = as_alice.post(DELETE, {"address": "ada@example.org"}, follow=True)
    assert answer.redirect_chain == [(TRASH, 302)]
    assert "The trash of example.org is empty." in text_of(answer)
    assert as_alice.get("/d/example.org/addresses/ada").status_code == 404


def test_emptying_asks_for_the_domain_and_leaves_what_is_still_there(
    as_alice: Client, alice: Actor, trashed: Mailbox, target: SyncTarget, outside: Outside
) -> None:
    outside.reconcile(target)
    mailboxes.trash_mailbox(actor=alice, mailbox=Mailbox.objects.get(local_part="m0"))
    answer = as_alice.post(f"{TRASH}/empty", {"domain": "example"})
    assert answer.status_code == 400
    assert "Type example.org to empty its trash." in text_of(answer)
    answer = as_alice.post(f"{TRASH}/empty", {"domain": "example.org"}, follow=True)
    assert "1 address was deleted for good. 1 is left." in text_of(answer)


def test_the_days_are_a_setting(as_alice: Client, as_bob: Client, domain: Domain, trashed: Mailbox) -> None:
    page = "/d/example.org/settings/trash"
    assert "Now 30 days." in text_of(as_alice.get(page))
    assert as_alice.post(page, {"days": "0"}).status_code == 400
    assert as_bob.get(page).status_code == 403
    answer = as_alice.post(page, {"days": "7"}, follow=True)
    assert answer.redirect_chain == [("/d/example.org/settings", 302)]
    assert "can come back for 7 days" in text_of(answer)


def test_a_viewer_is_offered_nothing(
    as_bob: Client, trashed: Mailbox, target: SyncTarget, outside: Outside
) -> None:
    outside.reconcile(target)
    text = text_of(as_bob.get(TRASH))
    for offered in ("Restore", "Delete for good", "Empty the trash"):
        assert offered not in text
