"""Signing in: links work once, passwords are counted, and nothing tells who has an account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants import limits
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.models import Account, Event, OutgoingMail, SignInLink
from tests.web.people import check_page, link_in, mails_to, nothing_written, signed_in, text_of

pytestmark = pytest.mark.django_db
EMAIL = "alice@people.example"
PASSWORD = "quartz slope vivid ferry"


def ask_for_link(client: Client, email: str = EMAIL, **extra: str) -> str:
    client.post("/sign-in", {"way": "link", "email": email, **extra})
    return link_in(mails_to(email)[-1], "/sign-in/")


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def password(quick_passwords: None, alice: Actor) -> str:
    accounts.set_panel_password(actor=alice, password=PASSWORD)
    return PASSWORD


def by_password(client: Client, email: str = EMAIL, password: str = PASSWORD, **extra: str) -> object:
    return client.post("/sign-in", {"way": "password", "email": email, "password": password, **extra})


def test_a_link_signs_in_once(client: Client, alice: Actor) -> None:
    check_page(client.get("/sign-in"))
    link = ask_for_link(client)
    with nothing_written():
        page = client.get(link)
        client.get(link)
    check_page(page)
    assert EMAIL not in page.content.decode()
    before = client.session.session_key
    answer = client.post(link)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)
    assert client.session.session_key != before
    assert Event.objects.filter(verb="sign_in").get().actor == alice.account

    other = Client()
    for answer in (other.get(link), other.post(link)):
        assert answer.status_code == 404
        check_page(answer)
        assert "This link does not work any more" in text_of(answer)
        assert b'name="email"' in answer.content
    assert not is_signed_in(other)


def test_an_old_link_does_not_work(client: Client, alice: Actor) -> None:
    link = ask_for_link(client)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404
    assert not is_signed_in(client)


def test_the_answer_is_the_same_whether_there_is_an_account(client: Client, alice: Actor) -> None:
    known = client.post("/sign-in", {"way": "link", "email": EMAIL})
    unknown = client.post("/sign-in", {"way": "link", "email": "nobody@people.example"})
    check_page(known)
    assert known.status_code == unknown.status_code == 200
    assert text_of(known).replace(EMAIL, "X") == text_of(unknown).replace("nobody@people.example", "X")
    assert [row.recipient for row in OutgoingMail.objects.filter(subject__contains="sign in")] == [EMAIL]


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a\0b@people.example", "a b@people.example", "ä@x.y"])
def test_an_address_that_is_none(client: Client, email: str) -> None:
    for way in ("link", "password"):
        page = client.post("/sign-in", {"way": way, "email": email, "password": "x"})
        assert page.status_code == 400
        check_page(page)
        assert list(page.context[f"{way}_form"].errors) == ["email"]
        assert page.context[f"{way}_form"]["email"].value() == email


@pytest.mark.usefixtures("password")
def test_a_password_signs_in(client: Client, alice: Actor) -> None:
    answer = by_password(client, email="Alice@People.Example", next="/account?x=1&y=2")
    assert (answer.status_code, answer["Location"]) == (302, "/account?x=1&y=2")  # type: ignore[attr-defined, index]
    assert is_signed_in(client)
    event = Event.objects.filter(verb="sign_in").get()
    assert "panel password" in event.sentence
    assert (event.actor, event.ip) == (alice.account, "127.0.0.1")


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@people.example", PASSWORD), ("olga@people.example", ""), (EMAIL, "x" * 2000)],
)
def test_a_wrong_password(client: Client, email: str, password: str) -> None:
    page = client.post("/sign-in", {"way": "password", "email": email, "password": password})
    assert page.status_code == 400
    check_page(page)
    assert "do not belong together" in text_of(page)
    assert page.context["password_open"]
    assert page.context["password_form"]["email"].value() == email
    if password:
        assert password not in page.content.decode()
    assert not is_signed_in(client)


@pytest.mark.usefixtures("password")
def test_somebody_who_was_switched_off_cannot_sign_in(client: Client, alice: Actor) -> None:
    link = ask_for_link(client)
    Account.objects.filter(email=EMAIL).update(is_active=False)
    assert client.post(link).status_code == 404
    by_password(client)
    assert not is_signed_in(client)


def test_where_to_go_on_to(client: Client, alice: Actor) -> None:
    page = client.get("/sign-in", {"next": "/account/tokens"})
    assert 'name="next" value="/account/tokens"' in page.content.decode()
    link = ask_for_link(client, next="/account/tokens")
    assert client.post(link)["Location"] == "/account/tokens"


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "way-in"]
)
@pytest.mark.usefixtures("password")
def test_never_to_another_site(client: Client, next_url: str) -> None:
    assert by_password(client, next=next_url)["Location"] == "/"  # type: ignore[index]
    assert next_url not in Client().get("/sign-in", {"next": next_url}).content.decode()
    # Who has a session already is sent on at once.
    inside = Client()
    by_password(inside)
    assert inside.get("/sign-in", {"next": next_url})["Location"] == "/"


def test_whoever_runs_nothing_lands_on_their_own_page(client: Client) -> None:
    accounts.account_for("holder@people.example")
    assert client.post(ask_for_link(client, "holder@people.example"))["Location"] == "/my"


def test_signing_out(alice: Actor) -> None:
    client = signed_in(alice.account)
    assert client.get("/sign-out").status_code == 405
    assert client.get("/sign-in").status_code == 302
    answer = client.post("/sign-out", follow=True)
    assert "You are signed out." in text_of(answer)
    assert not is_signed_in(client)


def test_links_are_limited_for_each_address(client: Client, alice: Actor) -> None:
    for _ in range(limits.LINKS_PER_ADDRESS.count):
        client.post("/sign-in", {"way": "link", "email": EMAIL})
    page = client.post("/sign-in", {"way": "link", "email": EMAIL.upper()})
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 3600
    assert page.context["link_form"]["email"].value() == EMAIL.upper()
    assert len(mails_to(EMAIL)) == limits.LINKS_PER_ADDRESS.count
    # It is the same for an address that has no account.
    for _ in range(limits.LINKS_PER_ADDRESS.count):
        assert client.post("/sign-in", {"way": "link", "email": "no@x.example"}).status_code == 200
    assert client.post("/sign-in", {"way": "link", "email": "no@x.example"}).status_code == 429


def test_links_are_limited_for_each_network(client: Client) -> None:
    for number in range(limits.LINKS_PER_NETWORK.count):
        client.post("/sign-in", {"way": "link", "email": f"p{number}@x.example"})
    assert client.post("/sign-in", {"way": "link", "email": "last@x.example"}).status_code == 429


@pytest.mark.usefixtures("password", "quick_passwords")
def test_passwords_are_counted_before_they_are_looked_at(client: Client) -> None:
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        assert by_password(client, password=f"wrong {number}").status_code == 400  # type: ignore[attr-defined]
    page = by_password(client)
    assert page.status_code == 429  # type: ignore[attr-defined]
    assert int(page["Retry-After"]) > 0  # type: ignore[index]
    assert not is_signed_in(client)
    # The way by mail stays open.
    assert client.post(ask_for_link(client)).status_code == 302


@pytest.mark.usefixtures("password", "quick_passwords")
def test_a_right_password_uses_nothing_up() -> None:
    for _ in range(limits.PASSWORDS_PER_NETWORK.count + 1):
        assert by_password(Client()).status_code == 302  # type: ignore[attr-defined]
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        assert by_password(Client(), password=f"wrong {number}").status_code == 400  # type: ignore[attr-defined]
    assert by_password(Client(), password="wrong again").status_code == 429  # type: ignore[attr-defined]


@pytest.mark.usefixtures("password", "quick_passwords")
def test_the_same_wrong_password_counts_once(alice: Actor) -> None:
    for _ in range(limits.PASSWORDS_PER_NETWORK.count + 1):
        assert by_password(Client(), password="wrong").status_code == 400  # type: ignore[attr-defined]
    assert by_password(Client()).status_code == 302  # type: ignore[attr-defined]
    # What was wrong before may be right after a change.
    accounts.set_panel_password(actor=alice, password="a wrong one no more")
    assert by_password(Client(), password="a wrong one no more").status_code == 302  # type: ignore[attr-defined]


@pytest.mark.usefixtures("quick_passwords")
def test_a_wrong_password_becomes_right_when_it_is_set(alice: Actor) -> None:
    assert by_password(Client()).status_code == 400  # type: ignore[attr-defined]
    accounts.set_panel_password(actor=alice, password=PASSWORD)
    assert by_password(Client()).status_code == 302  # type: ignore[attr-defined]


@pytest.mark.usefixtures("password", "quick_passwords")
def test_an_account_that_is_locked_uses_up_no_network(client: Client) -> None:
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        by_password(client, password=f"wrong {number}")
    for _ in range(limits.PASSWORDS_PER_NETWORK.count):
        assert by_password(client).status_code == 429  # type: ignore[attr-defined]
    assert by_password(client, email="other@x.example").status_code == 400  # type: ignore[attr-defined]


@pytest.mark.usefixtures("password", "quick_passwords")
def test_every_sign_in_has_a_new_session(client: Client, alice: Actor) -> None:
    ids = [client.session.session_key]
    by_password(client)
    ids.append(client.session.session_key)
    client.post(ask_for_link(Client()))
    ids.append(client.session.session_key)
    client.post("/account/password", {"password": "another one for the panel"})
    ids.append(client.session.session_key)
    assert is_signed_in(client)
    assert len(set(ids)) == len(ids)
    for old in filter(None, ids[:-1]):
        thief = Client()
        thief.cookies["rookery_session"] = old
        assert thief.get("/account").status_code == 302


@pytest.mark.usefixtures("quick_passwords")
def test_passwords_are_counted_for_each_network(client: Client) -> None:
    for number in range(limits.PASSWORDS_PER_NETWORK.count):
        by_password(client, email=f"p{number}@x.example")
    assert by_password(client, email="last@x.example").status_code == 429  # type: ignore[attr-defined]


def test_nobody_is_signed_in_without_the_csrf_token(alice: Actor) -> None:
    link = ask_for_link(Client())
    strict = Client(enforce_csrf_checks=True)
    for path in ("/sign-in", link, "/sign-out"):
        assert strict.post(path, {"way": "link", "email": EMAIL}).status_code == 403
    assert SignInLink.objects.filter(used_at=None).count() == 1
