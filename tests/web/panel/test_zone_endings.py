"""The pages on which a zone ends, comes back, or is taken over from a repository."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import update_servers, zone_proofs, zones
from tenants.actor import Actor
from tenants.models import Domain, Finding, SyncTarget, Zone
from tests.tenants.zoning import MAIL, again, begin, connect, put
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    return again(zone)


def test_a_zone_is_removed_with_its_name_typed_and_comes_back(
    as_alice: Client, as_bob: Client, zone: Zone
) -> None:
    assert as_bob.get(f"{PAGE}/end").status_code == 403
    assert "Stop keeping it" in text_of(as_alice.get(f"{PAGE}/settings"))
    told = as_alice.get(f"{PAGE}/end")
    check_page(told)
    assert "Mail for example.org stops" in text_of(told)
    assert "4 record sets" in text_of(told)
    wrong = as_alice.post(f"{PAGE}/end", {"do": "remove", "name": "example.com"})
    assert wrong.status_code == 400
    assert "is not example.org" in text_of(wrong)
    on_its_way = as_alice.post(f"{PAGE}/end", {"do": "remove", "name": "example.org"}, follow=True)
    check_page(on_its_way)
    assert "is being taken off the air" in text_of(on_its_way)
    assert as_alice.get(f"{PAGE}/settings").status_code == 404
    assert "Begin anew" not in text_of(as_alice.get(f"{PAGE}?begin=1"))
    zone.target.refresh_from_db()
    zone_proofs.record_removed(actor=Actor.rookery(), target=zone.target, zone_ids=[zone.pk])
    SyncTarget.objects.update(observed_generation=zone.target.generation)
    gone = as_alice.get(PAGE)
    check_page(gone)
    assert "the primary does not answer for it any more" in text_of(gone)
    assert "Connect a zone repository" not in text_of(gone)
    assert "Begin the zone" in text_of(as_alice.get(f"{PAGE}?begin=1"))
    back = as_alice.post(f"{PAGE}/return", follow=True)
    check_page(back)
    assert "mail" in text_of(back)
    assert again(zone).standing == "returning"


def test_it_is_let_go(as_alice: Client, as_bob: Client, zone: Zone) -> None:
    page = as_alice.post(f"{PAGE}/end", {"do": "let_go"}, follow=True)
    check_page(page)
    assert "Outside it is as it was" in text_of(page)
    assert "An owner of the organization can bring it back" in text_of(as_bob.get(PAGE))
    assert as_bob.post(f"{PAGE}/return").status_code == 403
    assert as_alice.post(f"{PAGE}/end", {"do": "let_go"}).status_code == 404


def test_how_changes_by_others_are_treated_is_chosen_beside_how_it_is_kept(
    as_alice: Client, as_bob: Client, zone: Zone
) -> None:
    page = as_alice.get(f"{PAGE}/settings")
    check_page(page)
    repository = zone.target.repository_id
    saved = as_alice.post(f"{PAGE}/repository/{repository}/drift", {"mode": "repair", "back": "settings"})
    assert saved.headers["Location"] == f"{PAGE}/settings"
    zone.target.refresh_from_db()
    assert zone.target.drift_mode == "repair"
    assert "Repair: write what Rookery has" in text_of(as_bob.get(f"{PAGE}/settings"))


def test_a_zone_that_nobody_described_is_offered(
    as_alice: Client, as_bob: Client, alice: Actor, domain: Domain
) -> None:
    repository = connect(alice, domain)
    Finding.objects.create(
        target=repository.sync_target,
        unit="example.org",
        kind="foreign",
        sentence="example.org is a zone with 4 record sets, serial 7. Rookery can keep all of it.",
        outside="www.example.org. 3600 IN A 192.0.2.80",
        outside_id="1 new",
        takeable=True,
        since=timezone.now(),
    )
    where = f"{PAGE}/repository/{repository.pk}"
    for page in (as_alice.get(PAGE), as_alice.get(where)):
        check_page(page)
        assert "4 record sets, serial 7" in text_of(page)
        assert "Take it over" in text_of(page)
    assert "Take it over" not in text_of(as_bob.get(where))
    taken = as_alice.post(f"{where}/take", {"decision": "adopt", "unit": "example.org"}, follow=True)
    check_page(taken)
    assert "A worker takes it over now" in text_of(taken)
    assert Finding.objects.get().decision == "adopt"


def test_what_a_name_server_holds_is_only_let_go(as_alice: Client, alice: Actor, domain: Domain) -> None:
    server = update_servers.connect_update_server(
        actor=alice,
        organization=domain.organization,
        name="ns1",
        address="9.9.9.9",
        key="rookery.keys.example:SHA256:" + "QUJD" * 8,
    )
    zone = zones.create_zone(actor=alice, domain=domain, server=server)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    page = as_alice.get(f"{PAGE}/end")
    check_page(page)
    assert "remove it there" in text_of(page)
    assert "Type example.org" not in text_of(page)
    assert as_alice.post(f"{PAGE}/end", {"do": "remove", "name": "example.org"}).status_code == 409
    gone = as_alice.post(f"{PAGE}/end", {"do": "let_go"}, follow=True)
    assert "Rookery does not keep example.org any more" in text_of(gone)
