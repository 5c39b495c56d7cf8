"""Programs' keys: what narrows them, when they stop, and what only a person in a browser may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import accounts, domains, organizations
from tenants.actor import Actor
from tenants.models import Account, ApiToken, Domain, Event, Mailbox, Organization
from tests.api.client import Api
from tests.web.people import signed_in
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def browser(actor: Actor) -> Client:
    assert actor.account is not None
    client = Client(enforce_csrf_checks=True)
    client.cookies = signed_in(actor.account).cookies
    return client


def with_csrf(client: Client) -> Api:
    token = "a" * 32
    client.cookies["rookery_csrf"] = token
    return Api(client=client, **{"X-CSRFToken": token})


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer rk_",
        "Bearer rk_unknown",
        "Bearer x",
        "bearer rk_\xff",
        "Bearer " + "rk_" * 999,
    ],
)
def test_what_is_no_token_is_told_so(header: str, domain: Domain) -> None:
    answer = Api(Authorization=header).get("domains/")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert answer["WWW-Authenticate"] == 'Bearer realm="rookery", error="invalid_token"'


def test_an_expired_a_revoked_and_an_unknown_one_look_the_same(api: Callable[..., Api], alice: Actor) -> None:
    old, gone = api(alice, days=1), api(alice)
    assert old.get("domains/").status_code == gone.get("domains/").status_code == 200
    rows = list(ApiToken.objects.order_by("pk"))
    ApiToken.objects.filter(pk=rows[0].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    accounts.revoke_token(actor=alice, token_id=rows[1].pk)
    bodies = set()
    for client in (old, gone, Api("rk_" + "x" * 43)):
        answer = client.get("domains/")
        assert answer.status_code == 401
        bodies.add(answer.content.replace(answer.json()["request_id"].encode(), b""))
    assert len(bodies) == 1


def test_a_token_of_a_closed_account_stops(api: Callable[..., Api], alice: Actor) -> None:
    client = api(alice)
    assert alice.account is not None
    Account.objects.filter(pk=alice.account.pk).update(is_active=False)
    assert client.get("domains/").status_code == 401


@pytest.fixture
def elsewhere(alice: Actor, world: World) -> Organization:
    """A second organization of alice's, with a domain."""
    other = organizations.create_organization(actor=Actor.rookery(), name="Elsewhere")
    assert alice.account is not None
    organizations.add_member(
        actor=Actor.rookery(), organization=other, email=alice.account.email, role="owner"
    )
    domains.create_domain(actor=alice, organization=other, name="elsewhere.example")
    return other


def test_a_narrowed_token_sees_one_organization(
    api: Callable[..., Api], alice: Actor, olga: Actor, world: World, elsewhere: Organization
) -> None:
    for person in (alice, olga):
        client = api(person, organization=elsewhere)
        listed = client.get("domains/").json()["results"]
        assert [each["name"] for each in listed] == ["elsewhere.example"]
        assert [each["id"] for each in client.get("organizations/").json()["results"]] == [elsewhere.pk]
        for address in (
            f"organizations/{world.organization.pk}/",
            "domains/example.org/",
            "mailboxes/ada@example.org/",
            f"requests/{world.request.pk}/",
            f"targets/{world.target.pk}/",
            f"runs/{world.run.pk}/",
        ):
            assert client.get(address).status_code == 404
        for address in ("requests/", "targets/", "runs/"):
            assert client.get(address).json()["results"] == []
        events = client.get("events/").json()["results"]
        assert {each["organization"] for each in events} == {elsewhere.pk}
        for member in client.get("account/").json()["memberships"]:
            assert member["organization"] == elsewhere.pk
    assert api(olga, organization=elsewhere).post("organizations/", {"name": "More"}).status_code == 403


def test_what_a_token_does_is_written_down_with_its_name(
    api: Callable[..., Api], alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    answer = api(alice).patch("mailboxes/ada@example.org/", {"note": "by program"})
    event = Event.objects.first()
    assert event is not None
    assert (event.via, event.token, event.actor_name, event.ip) == ("api", "test", "Alice", "127.0.0.1")
    assert event.request_id == answer["X-Request-Id"]


def test_a_program_sees_itself_and_makes_no_keys(api: Callable[..., Api], alice: Actor) -> None:
    accounts.create_token(actor=alice, name="other")
    client = api(alice)
    assert [each["name"] for each in client.get("account/tokens/").json()["results"]] == ["test"]
    assert client.get("account/").json()["token"]["name"] == "test"
    assert client.post("account/tokens/", {"name": "more"}).status_code == 403
    own = ApiToken.objects.get(name="test")
    assert client.delete(f"account/tokens/{own.pk}/").status_code == 403
    other = ApiToken.objects.get(name="other")
    assert client.delete(f"account/tokens/{other.pk}/").status_code == 404


def test_a_person_makes_and_revokes_keys_in_a_browser(alice: Actor, charlie: Actor) -> None:
    mine = with_csrf(browser(alice))
    made = mine.post("account/tokens/", {"name": "backup", "read_only": True, "days": None})
    assert made.status_code == 201
    key, row = made.json()["key"], ApiToken.objects.get()
    assert (row.name, row.read_only, row.expires_at) == ("backup", True, None)
    assert key.startswith("rk_")
    assert Api(key).get("account/").json()["email"] == "alice@people.example"
    assert key not in mine.get("account/tokens/").content.decode()
    assert with_csrf(browser(charlie)).delete(f"account/tokens/{row.pk}/").status_code == 404
    assert mine.delete(f"account/tokens/{row.pk}/?dry_run=true").json()["name"] == "backup"
    assert mine.delete(f"account/tokens/{row.pk}/").status_code == 204
    assert Api(key).get("account/").status_code == 401


def test_a_key_for_a_foreign_organization_is_not_made(alice: Actor, charlie: Actor) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    answer = with_csrf(browser(alice)).post("account/tokens/", {"name": "x", "organization": theirs.pk})
    assert answer.status_code == 404
    assert not ApiToken.objects.exists()


def test_a_browser_needs_its_csrf_token_to_write(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    client = browser(alice)
    assert Api(client=client).get("mailboxes/ada@example.org/").status_code == 200
    answer = Api(client=client).delete("mailboxes/ada@example.org/")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "CSRF" in answer.json()["detail"]
    assert Mailbox.objects.get().trashed_at is None
    assert with_csrf(client).delete("mailboxes/ada@example.org/").status_code == 200


def test_a_bad_token_is_not_saved_by_a_cookie(alice: Actor) -> None:
    assert Api("rk_wrong", client=browser(alice)).get("domains/").status_code == 401


def test_public_addresses_use_no_sign_in(alice: Actor, world: World, api: Callable[..., Api]) -> None:
    wish = {"local_part": "mary", "target": "mary@home.example", "password_hash": "ab" * 64}
    for client in (api(alice), Api("rk_wrong"), Api(client=browser(alice))):
        assert client.post("public/domains/example.org/requests/", wish).status_code == 202
    event: Any = Event.objects.filter(verb="submit_request").first()
    assert event.actor is None
    assert replace(Actor(), via=event.via).account is None


def test_a_person_sees_and_ends_their_sessions_and_a_program_does_not(
    alice: Actor, api: Callable[..., Api]
) -> None:
    here, other, third = browser(alice), browser(alice), browser(alice)
    mine = with_csrf(here)
    rows = mine.get("account/sessions/").json()["results"]
    assert sorted(each["here"] for each in rows) == [False, False, True]
    gone = next(each["name"] for each in rows if not each["here"])
    assert mine.delete(f"account/sessions/{gone}/?dry_run=true").json()["name"] == gone
    assert mine.delete(f"account/sessions/{gone}/").status_code == 204
    assert mine.delete(f"account/sessions/{gone}/").status_code == 404
    assert mine.post("account/sessions/close-others/").json() == {"closed": 1}
    assert [each["here"] for each in mine.get("account/sessions/").json()["results"]] == [True]
    assert {Api(client=each).get("account/").status_code for each in (other, third)} == {401}
    program = api(alice)
    assert program.get("account/sessions/").status_code == 403
    assert program.post("account/sessions/close-others/").status_code == 403


def test_an_owner_makes_keys_of_the_organization(alice: Actor, organization: Organization) -> None:
    mine, there = with_csrf(browser(alice)), f"organizations/{organization.pk}/service-tokens/"
    wish = {"name": "nightly import", "role": "manager", "idle_days": 30}
    assert mine.post(f"{there}?dry_run=true", wish).json()["key"] is None
    made = mine.post(there, wish).json()
    assert (made["role"], made["idle_days"], made["organization"]) == ("manager", 30, organization.pk)
    program = Api(made["key"])
    assert program.get("account/").json()["name"] == "nightly import"
    members = program.get(f"organizations/{organization.pk}/members/").json()["results"]
    assert [each["program"] for each in members] == [False, True]
    assert [each["id"] for each in program.get(there).json()["results"]] == [made["id"]]
    assert program.post(there, wish).status_code == 403
    assert mine.delete(f"{there}{made['id']}/").status_code == 204
    assert program.get("account/").status_code == 401


def test_a_key_of_a_domain_sees_its_stack_s_target(
    api: Callable[..., Api], alice: Actor, world: World
) -> None:
    stack, row = world.stack, world.stack.sync_target
    wanted = f"targets/{row.pk}/"
    assert api(alice, domain=stack.domain).get(wanted).json()["kind"] == "stack"
    bare = Domain.objects.get(name="bare.example.org")
    assert api(alice, domain=bare).get(wanted).status_code == 404
