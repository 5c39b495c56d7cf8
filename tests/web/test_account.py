"""A person's own pages: addresses, passphrase, targets, panel password, keys for programs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.actions import accounts, mailboxes
from tenants.actions.token_rows import find_token
from tenants.actor import Actor
from tenants.models import Account, ApiToken, Event, Mailbox, SyncTarget
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH
from tests.web.people import check_page, link_in, mails_to, nothing_written, prove, signed_in, text_of

pytestmark = pytest.mark.django_db
OTHER_HASH = hashlib.blake2b(b"six-other-words-for-a-change").hexdigest()
PASSWORD = "quartz slope vivid ferry"
MakeMailbox = Callable[..., Mailbox]


@pytest.fixture
def page_of_own(own: Mailbox) -> str:
    return "/d/example.org/addresses/ada"


# The account ---------------------------------------------------------------------------------------


def test_the_account_shows_what_is_mine(ada: Client, own: Mailbox, make_mailbox: MakeMailbox) -> None:
    make_mailbox("grace", "grace@home.example")
    with nothing_written():
        account, page = ada.get("/account"), ada.get("/my")
    for each in (account, page):
        check_page(each)
    assert "You hold 1 address" in text_of(account)
    assert "ada@example.org" in text_of(page)
    assert "grace@example.org" not in text_of(page)


def test_the_number_of_queries_does_not_grow(
    ada: Client, own: Mailbox, make_mailbox: MakeMailbox, holder: Account, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        make_mailbox(f"more{number}", f"m{number}@home.example", holder=holder)
    with django_assert_max_num_queries(13):
        assert "0 of your 6 addresses work" in text_of(ada.get("/my"))


def test_signed_out_people_are_sent_to_sign_in(client: Client, page_of_own: str) -> None:
    for path in ("/account", "/account/tokens", page_of_own, "/d/example.org/addresses/ada/mail-program"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in?next=%2F")
        assert client.post(path).status_code in {302, 405}


def test_setting_a_panel_password_keeps_this_session_and_ends_others(
    quick_passwords: None, ada: Client, holder: Account
) -> None:
    elsewhere = signed_in(holder)
    answer = ada.post("/account/password", {"password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert "Your panel password is set." in text_of(answer)
    assert elsewhere.get("/account").status_code == 302
    holder.refresh_from_db()
    assert holder.check_password(PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "password1234"])
def test_a_bad_panel_password(ada: Client, holder: Account, password: str) -> None:
    page = ada.post("/account/password", {"password": password})
    assert page.status_code == 400
    check_page(page)
    assert page.context["password_form"].errors["password"]
    if password:
        assert f'"{password}"' not in page.content.decode()
    holder.refresh_from_db()
    assert not holder.has_usable_password()


# Keys for programs ---------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_never_again(ada: Client, holder: Account) -> None:
    check_page(ada.get("/account/tokens"))
    page = ada.post("/account/tokens", {"name": "backup", "days": "30", "read_only": "on"})
    assert page.status_code == 200
    check_page(page)
    assert page["Cache-Control"] == "no-store"
    [key] = set(re.findall(r"rk_[A-Za-z0-9_-]{43}", page.content.decode()))
    found = find_token(key)
    assert found is not None
    assert (found.account, found.name, found.read_only) == (holder, "backup", True)
    for path in ("/account/tokens", "/account"):
        assert key not in ada.get(path).content.decode()
    assert "backup" in text_of(ada.get("/account/tokens"))

    answer = ada.post(f"/account/tokens/{found.pk}/revoke", follow=True)
    assert "The key was revoked." in text_of(answer)
    assert find_token(key) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\0b"),
        ("name", "a\u202eb"),
        ("name", "x" * 101),
        ("days", "7"),
        ("days", ""),
        ("organization", "999"),
    ],
)
def test_a_key_with_bad_input_is_not_made(ada: Client, field: str, value: str) -> None:
    page = ada.post("/account/tokens", {"name": "backup", "days": "30", field: value})
    assert page.status_code == 400
    check_page(page)
    assert list(page.context["form"].errors) == [field]
    assert not ApiToken.objects.exists()


def test_a_key_for_another_organization_is_not_offered(alice: Actor, charlie: Actor) -> None:
    foreign = charlie.account.memberships.get().organization_id  # type: ignore[union-attr]
    client = signed_in(alice.account)
    assert "Difference Works" not in text_of(client.get("/account/tokens"))
    page = client.post("/account/tokens", {"name": "x", "days": "30", "organization": str(foreign)})
    assert page.status_code == 400
    assert not ApiToken.objects.exists()


def test_nobody_revokes_the_key_of_somebody_else(ada: Client, alice: Actor) -> None:
    row, _ = accounts.create_token(actor=alice, name="hers")
    assert ada.post(f"/account/tokens/{row.pk}/revoke").status_code == 404
    assert ada.get(f"/account/tokens/{row.pk}/revoke").status_code == 405
    assert ApiToken.objects.filter(pk=row.pk).exists()


# One's own address ---------------------------------------------------------------------------------


def test_the_page_of_an_own_address(ada: Client, page_of_own: str) -> None:
    with nothing_written():
        page = ada.get(page_of_own)
    check_page(page)
    shown = text_of(page)
    assert "its domain has no mail server yet" in shown
    assert "ada@home.examplePressed the button in our mail" in shown
    assert "The address ada@example.org was made." in shown


def test_who_else_has_this_page(own: Mailbox, page_of_own: str, bob: Actor, charlie: Actor) -> None:
    for actor, shown, change in ((bob, 200, 403), (charlie, 404, 404)):
        client = signed_in(actor.account)
        assert client.get(page_of_own).status_code == shown
        answer = client.post(f"{page_of_own}/passphrase", {"password_hash": OTHER_HASH})
        assert answer.status_code == change
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(own.sealed_hash or b"")) == HASH


def test_what_belongs_to_the_team_is_not_shown_to_the_holder(
    ada: Client, own: Mailbox, page_of_own: str, alice: Actor
) -> None:
    mailboxes.change_note(actor=alice, mailbox=own, note="Leaves in May")
    page, team = ada.get(page_of_own), signed_in(alice.account).get(page_of_own)
    for words in ("Leaves in May", "Hand it over", "Put it into the trash"):
        assert words in team.content.decode()
        assert words not in page.content.decode()
    assert "/d/example.org/settings" not in page.content.decode()


def test_an_address_in_the_trash_is_gone_for_its_holder(
    ada: Client, own: Mailbox, page_of_own: str, alice: Actor
) -> None:
    mailboxes.trash_mailbox(actor=alice, mailbox=own)
    assert ada.get(page_of_own).status_code == 404
    assert ada.get("/d/example.org/addresses/ada/mail-program").status_code == 404


def test_changing_the_passphrase(ada: Client, own: Mailbox, page_of_own: str) -> None:
    answer = ada.post(f"{page_of_own}/passphrase", {"password_hash": OTHER_HASH}, follow=True)
    assert "The new passphrase is accepted." in text_of(answer)
    assert OTHER_HASH not in answer.content.decode()
    own.refresh_from_db()
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(own.sealed_hash or b"")) == OTHER_HASH
    assert "ada@example.org got a new passphrase." in text_of(answer)


@pytest.mark.parametrize("value", ["", "abc", "0" * 128, "ab" * 63, "g" * 128])
def test_a_bad_hash_changes_nothing(ada: Client, own: Mailbox, page_of_own: str, value: str) -> None:
    page = ada.post(f"{page_of_own}/passphrase", {"password_hash": value})
    assert page.status_code == 400
    check_page(page)
    [error] = page.context["passphrase_form"].errors["password_hash"]
    assert error in text_of(page)
    own.refresh_from_db()
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(own.sealed_hash or b"")) == HASH


def test_adding_a_target_asks_its_holder(ada: Client, own: Mailbox, page_of_own: str) -> None:
    answer = ada.post(f"{page_of_own}/targets/add", {"address": "second@home.example"}, follow=True)
    assert "We wrote to second@home.example;" in text_of(answer)
    assert "second@home.exampleNot confirmed" in text_of(answer)
    ada.post(f"{page_of_own}/targets/again", {"address": "second@home.example"})
    old, new = mails_to("second@home.example")
    assert ada.post(link_in(old, "/confirm/")).status_code == 404
    assert ada.post(link_in(new, "/confirm/")).status_code == 200
    answer = ada.post(f"{page_of_own}/targets/remove", {"address": "second@home.example"}, follow=True)
    assert "second@home.example gets no more mail. Undo" in text_of(answer)
    assert [row.address for row in own.targets.all()] == ["ada@home.example"]


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("", "The address is empty"),
        ("ada@home.example", "is in the list twice"),
        ("x@example.org", "is in the same domain"),
        ("x\0@home.example", "control character"),
        ("x@home.example\nBcc: y@z.example", "line break"),
        ("$(reboot)", "has no @"),
    ],
)
def test_a_bad_target_is_answered_beside_its_field(
    ada: Client, own: Mailbox, page_of_own: str, address: str, answer: str
) -> None:
    page = ada.post(f"{page_of_own}/targets/add", {"address": address})
    assert page.status_code == 400
    check_page(page)
    form = page.context["target_form"]
    assert list(form.errors) == ["address"]
    assert answer in " ".join(form.errors["address"])
    assert form["address"].value() == address
    assert own.targets.count() == 1


def test_a_loop_across_organizations_is_refused(
    ada: Client, own: Mailbox, page_of_own: str, charlie: Actor
) -> None:
    from tenants.actions import domains

    organization = charlie.account.memberships.get().organization  # type: ignore[union-attr]
    theirs = domains.create_domain(actor=charlie, organization=organization, name="home.example")
    mailboxes.create_mailbox(actor=charlie, domain=theirs, local_part="back", targets=["ada@example.org"])
    page = ada.post(f"{page_of_own}/targets/add", {"address": "back@home.example"})
    assert page.status_code == 400
    assert "Mail would go round in a circle" in text_of(page)


def test_buttons_for_what_is_not_there(ada: Client, page_of_own: str) -> None:
    assert ada.post(f"{page_of_own}/targets/remove", {"address": "no@home.example"}).status_code == 404
    assert ada.post(f"{page_of_own}/targets/remove", {"address": "\0"}).status_code == 404
    answer = ada.post(f"{page_of_own}/targets/again", {"address": "ada@home.example"}, follow=True)
    assert "Not done" in text_of(answer)
    assert ada.post(page_of_own).status_code == 405


def test_the_page_follows_while_a_change_is_on_its_way(
    ada: Client, own: Mailbox, page_of_own: str, make_relay: Callable[[], SyncTarget]
) -> None:
    make_relay()
    following = f"/address/{own.pk}/now"
    body = ada.get(page_of_own).content.decode()
    assert f'data-live="/live/address/{own.pk}" data-live-poll="{following}"' in body
    with nothing_written():
        part = ada.get(following).content.decode()
    state, cautions = part.strip().split('<div id="address-cautions">')
    assert state in body
    assert cautions in body
    assert "being written" in part
    assert "data-live-final" not in part
    prove(own)
    assert "data-live-final" in ada.get(following).content.decode()


def test_activity_is_that_of_the_address_only(
    ada: Client, page_of_own: str, make_mailbox: MakeMailbox
) -> None:
    make_mailbox("grace", "grace@home.example")
    assert Event.objects.filter(sentence__contains="grace@example.org").exists()
    assert "grace@example.org" not in text_of(ada.get(page_of_own))
