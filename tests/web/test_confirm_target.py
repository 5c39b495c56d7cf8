"""The page behind the link that asks whether mail may come."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.actions import mailboxes, targets
from tenants.actor import Actor
from tenants.models import Domain, Event, Mailbox
from tests.conftest import HASH
from tests.web.people import check_page, link_in, mails_to, nothing_written, text_of

pytestmark = pytest.mark.django_db
HOME = "ada@home.example"


@pytest.fixture
def mailbox(alice: Actor, domain: Domain) -> Mailbox:
    return mailboxes.create_mailbox(
        actor=alice, domain=domain, local_part="ada", targets=[HOME], password_hash=HASH
    )


def test_opening_shows_a_button_and_pressing_it_confirms(client: Client, mailbox: Mailbox) -> None:
    link = link_in(mails_to(HOME)[0], "/confirm/")
    with nothing_written():
        page = client.get(link)
    check_page(page)
    assert "May mail for ada@example.org come to you?" in text_of(page)
    assert mailbox.targets.get().confirmed_at is None
    page = client.post(link)
    check_page(page)
    assert "Thank you, that is confirmed" in text_of(page)
    assert mailbox.targets.get().confirmed_at is not None


def test_twice_is_calm_and_changes_nothing(client: Client, mailbox: Mailbox) -> None:
    link = link_in(mails_to(HOME)[0], "/confirm/")
    client.post(link)
    first = mailbox.targets.get().confirmed_at
    for page in (client.post(link), client.get(link)):
        assert page.status_code == 200
        check_page(page)
        assert "This is confirmed already" in text_of(page)
        assert b"<button class" not in page.content.partition(b"<main")[2]
    assert mailbox.targets.get().confirmed_at == first
    assert Event.objects.filter(verb="confirm_target").count() == 1


def test_a_replaced_link_and_a_deleted_address(client: Client, mailbox: Mailbox, alice: Actor) -> None:
    old = link_in(mails_to(HOME)[0], "/confirm/")
    targets.send_confirmation_again(actor=alice, mailbox=mailbox, address=HOME)
    new = link_in(mails_to(HOME)[1], "/confirm/")
    for answer in (client.get(old), client.post(old)):
        assert answer.status_code == 404
        check_page(answer)
        assert "a newer mail has replaced it" in text_of(answer)
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    assert client.post(new).status_code == 404
    assert mailbox.targets.get().confirmed_at is None


def test_not_without_the_csrf_token(mailbox: Mailbox) -> None:
    link = link_in(mails_to(HOME)[0], "/confirm/")
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert mailbox.targets.get().confirmed_at is None
