"""Before what matters somebody signs in again, and loses nothing of what was typed."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from panel import fresh
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.models import Account, ApiToken, Event, Mailbox
from tenants.secrets import Opener, Purpose
from tests.conftest import join
from tests.web.people import check_page, link_in, mails_to, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]
HASH = hashlib.blake2b(b"six-other-words-for-a-change").hexdigest()
PASSWORD = "quartz slope vivid ferry"
PASSPHRASE = "/d/example.org/addresses/ada/passphrase"


@pytest.fixture
def ada(holder: Account) -> Client:
    """Signed in a while ago, in a browser that checks CSRF tokens as real ones do."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = signed_in(holder).cookies
    age(client)
    return client


def age(client: Client, by: timedelta = fresh.FRESH_FOR) -> None:
    session = client.session
    session["signed_in_at"] = (timezone.now() - by).timestamp()
    session.save()


def fields(page: Any, way: str) -> dict[str, str]:
    """The hidden fields of one of the page's forms, as a browser sends them."""
    forms = re.findall(r'<form class="card form".*?</form>', page.content.decode(), re.DOTALL)
    [form] = [form for form in forms if f'name="again_way" value="{way}"' in form]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def ask(client: Client, path: str = PASSPHRASE, **data: str) -> Any:
    token = re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', client.get("/account").content.decode())[0]
    return client.post(path, {"csrfmiddlewaretoken": token, **data})


def passphrase(mailbox: Mailbox) -> str:
    mailbox.refresh_from_db()
    return Opener().open(Purpose.MAILBOX_HASH, bytes(mailbox.sealed_hash or b""))


def test_the_way_by_a_link_in_another_window(ada: Client, own: Mailbox) -> None:
    page = ask(ada, password_hash=HASH)
    assert page.status_code == 403
    check_page(page)
    assert "nothing was changed yet" in text_of(page)
    assert "With your panel password" not in text_of(page)
    page = ada.post(PASSPHRASE, fields(page, "link"))
    check_page(page)
    assert "We sent a link to ada@home.example." in text_of(page)
    held = fields(page, "go")
    assert held["password_hash"] == HASH
    # Too early.
    assert "You have not signed in again yet" in text_of(ada.post(PASSPHRASE, held))
    assert passphrase(own) != HASH
    link = link_in(mails_to("ada@home.example")[-1], "/sign-in/")
    token = re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', ada.get(link).content.decode())[0]
    answer = ada.post(link, {"csrfmiddlewaretoken": token})
    # Whoever closed the first window goes on from the page of the address.
    assert answer["Location"] == "/d/example.org/addresses/ada"
    # The first window: the form that was open all the time still works.
    answer = ada.post(PASSPHRASE, held)
    assert answer["Location"] == "/d/example.org/addresses/ada"
    assert passphrase(own) == HASH


def test_the_way_by_a_panel_password_is_one_step(ada: Client, own: Mailbox, holder: Account) -> None:
    holder.set_password(PASSWORD)
    holder.save()
    ada.cookies = signed_in(holder).cookies
    age(ada)
    page = ask(ada, password_hash=HASH)
    held = fields(page, "password")
    before = ada.cookies["rookery_session"].value
    refused = ada.post(PASSPHRASE, {**held, "again_password": "not the right one"})
    assert refused.status_code == 400
    check_page(refused)
    assert "do not belong together" in text_of(refused)
    assert "not the right one" not in refused.content.decode()
    assert passphrase(own) != HASH
    answer = ada.post(PASSPHRASE, {**fields(refused, "password"), "again_password": PASSWORD})
    assert answer.status_code == 302
    assert passphrase(own) == HASH
    assert ada.cookies["rookery_session"].value != before
    assert Event.objects.filter(verb="sign_in", actor=holder).count() == 1


def test_signing_in_is_enough_for_some_minutes(ada: Client, own: Mailbox) -> None:
    for since, status in ((timedelta(0), 302), (fresh.FRESH_FOR - timedelta(seconds=30), 302)):
        age(ada, since)
        assert ask(ada, password_hash=HASH).status_code == status
    for since in (fresh.FRESH_FOR, timedelta(days=3), timedelta(days=-1)):
        age(ada, since)
        assert ask(ada, password_hash=HASH).status_code == 403
    session = ada.session
    for stamp in (None, "now", True):
        session["signed_in_at"] = stamp
        session.save()
        assert ask(ada, password_hash=HASH).status_code == 403


def test_what_is_guarded(ada: Client, own: Mailbox, holder: Account) -> None:
    """A session that was left open is not enough to stay in, to let others in, to leave, or to send as it."""
    guarded = {
        "/account/password": {"password": PASSWORD},
        "/account/tokens": {"name": "backup", "days": "30"},
        "/account/delete": {"email": "ada@home.example"},
        "/d/example.org/addresses/ada/delete-own": {"address": "ada@example.org"},
        "/d/example.org/addresses/ada/hand-over": {"email": "x@home.example"},
        PASSPHRASE: {"password_hash": HASH},
    }
    join(own.domain.organization, holder, "owner")
    person = {"email": "x@home.example", "role": "owner"}
    guarded |= {f"/o/{own.domain.organization_id}/members": person}
    guarded |= {"/d/example.org/settings/people": {**person, "role": "postmaster"}}
    count = Event.objects.count()
    for path, data in guarded.items():
        page = ask(ada, path, **data)
        assert (page.status_code, "Sign in again to go on" in text_of(page)) == (403, True), path
    assert Event.objects.count() == count
    assert not ApiToken.objects.exists()
    holder.refresh_from_db()
    assert not holder.has_usable_password()


def test_a_password_is_not_carried_along(ada: Client, holder: Account) -> None:
    """It is typed once more; no page has it."""
    page = ask(ada, "/account/password", password=PASSWORD)
    assert PASSWORD not in page.content.decode()
    age(ada, timedelta(0))
    answer = ada.post("/account/password", fields(page, "link"))
    assert answer["Location"] == "/account"
    assert "Type it once more" in text_of(ada.get("/account"))


def test_what_was_typed_is_text(ada: Client, own: Mailbox) -> None:
    page = ask(ada, password_hash='"><script>alert(1)</script>')
    assert "<script>alert" not in page.content.decode()


def test_links_and_passwords_are_counted_here_too(ada: Client, own: Mailbox, holder: Account) -> None:
    holder.set_password(PASSWORD)
    holder.save()
    ada.cookies = signed_in(holder).cookies
    age(ada)
    held = fields(ask(ada, password_hash=HASH), "link")
    answers = [ada.post(PASSPHRASE, held) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 429]
    assert fields(answers[-1], "link")["password_hash"] == HASH
    guesses = [
        ada.post(PASSPHRASE, {**held, "again_way": "password", "again_password": f"guess {number}"})
        for number in range(11)
    ]
    assert guesses[-1].status_code == 429
    assert "Retry-After" in guesses[-1].headers


def test_a_link_for_somebody_else_does_not_lead_on(ada: Client, own: Mailbox, alice: Actor) -> None:
    """Signing in as another person ends the first session; what was typed belongs to nobody then."""
    held = fields(ask(ada, password_hash=HASH), "link")
    assert alice.account is not None
    accounts.ask_for_sign_in_link(actor=Actor(), email=alice.account.email)
    link = link_in(mails_to(alice.account.email)[-1], "/sign-in/")
    token = re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', ada.get(link).content.decode())[0]
    assert ada.post(link, {"csrfmiddlewaretoken": token}).status_code == 302
    assert ada.post(PASSPHRASE, held).status_code == 403
    assert passphrase(own) != HASH
