"""Where an organization, or Rookery of its operators, asks for a second factor: nothing goes before it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import accounts, organizations, second_factors
from tenants.actor import Actor
from tenants.errors import FactorNeeded
from tenants.factors import lacking_for
from tenants.formats import one_time_codes
from tenants.models import Account, Organization
from tests.api.client import Api
from tests.web.people import check_page, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def set_up(actor: Actor) -> None:
    """An authenticator app, as its person would."""
    seed = second_factors.begin_code_app(actor=actor)
    code = one_time_codes.code_at(seed, one_time_codes.step_at(timezone.now().timestamp()))
    second_factors.confirm_code_app(actor=actor, code=code)


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    return alice.account


@pytest.fixture
def asked(alice: Actor, organization: Organization) -> Organization:
    organizations.require_second_factor(actor=alice, organization=organization, required=True)
    return organization


def test_whoever_lacks_one_is_led_to_setting_one_up(person: Account, asked: Organization) -> None:
    browser = signed_in(person)
    for path in ("/", "/domains", "/account", "/account/tokens", f"/o/{asked.pk}", "/my", "/address/1/now"):
        answer = browser.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/account/second-factors"), path
    refused = browser.post("/account/password", {"password": "ferry-lantern-otter"})
    assert refused["Location"] == "/account/second-factors"
    page = browser.get("/account/second-factors")
    check_page(page)
    assert f"asked for by {asked.name}" in text_of(page)
    assert browser.post("/account/second-factors/app")["Location"] == "/account/second-factors/app"
    assert browser.get("/account/second-factors/app").status_code == 200
    assert browser.get("/account/sessions").status_code == 200
    assert [browser.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    assert browser.post("/sign-out")["Location"] == "/sign-in"


def test_with_one_everything_opens(alice: Actor, person: Account, asked: Organization) -> None:
    set_up(alice)
    assert signed_in(person).get("/account").status_code == 200
    assert lacking_for(person) == ""


def test_who_only_holds_an_address_is_not_asked(asked: Organization) -> None:
    stranger = accounts.account_for("ada@home.example")
    assert signed_in(stranger).get("/account").status_code == 200


def test_the_api_says_so_and_keys_are_not_made(alice: Actor, asked: Organization, person: Account) -> None:
    with pytest.raises(FactorNeeded):
        accounts.create_token(actor=alice, name="x")
    organizations.require_second_factor(actor=alice, organization=asked, required=False)
    _, key = accounts.create_token(actor=alice, name="from before")
    organizations.require_second_factor(actor=alice, organization=asked, required=True)
    api = Api(key)
    for answer in (api.get("/api/v1/domains/"), api.post("/api/v1/domains/", {"name": "new.example"})):
        assert answer.status_code == 403
        assert answer.json()["code"] == "second_factor_needed"
        assert asked.name in answer.json()["detail"]
    assert api.get("/api/v1/account/").status_code == 200
    set_up(alice)
    assert api.get("/api/v1/domains/").status_code == 200


def test_operators_need_one_where_the_setting_says_so(olga: Actor, settings: Any) -> None:
    assert olga.account is not None
    settings.STAFF_SECOND_FACTOR = True
    browser = signed_in(olga.account)
    assert browser.get("/")["Location"] == "/account/second-factors"
    assert "of its operators" in text_of(browser.get("/account/second-factors"))
    settings.STAFF_SECOND_FACTOR = False
    assert browser.get("/").status_code == 200


def test_owners_decide_it_on_the_page_and_by_api(person: Account, organization: Organization) -> None:
    browser = signed_in(person)
    check_page(browser.get(f"/o/{organization.pk}"))
    browser.post(f"/o/{organization.pk}/second-factor", {"required": "on"})
    organization.refresh_from_db()
    assert organization.second_factor_required
    set_up(Actor(account=person))
    body = {"second_factor_required": False}
    token = accounts.create_token(actor=Actor(account=person), name="x")[1]
    answer = Api(token).patch(f"/api/v1/organizations/{organization.pk}/", body)
    assert (answer.status_code, answer.json()["second_factor_required"]) == (200, False)


def test_everybody_s_pages_stay_open(person: Account, asked: Organization) -> None:
    assert signed_in(person).get("/sandbox/mail").status_code == 404
    assert Client().get("/sign-in").status_code == 200
