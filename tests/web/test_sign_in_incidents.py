"""What went wrong with signing in at other panels in 2025 and 2026, each test named after its class."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from tenants.actions import accounts, organizations
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Account, Organization, OutgoingMail, RecoveryCode, SignInLink
from tests.web import entrances
from tests.web.people import link_in, mails_to
from tests.web.test_needed_factors import set_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords"), pytest.mark.one_database]
COOKIE = django_settings.SESSION_COOKIE_NAME


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    return alice.account


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_session_fixation(person: Account) -> None:
    """A session that somebody else knows, put into the victim's browser, is worth nothing afterwards."""
    victim, thief = Client(), Client()
    thief.post("/sign-in", {"way": "link", "email": person.email, "next": "/account"})
    planted = thief.cookies[COOKIE].value
    victim.cookies[COOKIE] = planted
    assert entrances.by_password(victim, person).status_code == 302
    assert is_in(victim)
    assert victim.cookies[COOKIE].value != planted
    assert not is_in(thief)
    made_up = Client()
    made_up.cookies[COOKIE] = "a" * 32
    entrances.by_password(made_up, person)
    assert made_up.cookies[COOKIE].value != "a" * 32


@pytest.mark.parametrize(
    "headers", [{"x-forwarded-host": "evil.example"}, {"forwarded": "host=evil.example"}]
)
def test_host_poisoning(headers: dict[str, str], person: Account) -> None:
    """Links in mails begin with the configured address, whatever a request says of itself."""
    Client().post("/sign-in", {"way": "link", "email": person.email}, headers=headers)
    assert "evil.example" not in mails_to(person.email)[-1]
    assert link_in(mails_to(person.email)[-1], "/sign-in/")


def test_host_poisoning_by_host(person: Account, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    answer = Client().post(
        "/sign-in", {"way": "link", "email": person.email}, headers={"host": "evil.example"}
    )
    assert answer.status_code == 400
    assert not OutgoingMail.objects.filter(recipient=person.email).exists()


def test_second_factor_bypass_by_what_is_stored(alice: Actor, person: Account) -> None:
    """What the database holds of a recovery code is no recovery code."""
    set_up(alice)
    browser = Client()
    entrances.by_password(browser, person)
    stored = RecoveryCode.objects.filter(account=person).values_list("digest", flat=True)[0]
    assert browser.post("/second-step", {"code": stored}).status_code == 400
    link = SignInLink.objects.create(account=person, digest="d" * 64, expires_at="2999-01-01T00:00:00Z")
    assert Client().post(f"/sign-in/{link.digest}").status_code == 404
    assert not is_in(browser)


def test_second_factor_bypass_by_a_key_for_programs(alice: Actor, organization: Organization) -> None:
    """Whoever must have a second factor makes no key without one; keys make no keys."""
    organizations.require_second_factor(actor=alice, organization=organization, required=True)
    with pytest.raises(Forbidden):
        accounts.create_token(actor=alice, name="around it")
    with pytest.raises(Forbidden):
        accounts.create_token(actor=Actor(account=alice.account, token="one"), name="another")


def test_privilege_escalation_by_another_rank(person: Account, olga: Actor) -> None:
    """A session from before somebody became operator is not the operator's under its old key."""
    browser, thief = Client(), Client()
    entrances.by_password(browser, person)
    thief.cookies[COOKIE] = browser.cookies[COOKIE].value
    accounts.create_operator(actor=Actor.rookery(), email=person.email, accept_hosted=True)
    assert is_in(browser)
    assert not is_in(thief)


def test_missing_csrf_protection(person: Account) -> None:
    """No other site signs anybody in, out, or closes their sessions."""
    browser = Client(enforce_csrf_checks=True)
    for path in ("/sign-in", "/sign-in-by-passkey", "/sign-out", "/second-step", "/account/sessions/close"):
        assert browser.post(path, {}).status_code == 403, path


def test_enumeration_by_passkey(person: Account) -> None:
    """Who begins to sign in by a passkey says no name, so there is nothing to ask about."""
    assert b"allowCredentials" not in Client().post("/sign-in-by-passkey", {"email": person.email}).content
