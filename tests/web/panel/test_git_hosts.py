"""The page of a git host: nothing seen, a plan, commands to paste; and of moving a zone."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.actions import git_hosts, update_servers
from tenants.actions.agreed import Seen
from tenants.actor import Actor
from tenants.models import Domain, HostSetup, Repository, Zone
from tests.as_if import CHECKSUM, seen_host
from tests.tenants.zoning import begin, connect
from tests.web.people import check_page, text_of
from tests.world import HOST_KEY, UPDATE_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(alice: Actor, domain: Domain) -> Repository:
    row = connect(alice, domain)
    Repository.objects.filter(pk=row.pk).update(host_key=HOST_KEY)
    return row


def test_from_a_look_to_what_was_agreed(
    as_alice: Client, as_bob: Client, alice: Actor, repository: Repository
) -> None:
    at = f"/d/example.org/git-host/{repository.pk}"
    page = as_alice.get(at)
    check_page(page)
    assert "Nobody has looked yet" in text_of(page)
    bad = as_alice.post(at, {"readers": "id_ed25519", "writers": ""})
    assert bad.status_code == 400
    assert "This is no public key of SSH" in text_of(bad)
    asked = as_alice.post(at, {"readers": "", "writers": f"{HOST_KEY} primary\n\n"}, follow=True)
    check_page(asked)
    assert "A worker is there" in text_of(asked)
    assert HostSetup.objects.get().keys == [{"key": HOST_KEY, "writes": True}]
    HostSetup.objects.all().delete()
    seen_host(repository)
    plan = as_alice.get(at)
    check_page(plan)
    assert "git config x true" in text_of(plan)
    assert "Do exactly this" in text_of(plan)
    assert "Do exactly this" not in text_of(as_bob.get(at))
    assert "not the plan" in text_of(as_alice.post(f"{at}/prepare", {"plan": "x"}, follow=True))
    done = as_alice.post(f"{at}/prepare", {"plan": CHECKSUM}, follow=True)
    check_page(done)
    assert HostSetup.objects.get().asked == "prepare"
    moving = as_alice.get(at, headers={"HX-Request": "true"})
    assert "data-live-final" not in moving.content.decode()
    git_hosts.record_git_host(
        actor=Actor.rookery(),
        setup=HostSetup.objects.get(),
        seen=Seen("by_hand", "Only git.", steps=[{"sentence": "Look", "command": "<b>"}]),
    )
    by_hand = as_alice.get(at)
    check_page(by_hand)
    assert "What to run there" in text_of(by_hand)
    assert "&lt;b&gt;" in by_hand.content.decode()


def test_a_zone_is_moved_and_its_server_let_go(as_alice: Client, alice: Actor, domain: Domain) -> None:
    zone = begin(alice, domain)
    lonely = as_alice.get("/d/example.org/dns/place")
    check_page(lonely)
    assert "There is no other place" in text_of(lonely)
    server = update_servers.connect_update_server(
        actor=alice, organization=domain.organization, name="ns1", address="9.9.9.9", key=UPDATE_KEY
    )
    page = as_alice.get("/d/example.org/dns/place")
    check_page(page)
    assert "keeps the zone's file" in text_of(page)
    wanted = {"place": str(server.sync_target.pk), "take_along": "on"}
    waits = as_alice.post("/d/example.org/dns/place", wanted)
    assert waits.status_code == 409
    assert as_alice.post("/d/example.org/dns/place", {"place": "0"}).status_code == 400
    check_page(as_alice.post("/d/example.org/dns/place", {**wanted, "even_so": "on"}, follow=True))
    assert Zone.objects.get().target == server.sync_target
    at = f"/d/example.org/dns/server/{server.pk}"
    assert "Keep them elsewhere" in text_of(as_alice.get(at))
    assert "holds example.org" in text_of(as_alice.post(f"{at}/disconnect", follow=True))
    back = {"place": str(zone.target.pk), "take_along": "on", "even_so": "on"}
    check_page(as_alice.post("/d/example.org/dns/place", back, follow=True))
    gone = as_alice.post(f"{at}/disconnect", follow=True)
    check_page(gone)
    assert "is disconnected" in text_of(gone)
