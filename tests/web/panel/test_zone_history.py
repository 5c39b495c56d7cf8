"""The history of a zone and of each record set: only its own events, and Undo from there."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import Domain, Zone
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
