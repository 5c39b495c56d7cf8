"""Pages of name servers that take dynamic updates, and of zones that are kept there."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.actions import update_servers, zone_proofs, zones
from tenants.actor import Actor
from tenants.models import Domain, Event, UpdateServer, Zone
from tests.tenants.zoning import again
from tests.web.people import check_page, text_of
from tests.world import UPDATE_KEY

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"
SENT = {"name": "ns1", "address": "9.9.9.9", "port": "53", "key": UPDATE_KEY}


@pytest.fixture
def server(alice: Actor, domain: Domain) -> UpdateServer:
    return update_servers.connect_update_server(
        actor=alice, organization=domain.organization, name="ns1", address="9.9.9.9", key=UPDATE_KEY
    )


def test_from_nothing_to_a_zone(as_alice: Client, domain: Domain) -> None:
    start = as_alice.get(PAGE)
    check_page(start)
    assert "Connect a name server that takes dynamic updates" in text_of(start)
    made = as_alice.post(f"{PAGE}/server/new", SENT, follow=True)
    check_page(made)
    assert "Next: keep the zone of example.org there" in text_of(made)
    assert "Keep it there" in text_of(as_alice.get(PAGE))
    server = UpdateServer.objects.get()
    begun = as_alice.post(f"{PAGE}/server/{server.pk}/begin", follow=True)
    check_page(begun)
    assert "_rookery.example.org" in text_of(begun)
    assert not Zone.objects.get().record_sets.exists(), "what is there is read before anything is ours"
    settings = as_alice.get(f"{PAGE}/settings")
    check_page(settings)
    assert "The name server keeps its SOA itself" in text_of(settings)
    check_page(as_alice.get(f"{PAGE}/server/{server.pk}"))


def test_what_is_wrong_is_said_by_its_field_and_the_key_is_never_shown(
    as_alice: Client, server: UpdateServer
) -> None:
    for field, value, says in (
        ("address", "10.0.0.3", "not an address of the public Internet"),
        ("address", "ns1", "is no IP address"),
        ("key", "rookery", "This is no key"),
        ("key", "rookery.example:MD5:" + "QUJD" * 8, "is no algorithm here"),
        ("key", "rookery.example:SHA256:short", "is no base64"),
        ("key", "rookery.example:SHA256:QUJD", "could be guessed"),
        ("name", "", "Write"),
        ("name", "ns1", "has a name server called ns1"),
    ):
        answer = as_alice.post(f"{PAGE}/server/new", {**SENT, field: value})
        assert answer.status_code in {400, 409}, (field, value)
        assert says in text_of(answer)
        assert "QUJDQUJD" not in answer.content.decode()
    assert UpdateServer.objects.count() == 1
    told = "".join(f"{each.before}{each.after}{each.sentence}" for each in Event.objects.all())
    assert "QUJDQUJD" not in told


def test_another_key_is_given_on_its_page(as_alice: Client, as_bob: Client, server: UpdateServer) -> None:
    at = f"{PAGE}/server/{server.pk}"
    bad = as_alice.post(f"{at}/key", {"key": "x"})
    assert bad.status_code == 400
    assert "This is no key" in text_of(bad)
    key = "hmac-sha512:other.keys.example:" + "QUJD" * 8
    done = as_alice.post(f"{at}/key", {"key": key}, follow=True)
    assert "other.keys.example" in text_of(done)
    server.refresh_from_db()
    assert (server.key_name, server.algorithm) == ("other.keys.example", "SHA512")
    assert as_bob.post(f"{at}/key", {"key": key}).status_code == 403


def test_a_zone_there_takes_records_before_it_was_read(
    as_alice: Client, alice: Actor, domain: Domain, server: UpdateServer
) -> None:
    zone = zones.create_zone(actor=alice, domain=domain, server=server)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    typed = {"owner": "@", "records": "10 mail", "ttl": ""}
    check_page(as_alice.post(f"{PAGE}/record?type=MX", typed, follow=True))
    review = as_alice.get(f"{PAGE}/review")
    check_page(review)
    applied = as_alice.post(f"{PAGE}/review", follow=True)
    assert applied.status_code == 200
    assert zone.record_sets.get().type == "MX"
    soa = as_alice.post(
        f"{PAGE}/settings",
        {
            "first_server": "ns1.example.org",
            "contact": "dns@example.org",
            "refresh": "3600",
            "retry": "600",
            "expire": "864000",
            "minimum": "60",
        },
    )
    assert soa.status_code == 409
    assert again(zone).minimum == 3600
