"""The pages of people who hold addresses: the list, who holds one, one's note, export, deletion, leaving."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants import access
from tenants.actions import accounts, domains, holders, mailboxes, organizations, targets
from tenants.actor import Actor
from tenants.models import Account, Domain, Mailbox, Membership, Organization, SyncTarget
from tests.links import ask
from tests.web.people import check_page, link_in, mails_to, nothing_written, prove, signed_in, text_of

pytestmark = pytest.mark.django_db
MakeMailbox = Callable[..., Mailbox]
PAGE = "/d/example.org/addresses/ada"


# The list ------------------------------------------------------------------------------------------


def test_somebody_without_an_address_reads_what_to_do(ada: Client) -> None:
    with nothing_written():
        page = ada.get("/my")
    check_page(page)
    assert "You hold no address yet." in text_of(page)
    assert ada.get("/", follow=True).redirect_chain[-1][0] == "/my"


def test_the_list_says_what_is_true_of_each(
    ada: Client,
    own: Mailbox,
    make_mailbox: MakeMailbox,
    make_relay: Callable[[], SyncTarget],
    alice: Actor,
    holder: Account,
) -> None:
    make_relay()
    prove(own)
    page = ada.get("/my")
    assert "Mail for ada@example.org works." in text_of(page)
    other = make_mailbox("shop", "shop@home.example", holder=holder)
    holders.add_holder(actor=alice, mailbox=other, email="erin@home.example")
    holders.change_own_note(actor=Actor(account=holder), mailbox=other, note="for <orders>")
    prove(other)
    page = ada.get("/my")
    check_page(page)
    shown = text_of(page)
    assert "Mail for all your 2 addresses works." in shown
    assert "Its mail goes to shop@home.example" in shown
    assert "1 more person holds it" in shown
    assert "“for <orders>”" in shown
    mailboxes.switch_mailbox(actor=Actor(account=holder), mailbox=other, enabled=False)
    prove(other)
    assert "1 of your 2 addresses work." in text_of(ada.get("/my"))


def test_a_request_is_followed_on_the_same_page(ada: Client, domain: Domain, alice: Actor) -> None:
    from tenants.actions import requests

    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    row, _, token = ask(domain, "dee", "ada@home.example")
    requests.confirm_request(actor=Actor(), confirm_token=token)
    assert "dee@example.org being decided" in text_of(ada.get("/my"))
    row.refresh_from_db()
    requests.refuse_request(actor=alice, request=row, reason="This name is kept.")
    assert "The reason: This name is kept." in text_of(ada.get("/my"))


# An address ----------------------------------------------------------------------------------------


def test_who_holds_it_switches_it_off_and_on(ada: Client, own: Mailbox, alice: Actor) -> None:
    answer = ada.post(f"{PAGE}/switch", {"on": "0"}, follow=True)
    assert "ada@example.org was switched off. Undo" in text_of(answer)
    assert "Switch on" in text_of(answer)
    ada.post(f"{PAGE}/switch", {"on": "1"})
    mailboxes.switch_mailbox(actor=alice, mailbox=own, enabled=False)
    page = ada.get(PAGE)
    check_page(page)
    assert "The people who run example.org switched it off." in text_of(page)
    assert "Switch on" not in text_of(page)
    # What an administrator did is on the page, with who and when.
    assert "ada@example.org was switched off.by Alice" in text_of(page)
    refused = ada.post(f"{PAGE}/switch", {"on": "1"})
    assert (refused.status_code, "Ask an owner or manager" in text_of(refused)) == (403, True)


def test_a_note_of_ones_own(ada: Client, own: Mailbox, alice: Actor) -> None:
    answer = ada.post(f"{PAGE}/own-note", {"own_note": "for the bank"}, follow=True)
    assert "Your note is saved." in text_of(answer)
    assert 'value="for the bank"' in answer.content.decode()
    assert "for the bank" not in signed_in(alice.account).get(PAGE).content.decode()
    page = ada.post(f"{PAGE}/own-note", {"own_note": "x" * 201})
    assert page.status_code == 400
    assert list(page.context["own_note_form"].errors) == ["own_note"]


def test_the_team_lets_people_in_and_go(alice: Actor, own: Mailbox) -> None:
    client = signed_in(alice.account)
    answer = client.post(f"{PAGE}/people/add", {"email": "erin@home.example"}, follow=True)
    check_page(answer)
    assert "We wrote to erin@home.example; they hold ada@example.org now, too." in text_of(answer)
    erin = Client()
    erin.post(link_in(mails_to("erin@home.example")[-1], "/sign-in/"))
    assert "You are signed in as erin@home.example." in text_of(erin.get("/my"))
    assert "Let go of" not in text_of(erin.get(PAGE))
    page = client.post(f"{PAGE}/people/add", {"email": "erin@home.example"})
    assert (page.status_code, list(page.context["holder_form"].errors)) == (400, ["email"])
    answer = client.post(f"{PAGE}/people/remove", {"email": "erin@home.example"}, follow=True)
    assert "erin@home.example does not hold ada@example.org any more." in text_of(answer)
    assert erin.get(PAGE).status_code == 404
    for email in ("", "\0", "nobody@home.example", "x" * 300):
        assert client.post(f"{PAGE}/people/remove", {"email": email}).status_code == 404


def test_leaving_an_address(ada: Client, own: Mailbox, alice: Actor) -> None:
    assert "Leave it" not in text_of(ada.get(PAGE))
    answer = ada.post(f"{PAGE}/people/remove", {"email": "ada@home.example"}, follow=True)
    assert "Switch it off first" in text_of(answer)
    holders.add_holder(actor=alice, mailbox=own, email="erin@home.example")
    assert "Leave it" in text_of(ada.get(PAGE))
    answer = ada.post(f"{PAGE}/people/remove", {"email": "ada@home.example"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/my"
    assert ada.get(PAGE).status_code == 404


def test_deleting_an_own_address(ada: Client, own: Mailbox, alice: Actor) -> None:
    with nothing_written():
        check_page(ada.get(f"{PAGE}/delete-own"))
    page = ada.post(f"{PAGE}/delete-own", {"address": "ada@example.com"})
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["address"])
    answer = ada.post(f"{PAGE}/delete-own", {"address": "Ada@Example.org"}, follow=True)
    assert "ada@example.org was deleted." in text_of(answer)
    own.refresh_from_db()
    assert own.trashed_at is not None
    assert signed_in(alice.account).get(f"{PAGE}/delete-own").status_code == 403


def test_handing_over(alice: Actor, own: Mailbox, ada: Client) -> None:
    client = signed_in(alice.account)
    with nothing_written():
        page = client.get(f"{PAGE}/hand-over")
    check_page(page)
    assert "Now ada@home.example holds it." in text_of(page)
    page = client.post(f"{PAGE}/hand-over", {"email": "ada@home.example"})
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["email"])
    answer = client.post(f"{PAGE}/hand-over", {"email": "new@home.example"}, follow=True)
    assert "ada@example.org was handed over to new@home.example" in text_of(answer)
    assert "new@home.exampleNot confirmed" in text_of(answer)
    assert ada.get(PAGE).status_code == 404
    assert ada.get("/my").status_code == 200


def test_a_member_who_may_only_look_but_holds_it(bob: Actor, alice: Actor, own: Mailbox) -> None:
    """No button of the team's that would be refused."""
    holders.add_holder(actor=alice, mailbox=own, email="bob@people.example")
    page = signed_in(bob.account).get(PAGE)
    check_page(page)
    for words in ("Put it into the trash", "Hand it over", "Let in"):
        assert words not in text_of(page)
    assert "Switch off" in text_of(page)


# The account ---------------------------------------------------------------------------------------


def test_the_export_has_everything_and_no_secret(
    ada: Client, own: Mailbox, holder: Account, alice: Actor, make_mailbox: MakeMailbox
) -> None:
    me = Actor(account=holder)
    make_mailbox("other")
    row, key = accounts.create_token(actor=me, name="backup")
    targets.add_target(actor=me, mailbox=own, address="second@home.example")
    holders.change_own_note(actor=me, mailbox=own, note="for the bank")
    mailboxes.change_note(actor=alice, mailbox=own, note="Leaves in May")
    with nothing_written():
        answer = ada.get("/account/export")
    assert answer["Content-Type"].startswith("application/json")
    assert answer["Content-Disposition"].startswith('attachment; filename="rookery-')
    body = answer.content.decode()
    told: dict[str, Any] = json.loads(body)
    assert told["account"]["email"] == "ada@home.example"
    [address] = told["addresses"]
    assert (address["address"], address["own_note"], address["passphrase"]) == (
        "ada@example.org",
        "for the bank",
        "set",
    )
    assert [each["address"] for each in address["targets"]] == ["ada@home.example", "second@home.example"]
    assert [each["name"] for each in told["keys_for_programs"]] == ["backup"]
    assert any("note of" in each["what"] for each in told["what_happened_to_them"]["events"])
    assert told["done_by_you"]["complete"]
    sealed = bytes(own.sealed_hash or b"").hex()
    for secret in (key, row.digest, sealed, holder.password, "Leaves in May", "other@example.org"):
        assert secret not in body


def test_deleting_the_account(ada: Client, own: Mailbox, holder: Account) -> None:
    elsewhere = signed_in(holder)
    with nothing_written():
        page = ada.get("/account/delete")
    check_page(page)
    assert "ada@example.org goes into the trash, since only you hold it" in text_of(page)
    page = ada.post("/account/delete", {"email": "somebody@home.example"})
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["email"])
    answer = ada.post("/account/delete", {"email": "ada@home.example"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/sign-in"
    assert "Your account was deleted." in text_of(answer)
    for client in (ada, elsewhere):
        assert client.get("/account").status_code == 302
    assert not Account.objects.filter(email="ada@home.example").exists()


def test_what_keeps_an_account(alice: Actor) -> None:
    client = signed_in(alice.account)
    page = client.get("/account/delete")
    check_page(page)
    assert "You are the last owner of Analytical Society. Make somebody else owner first." in text_of(page)
    assert "Delete my account" not in text_of(page)
    page = client.post("/account/delete", {"email": "alice@people.example"})
    assert page.status_code == 409
    assert access.visible_to(alice, Organization).exists()


def test_leaving_an_organization(bob: Actor, alice: Actor, organization: Organization) -> None:
    client = signed_in(bob.account)
    page = client.get("/account")
    check_page(page)
    assert "Analytical Society as viewer" in text_of(page)
    answer = client.post(f"/account/leave/{organization.pk}", follow=True)
    assert "You left Analytical Society." in text_of(answer)
    assert not Membership.objects.filter(account=bob.account).exists()
    answer = signed_in(alice.account).post(f"/account/leave/{organization.pk}", follow=True)
    assert "alice@people.example is the last owner. Make somebody else owner first." in text_of(answer)
    assert client.post(f"/account/leave/{organization.pk}").status_code == 404


def test_queries_do_not_grow_with_events(
    ada: Client, own: Mailbox, make_mailbox: MakeMailbox, holder: Account, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        make_mailbox(f"more{number}", f"m{number}@home.example", holder=holder)
    with django_assert_max_num_queries(16):
        assert len(json.loads(ada.get("/account/export").content)["addresses"]) == 7
    assert timezone.now() - own.created_at < timedelta(minutes=5)


def test_a_new_member_signs_in_by_the_link_in_the_mail(alice: Actor, organization: Organization) -> None:
    organizations.add_member(
        actor=alice, organization=organization, email="new@people.example", role="viewer"
    )
    client = Client()
    answer = client.post(link_in(mails_to("new@people.example")[-1], "/sign-in/"), follow=True)
    assert answer.redirect_chain[-1][0] == "/"
