"""Passkeys: added, used as second step and alone, removed; and answers that prove nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from tenants import passkeys
from tenants.actor import Actor
from tenants.factors import factors_of
from tenants.models import Account, Event, OutgoingMail, Passkey
from tests.access.hostile import TEXTS, never_as_markup
from tests.web import entrances
from tests.web.authenticator import Authenticator, options_in
from tests.web.people import check_page, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords"), pytest.mark.one_database]
ADD, ALONE = "/account/second-factors/passkeys", "/sign-in-by-passkey"


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    return alice.account


def add(browser: Client, stick: Authenticator, name: str = "Blue stick") -> Any:
    asking = browser.post(ADD)
    check_page(asking)
    return browser.post(ADD, {"name": name, "answer": stick.make(options_in(asking))})


@pytest.fixture
def stick(person: Account) -> Authenticator:
    made = Authenticator()
    assert add(signed_in(person), made).status_code == 200
    OutgoingMail.objects.all().delete()
    return made


def alone(stick: Authenticator, browser: Client | None = None) -> Any:
    browser = browser or Client()
    return browser.post(ALONE, {"answer": stick.prove(options_in(browser.post(ALONE)))})


def second(stick: Authenticator, browser: Client) -> Any:
    asking = browser.post("/second-step", {"way": "passkey"})
    check_page(asking)
    return browser.post("/second-step", {"way": "passkey", "answer": stick.prove(options_in(asking))})


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_one_is_added_named_listed_and_removed(person: Account) -> None:
    browser, other = signed_in(person), signed_in(person)
    first = add(browser, Authenticator(), "Blue stick")
    check_page(first)
    assert factors_of(person).recovery_codes_left == 10
    assert (is_in(browser), is_in(other)) == (True, False)
    assert add(browser, Authenticator(), "Phone")["Location"] == "/account/second-factors"
    page = browser.get("/account/second-factors")
    check_page(page)
    assert "Blue stick" in text_of(page)
    assert "Phone" in text_of(page)
    assert [event.after for event in Event.objects.filter(verb="add_passkey").order_by("pk")] == [
        {"passkey": "Blue stick"},
        {"passkey": "Phone"},
    ]
    assert OutgoingMail.objects.filter(recipient=person.email, subject="A passkey was added").count() == 2
    for row in Passkey.objects.all():
        assert browser.post(f"{ADD}/{row.pk}/remove").status_code == 302
    assert not factors_of(person)
    assert factors_of(person).recovery_codes_left == 0


def test_one_gets_another_name(person: Account, stick: Authenticator) -> None:
    browser, row = signed_in(person), Passkey.objects.get()
    assert browser.post(f"{ADD}/{row.pk}/rename", {"name": "Keys on the hook"}).status_code == 302
    page = browser.get("/account/second-factors")
    check_page(page)
    assert "Keys on the hook" in text_of(page)
    event = Event.objects.get(verb="rename_passkey")
    assert (event.before, event.after) == ({"passkey": row.name}, {"passkey": "Keys on the hook"})
    browser.post(f"{ADD}/{row.pk}/rename", {"name": " "})
    assert Passkey.objects.get().name == "Keys on the hook"
    assert is_in(browser)


def test_nobody_removes_another_s(person: Account, stick: Authenticator, charlie: Actor) -> None:
    assert charlie.account is not None
    row = Passkey.objects.get()
    assert signed_in(charlie.account).post(f"{ADD}/{row.pk}/remove").status_code == 404
    assert Passkey.objects.get() == row


def test_the_second_step(client: Client, person: Account, stick: Authenticator) -> None:
    assert entrances.by_password(client, person)["Location"] == "/second-step"
    check_page(client.get("/second-step"))
    assert second(stick, client).status_code == 302
    assert is_in(client)
    assert "the second step was the passkey “Blue stick”" in Event.objects.get(verb="sign_in").sentence
    assert Passkey.objects.get().last_used_at is not None


def test_alone(person: Account, stick: Authenticator) -> None:
    browser = Client()
    asking = browser.post(ALONE, {"next": "/account/tokens"})
    check_page(asking)
    # It names nobody: who asks does not say who they are.
    assert options_in(asking).get("allowCredentials") in (None, [])
    assert options_in(asking)["userVerification"] == "required"
    before = browser.session.session_key
    answer = browser.post(ALONE, {"answer": stick.prove(options_in(asking))})
    assert (answer.status_code, answer["Location"]) == (302, "/account/tokens")
    assert browser.session.session_key != before
    assert is_in(browser)


def test_it_proves_again_for_what_needs_a_fresh_sign_in(person: Account, stick: Authenticator) -> None:
    browser = Client()
    alone(stick, browser)
    session = browser.session
    session["signed_in_at"] -= 3600
    session.save()
    typed = {"name": "backup", "days": "30"}
    asked = browser.post("/account/tokens", typed)
    assert asked.status_code == 403
    asking = browser.post("/account/tokens", {**typed, "again_way": "passkey"})
    check_page(asking)
    stranger = browser.post(
        "/account/tokens",
        {**typed, "again_way": "passkey", "again_answer": Authenticator().prove(options_in(asking))},
    )
    assert stranger.status_code == 400
    assert person.tokens.count() == 0
    proof = stick.prove(options_in(stranger))
    done = browser.post("/account/tokens", {**typed, "again_way": "passkey", "again_answer": proof})
    assert done.status_code == 200
    assert person.tokens.count() == 1


WRONG = {
    "another origin": {"origin": "http://localhost:1"},
    "our name below another": {"origin": "http://localhost.evil.example:8080"},
    "another panel": {"rp_id": "evil.example"},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "another passkey": {"credential_id": b"unknown"},
    "another person": {"handle": b"x" * 32},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_proves_nothing(
    wrong: dict[str, Any], client: Client, person: Account, stick: Authenticator
) -> None:
    false = replace(stick, **wrong)
    refused = alone(false)
    assert refused.status_code == 400
    check_page(refused)
    entrances.by_password(client, person)
    assert second(false, client).status_code == 400
    assert not is_in(client)
    assert second(stick, client).status_code == 302


def test_alone_it_has_to_know_who_holds_it(client: Client, person: Account, stick: Authenticator) -> None:
    unsure = replace(stick, verifies=False)
    assert alone(unsure).status_code == 400
    entrances.by_password(client, person)
    assert second(unsure, client).status_code == 302


def test_an_answer_counts_once_and_for_its_question(person: Account, stick: Authenticator) -> None:
    browser = Client()
    asking = browser.post(ALONE)
    proof = stick.prove(options_in(asking))
    assert Client().post(ALONE, {"answer": proof}).status_code == 400
    assert browser.post(ALONE, {"answer": proof}).status_code == 302
    browser.post("/sign-out")
    assert browser.post(ALONE, {"answer": proof}).status_code == 400
    # Of the second step, alone: that question asks less.
    half = Client()
    entrances.by_password(half, person)
    options = options_in(half.post("/second-step", {"way": "passkey"}))
    assert half.post(ALONE, {"answer": stick.prove(options)}).status_code == 400
    assert not is_in(half)


def test_an_answer_comes_within_minutes(person: Account, stick: Authenticator) -> None:
    browser = Client()
    options = options_in(browser.post(ALONE))
    session = browser.session
    asked = session["asked_of_passkey"]
    session["asked_of_passkey"] = {**asked, "at": (timezone.now() - timedelta(minutes=6)).timestamp()}
    session.save()
    assert browser.post(ALONE, {"answer": stick.prove(options)}).status_code == 400


def test_a_copy_is_noticed(person: Account, stick: Authenticator) -> None:
    stick.counter = 7
    assert alone(stick).status_code == 302
    assert alone(stick).status_code == 400
    stick.counter = 0
    assert alone(stick).status_code == 400
    stick.counter = 8
    assert alone(stick).status_code == 302


def test_who_is_switched_off_stays_out(person: Account, stick: Authenticator) -> None:
    Account.objects.filter(pk=person.pk).update(is_active=False)
    assert alone(stick).status_code == 400


def test_it_belongs_to_one_account(person: Account, stick: Authenticator, charlie: Actor) -> None:
    assert charlie.account is not None
    browser = signed_in(charlie.account)
    assert add(browser, stick).status_code == 409
    half = Client()
    charlie.account.set_password(entrances.PASSWORD)
    charlie.account.save()
    add(signed_in(charlie.account), Authenticator())
    entrances.by_password(half, charlie.account)
    assert second(stick, half).status_code == 400


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_answers_and_names(text: str, person: Account, stick: Authenticator) -> None:
    browser = signed_in(person)
    for data in ({"answer": text}, {"answer": f'{{"rawId": "{text}"}}'}, {"answer": '{"rawId": 7}'}):
        browser.post(ALONE)
        assert browser.post(ALONE, data).status_code == 400
        browser.post(ADD)
        assert browser.post(ADD, {"name": "x", **data}).status_code == 400
    answer = add(browser, Authenticator(), text)
    assert answer.status_code in {302, 400}
    never_as_markup(browser.get("/account/second-factors"))


@pytest.mark.parametrize(
    ("url", "name", "origin"),
    [
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
        ("https://Panel.example", "panel.example", "https://panel.example"),
        ("https://panel.example:443", "panel.example", "https://panel.example"),
        ("https://panel.example:8443", "panel.example", "https://panel.example:8443"),
        ("http://panel.example", "", "http://panel.example"),
        ("http://127.0.0.1:8080", "", "http://127.0.0.1:8080"),
        ("https://[2001:db8::1]", "", "https://2001:db8::1"),
    ],
)
def test_the_name_is_of_the_configured_address(url: str, name: str, origin: str, settings: Any) -> None:
    settings.BASE_URL = url
    assert passkeys.rp_id() == name
    assert passkeys.origin() == origin


def test_without_a_name_none_is_offered(person: Account, settings: Any) -> None:
    settings.BASE_URL = "http://127.0.0.1:8080"
    browser = signed_in(person)
    assert "Add a passkey" not in text_of(browser.get("/account/second-factors"))
    assert browser.post(ADD).status_code == 409


def test_a_forged_host_changes_nothing(person: Account) -> None:
    asking = signed_in(person).post(ADD, headers={"host": "127.0.0.1", "x-forwarded-host": "evil.example"})
    assert options_in(asking)["rp"]["id"] == "localhost"
