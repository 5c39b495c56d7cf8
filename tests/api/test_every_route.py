"""What holds for every route: tags and conditions, idempotency keys, a place in a bulk request.

One world for the whole file; what a test changes on it is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tenants.actions import domains, organizations
from tenants.actor import Actor
from tenants.models import ApiToken, Event, StoredAnswer
from tests.access.operations import ROWS
from tests.access.rows import Row
from tests.access.stage import differences, snapshot
from tests.api.able import able
from tests.api.client import Api, operation_of
from tests.api.test_idempotency import KEY, same
from tests.conftest import account, join
from tests.world import World, add_member, build_world

pytestmark = [pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Instead of pytest-django's, one transaction for the file. It is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _taken_back(world: World) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def olga(db: None) -> Actor:
    return Actor(account=account("olga", is_staff=True))


@pytest.fixture(scope="module")
def alice(db: None) -> Actor:
    return Actor(account=account("alice"))


@pytest.fixture(scope="module")
def world(alice: Actor, olga: Actor) -> World:
    ours = organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")
    assert alice.account is not None
    join(ours, alice.account, "owner")
    domain = domains.create_domain(actor=alice, organization=ours, name="example.org")
    return build_world(alice, ours, domain)


# What says when it was made is never the same twice.
FLEETING = {"api:account-export"}
SINGLE = [row for row in ROWS if row.method == "GET" and "id" not in row.query]


@pytest.mark.parametrize("row", SINGLE, ids=lambda row: row.name)
def test_single_things_have_a_tag_and_are_not_sent_twice(
    row: Row, api: Callable[..., Api], world: World, alice: Actor
) -> None:
    client = api(alice)
    client.get("account/")  # when the token was used last is told, too
    first = client.get(row.address(world))
    if "results" in first.json() or row.name in FLEETING:
        assert "ETag" not in first
        return
    again = client.get(row.address(world), headers={"If-None-Match": f'"other", {first["ETag"]}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    weak = client.get(row.address(world), headers={"If-None-Match": f"W/{first['ETag']}"})
    assert weak.status_code == 304
    other = client.get(row.address(world), headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert client.ask("HEAD", row.address(world))["ETag"] == first["ETag"]


# What has no tag to send back: collections, strangers' doors, and what is decided about something else.
WITHOUT = {
    "api:organizations", "api:members", "api:domains", "api:domain-mailboxes", "api:findings-decide",
    "api:targets-let-all-go",
    "api:public-requests", "api:public-request-confirm", "api:public-request-withdraw",
    "api:public-target-confirm", "api:bulk", "api:tokens", "api:trash-empty", "api:requests-refuse",
    "api:domain-aliases", "api:held-names", "api:invitations", "api:public-invitation-requests",
    "api:public-decision", "api:domain-import", "api:domain-many",
    "api:zone-import",
    "api:record-sets", "api:record-set-freeze", "api:zone-keys", "api:zone-key", "api:zone-key-rotate",
    "api:zone-secondaries", "api:zone-secondary", "api:zone-repositories", "api:hosts", "api:host-networks",
    "api:update-servers", "api:signing-keys",
    "api:domain-exports", "api:domain-export-fetch",
    "api:organization-exports", "api:organization-export-fetch", "api:organization-import",
    "api:domain-roles", "api:domain-hand-over", "api:organization-take-over",
    # The plan's name is the condition; to go back is asked of one that goes on only.
    "api:stack-upgrade", "api:stack-upgrade-plan", "api:stack-upgrade-back", "api:stack-release-plan",
    "api:stack-release-current", "api:stack-letters",
    "api:host-network", "api:host-volumes", "api:host-volume", "api:images", "api:host-unikernels",
    "api:build-servers", "api:build-server", "api:image-fetches", "api:image-feeds",
    "api:webhooks", "api:webhook-rotate",
    "api:host-firewall-rules", "api:host-firewall-rule", "api:readers", "api:readers-restart",
    "api:stack-plan", "api:installation-plan", "api:host-public-addresses", "api:host-public-address",
}  # fmt: skip

# What makes the thing that is compared from then on.
MAKES = {
    ("api:repository", "PUT"),
    ("api:zone", "PUT"),
    ("api:stack", "PUT"),
    ("api:stack-canary", "PUT"),
    ("api:certificate-use", "PUT"),
    ("api:host-firewall-manage", "POST"),
}


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.method != "GET"], ids=lambda row: f"{row.method} {row.name}"
)
def test_every_write_to_one_thing_takes_a_condition(
    row: Row, api: Callable[..., Api], world: World, alice: Actor, olga: Actor
) -> None:
    """A stale tag is refused with the present one; with that the same is done. A route that compares nothing
    has to be in WITHOUT, and then refuses the header by its name."""
    address, body = row.address(world), row.body(world) or None
    person, column = able(row, world, alice, olga)
    client = api(person) if row.answer("anonymous") == "401" else Api()
    before = Event.objects.count()
    stale = client.ask(row.method, address, body, headers={"If-Match": '"stale.tag"'})
    assert Event.objects.count() == before
    described = {each["name"] for each in (operation_of(row.method.lower(), address) or {})["parameters"]}
    assert ("If-Match" in described) is (row.name not in WITHOUT)
    if row.name in WITHOUT:
        assert stale.status_code == 400
        assert stale.json()["problems"][0]["field"] == "If-Match"
        return
    if stale.status_code == 404:  # it makes the thing
        assert (row.name, row.method) in MAKES
        return
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    done = client.ask(row.method, address, body, headers={"If-Match": stale["ETag"]})
    assert str(done.status_code) == row.answer(column), done.content


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.method != "GET"],
    ids=lambda row: f"{row.method} {row.name}",
)
def test_every_write_is_done_once(
    row: Row, api: Callable[..., Api], world: World, alice: Actor, olga: Actor
) -> None:
    """Also where a second one would be refused, or would find nothing any more."""
    address, body = row.address(world), row.body(world) or None
    person, _ = able(row, world, alice, olga)
    client = api(person)
    if row.answer("anonymous") != "401":
        refused = client.ask(row.method, address, body, headers=KEY)
        assert refused.json()["problems"][0]["field"] == "Idempotency-Key"
        return
    first = client.ask(row.method, address, body, headers=KEY)
    assert first.status_code < 300
    events, kept = Event.objects.count(), StoredAnswer.objects.get()
    second = client.ask(row.method, address, body, headers=KEY)
    if "Rookery-Withheld" in second:
        hidden = dict.fromkeys(second["Rookery-Withheld"].split(", "))
        assert (second.status_code, second.json()) == (first.status_code, {**first.json(), **hidden})
    else:
        same(first, second)
    assert Event.objects.count() == events
    assert (kept.account, kept.token) == (person.account, ApiToken.objects.get(name="test"))
    other = client.ask(row.method, address, {**(body or {}), "x": 1}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert "Idempotency-Key" in {
        each["name"] for each in (operation_of(row.method.lower(), address) or {})["parameters"]
    }


# The others answer with a link or a key that is shown once, or are of a view that does.
ALONE = {
    "api:bulk",
    "api:invitations",
    "api:zone-keys",
    "api:zone-key",
    "api:zone-key-rotate",
    "api:zone-secondaries",
    "api:zone-secondary",
    "api:signing-keys",
    "api:domain-exports",
    "api:domain-export-fetch",
    "api:organization-exports",
    "api:organization-export-fetch",
    "api:webhooks",
    "api:webhook-rotate",
    "api:domain-offer",
}
BULKABLE = [
    row for row in ROWS if row.method != "GET" and row.answer("anonymous") == "401" and row.name not in ALONE
]


@pytest.mark.parametrize("row", BULKABLE, ids=lambda row: f"{row.method} {row.name}")
def test_every_write_can_be_one_of_several(
    row: Row, api: Callable[..., Api], world: World, alice: Actor, olga: Actor
) -> None:
    """And is allowed to nobody whom it is refused to alone."""
    body = row.body(world)
    wish = {"method": row.method, "path": row.address(world), **({"body": body} if body else {})}
    person, column = able(row, world, alice, olga)
    if row.answer("viewer") == "403":
        viewer = Actor(account=add_member(world.organization, "vera@people.example", "viewer").account)
        before = snapshot()
        refused = api(viewer).post("bulk/", {"operations": [wish]})
        assert refused.status_code == 422
        assert set(differences(before, snapshot())) == {
            "ApiToken",
            "Event",
            "Notice",
            "OutgoingMail",
        }  # its token
    dry = api(person).post("bulk/?dry_run=true", {"operations": [wish]})
    assert dry.status_code == 200, dry.content
    done = api(person).post("bulk/", {"operations": [wish]})
    assert [str(each["status"]) for each in done.json()["results"]] == [row.answer(column)]
    assert dry.json()["results"][0]["location"] is None
