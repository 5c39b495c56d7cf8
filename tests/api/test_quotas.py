"""Quotas in the API's organization, and the notice of a suspension on its pages."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants.actions import domain_roles, suspension
from tenants.actor import Actor
from tenants.models import Account, Domain, Event, Organization
from tests.conftest import account

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def client_of(actor: Actor) -> APIClient:
    client = APIClient()
    assert isinstance(actor.account, Account)
    client.force_login(actor.account)
    return client


def test_an_operator_sets_them_and_owners_see_what_is_left(
    olga: Actor, alice: Actor, organization: Organization
) -> None:
    address = f"/api/v1/organizations/{organization.pk}/"
    assert client_of(alice).patch(address, {"member_quota": 7}, format="json").status_code == 403
    assert client_of(olga).patch(address, {"member_quota": 7}, format="json").status_code == 200
    shown = client_of(alice).get(address).json()
    assert (shown["member_quota"], shown["member_count"]) == (7, 1)
    assert (shown["webhook_quota"], shown["webhook_count"], shown["token_count"]) == (10, 0, 0)
    refused = client_of(olga).patch(address, {"member_quota": 0}, format="json")
    assert refused.status_code == 400
    assert "member_quota" in refused.content.decode()


def test_who_has_a_part_in_one_domain_sees_no_quotas(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    peter = account("peter")
    domain_roles.give_domain_role(actor=alice, domain=domain, email=peter.email, role="postmaster")
    (shown,) = client_of(Actor(account=peter)).get("/api/v1/organizations/").json()["results"]
    assert shown["name"] == "Analytical Society"
    assert {value for name, value in shown.items() if name.endswith(("_quota", "_count"))} == {None}
    client = Client()
    client.force_login(peter)
    page = client.get(f"/o/{organization.pk}").content.decode()
    assert "Analytical Society" in page
    assert "alice" not in page
    assert " left" not in page


def test_events_are_narrowed_by_time_and_kind(alice: Actor, domain: Domain) -> None:
    made = Event.objects.get(verb="create_domain")
    client = client_of(alice)

    def found(**query: str) -> list[int]:
        return [each["id"] for each in client.get("/api/v1/events/", query).json()["results"]]

    moment = made.at.isoformat()
    assert made.pk in found(since=moment, verb="create_domain")
    assert found(until=moment, verb="create_domain") == []
    assert found(since="2999-01-01T00:00:00Z") == []
    assert client.get("/api/v1/events/", {"since": "yesterday"}).status_code == 400


def test_a_suspended_organization_says_so_on_every_page(
    olga: Actor, alice: Actor, domain: Domain, organization: Organization
) -> None:
    suspension.suspend_organization(actor=olga, organization=organization, reason="Unpaid since May.")
    client = Client()
    assert alice.account is not None
    client.force_login(alice.account)
    for address in ("/", f"/d/{domain.name}/addresses", f"/o/{organization.pk}"):
        page = client.get(address).content.decode()
        assert "Unpaid since May." in page, address
        assert "nothing can be changed" in page, address
