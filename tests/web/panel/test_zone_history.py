"""The history of a zone and of each record set: only its own events, and Undo from there."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import Domain, Finding, RecordSet, Zone
from tests.tenants.zoning import MAIL, begin, put
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    put(alice, zone, RecordChange("mail", "A", ("192.0.2.26",)))
    return zone


def test_each_record_set_has_its_own(as_alice: Client, as_bob: Client, alice: Actor, zone: Zone) -> None:
    assert f"{PAGE}/history/A/mail.example.org" in as_alice.get(PAGE).content.decode()
    page = as_alice.get(f"{PAGE}/history/A/mail.example.org")
    check_page(page)
    text = text_of(page)
    assert "mail.example.org A was changed." in text
    assert "mail.example.org A was set." in text
    assert "example.org MX" not in text
    undo = re.search(r'href="(/activity/\d+|[^"]*/\d+)#undo"', page.content.decode())
    assert undo is not None
    as_alice.post(f"{undo.group(1)}/undo")
    assert zone.record_sets.get(owner="mail.example.org").data == ["192.0.2.25"]
    check_page(as_bob.get(f"{PAGE}/history/A/mail.example.org"))
    assert "#undo" not in as_bob.get(f"{PAGE}/history/A/mail.example.org").content.decode()


def test_the_zone_has_one_of_all(as_alice: Client, alice: Actor, zone: Zone) -> None:
    put(alice, zone, RecordChange("@", "MX"))
    page = as_alice.get(f"{PAGE}/history")
    check_page(page)
    assert "example.org MX was removed." in text_of(page)
    assert "mail.example.org A was set." in text_of(page)


def test_of_what_never_was(as_alice: Client, zone: Zone) -> None:
    page = as_alice.get(f"{PAGE}/history/TXT/no/such%00thing.example.org")
    check_page(page)


@pytest.mark.parametrize("outside", ["mail.example.org. 60 IN A 192.0.2.99", None, "# not a record"])
def test_what_others_changed_is_taken_as_it_is_there(
    as_alice: Client, zone: Zone, outside: str | None
) -> None:
    if outside is None:
        RecordSet.objects.filter(type="MX").delete()
    Finding.objects.create(
        target=zone.target,
        unit="mail.example.org A",
        kind=Finding.Kind.DRIFT,
        sentence="mail.example.org A was changed outside.",
        outside=outside,
        ours="mail.example.org. 3600 IN A 192.0.2.26",
        takeable=False,
        since=timezone.now(),
    )
    page = as_alice.get(PAGE)
    check_page(page)
    assert "Take what is there" in text_of(page)
    assert "Leave it as it is there" in text_of(page)
    sent = {"unit": "mail.example.org A", "decision": "adopt"}
    told = as_alice.post(f"{PAGE}/decide", sent, follow=True)
    check_page(told)
    if outside and outside.startswith("#"):
        assert "cannot be taken over" in text_of(told)
        return
    as_alice.post(f"{PAGE}/review")
    row = zone.record_sets.get(owner="mail.example.org")
    assert (row.absent, row.ttl) == ((True, row.ttl) if outside is None else (False, 60))
    if outside:
        assert row.data == ["192.0.2.99"]
    stale = {"unit": "nothing.example.org A", "decision": "adopt"}
    gone = as_alice.post(f"{PAGE}/decide", stale, follow=True)
    assert "nothing left to decide" in text_of(gone)
