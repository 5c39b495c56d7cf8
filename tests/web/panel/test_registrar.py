"""The page that says what to enter at the registrar, by browser and by API; and what each name server has."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import mail_checks, secondaries
from tenants.actions.record_sets import RecordChange
from tenants.actions.server_answers import record_server_answers
from tenants.actor import Actor
from tenants.formats.mail_checks import Finding, Level
from tenants.formats.zones.agreement import Reply, Server
from tenants.models import Domain, MailCheck, Zone
from tenants.models.sync import LONG_AGO
from tests.tenants.zoning import again, begin, put
from tests.web.people import check_page, nothing_written, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns/registrar"
API = "/api/v1/domains/example.org/"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    """ns1.example.org at 192.0.2.1, ns6.gandi.example, and one without an address."""
    zone = begin(alice, domain)
    secondaries.add_secondary(actor=alice, zone=zone, host="ns6.gandi.example", address="127.0.0.40")
    return again(zone)


def above(domain: Domain, *findings: Finding) -> None:
    mail_checks.record_findings(
        actor=Actor.rookery(),
        check=mail_checks.checks_of(domain),
        findings=findings,
        only=(),
        at=timezone.now(),
    )
    MailCheck.objects.update(next_look_at=timezone.now() + mail_checks.EVERY)


def delegated(*names: str, level: Level = Level.FAIL) -> Finding:
    return Finding("delegation", level, "It is delegated.", seen=names)


def asked(client: Client) -> dict[str, Any]:
    answer = client.get(f"{API}registrar/")
    assert answer.status_code == 200
    return dict(answer.json())


def test_before_there_is_a_zone_the_page_says_what_to_do(as_alice: Client, domain: Domain) -> None:
    above(domain, delegated("ns1.old.example"))
    with nothing_written():
        page = as_alice.get(PAGE)
    check_page(page)
    assert "Begin the zone of example.org" in text_of(page)
    assert "ns1.old.example" in text_of(page)
    assert asked(as_alice)["kept"] is False


def test_each_value_stands_beside_what_the_zone_above_says(
    as_alice: Client, domain: Domain, zone: Zone
) -> None:
    page = as_alice.get(PAGE)
    check_page(page)
    assert "What the zone above (org) says is not known yet" in text_of(page)
    assert [each["there"] for each in asked(as_alice)["name_servers"]] == [None, None]
    glue = Finding("glue", Level.FAIL, "It is elsewhere.", "ns1.example.org", ("192.0.2.9",))
    signed = Finding("dnssec", Level.FAIL, "Promised.", seen=("12345 13 2 ABCD",))
    above(domain, delegated("ns1.example.org", "<b>.old.example"), glue, signed)
    page = as_alice.get(PAGE)
    check_page(page)
    text = text_of(page)
    for words in ("192.0.2.1", "192.0.2.9", "ns6.gandi.example", "<b>.old.example", "12345 13 2 ABCD"):
        assert words in text
    assert 'data-copy="glue-1"' in page.content.decode()
    assert "Enter none: ptt's primary cannot sign" in text
    told = asked(as_alice)
    assert told["name_servers"] == [
        {"name": "ns1.example.org", "there": True},
        {"name": "ns6.gandi.example", "there": False},
    ]
    assert told["glue"] == [{"name": "ns1.example.org", "there": False, "address": "192.0.2.1"}]
    assert told["strangers"] == ["<b>.old.example"]
    assert told["strange_glue"] == [{"name": "ns1.example.org", "address": "192.0.2.9"}]
    assert (told["ds"], told["right"]) == (["12345 13 2 ABCD"], False)


def test_a_delegation_that_is_right_leaves_nothing_to_enter(
    as_alice: Client, domain: Domain, zone: Zone
) -> None:
    well = delegated("ns6.gandi.example", "ns1.example.org", level=Level.OK)
    above(domain, well, Finding("glue", Level.OK, "So.", "ns1.example.org", ("192.0.2.1",)))
    assert "There is nothing to enter." in text_of(as_alice.get(PAGE))
    above(domain, well)  # a server above that keeps this zone too tells no glue
    assert asked(as_alice)["right"] is True
    above(domain, Finding("delegation", Level.UNKNOWN, "Nobody above answers."))
    assert asked(as_alice)["right"] is None


def test_a_name_server_without_an_address_is_named(as_alice: Client, alice: Actor, zone: Zone) -> None:
    servers = zone.record_sets.get(type="NS")
    servers.data = [*servers.data, "ns9.example.org."]
    servers.save()
    assert asked(as_alice)["without_address"] == ["ns9.example.org"]
    assert "does not say where ns9.example.org is" in text_of(as_alice.get(PAGE))
    put(alice, again(zone), RecordChange("ns9", "AAAA", ("2001:db8::9",)))
    assert asked(as_alice)["glue"][1]["address"] == "2001:db8::9"


def test_the_zone_above_is_asked_again(as_alice: Client, as_bob: Client, domain: Domain, zone: Zone) -> None:
    again_url = "/d/example.org/checks/again"
    above(domain, delegated("ns1.example.org"))
    given = {"check": ["delegation", "glue", "dnssec"], "back": "registrar"}
    page = as_alice.post(again_url, given, follow=True)
    assert page.redirect_chain[-1][0] == PAGE
    assert f'hx-get="{PAGE}?look=1"'.encode() in page.content
    assert MailCheck.objects.get(domain=domain).wanted == ["delegation", "dnssec", "glue"]
    assert "Ask the zone above again" not in text_of(as_bob.get(PAGE))


def test_what_each_name_server_has(as_alice: Client, zone: Zone) -> None:
    assert "They were not asked yet." in text_of(as_alice.get("/d/example.org/dns"))
    record_server_answers(
        actor=Actor.rookery(),
        zone=zone,
        replies={
            Server("ns1.example.org", "127.0.0.53", primary=True): Reply(7, True),
            Server("ns6.gandi.example", "127.0.0.40"): Reply(5, True),
            Server("ns7.gandi.example", "127.0.0.41"): Reply(problem="<nobody> answered"),
        },
        at=timezone.now(),
        asked_until=LONG_AGO,
    )
    for url in ("/d/example.org/dns", "/d/example.org/dns/servers"):
        page = as_alice.get(url)
        check_page(page)
        assert "behind by 2" in text_of(page)
        assert "<nobody> answered" in text_of(page)
        assert "Let it transfer" not in text_of(page), "it has had no time yet"
    told = as_alice.get(f"{API}zone/name-servers/").json()["results"]
    assert [(each["primary"], each["agreement"], each["behind"]) for each in told] == [
        (True, "agrees", 0),
        (False, "behind", 2),
        (False, "silent", 0),
    ]
    assert told[2]["advice"].startswith("Start it")
