"""Certificates in a zone, as a worker keeps them: real ones, and a clock that is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tenants.actions.zone_proofs import ProvedZone, record_zones
from tenants.actor import Actor
from tenants.expectations import expected_of
from tenants.formats.mail_checks import Level, judge
from tenants.formats.mail_checks.reading import Reading
from tenants.formats.zones.data.digests import TLSA
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.models import Certificate, Condition, Domain, Event, MailCheck, Zone
from tenants.models.sync import LONG_AGO
from tenants.zone_contents import records_of
from tests.tenants.zoning import again, begin
from tests.zones.test_certificates import NOW, OWNER, certificate, request
from workers.errands import certificates

pytestmark = pytest.mark.django_db
HOST = "mail.example.org"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    return begin(alice, domain)


def observe(zone: Zone, *records: TLSA) -> Zone:
    """As if a pass had just seen these records at the name of the certificate."""
    sets = {(row.owner, row.type): records_of(row) for row in zone.record_sets.exclude(type="TLSA")}
    if records:
        sets[f"_letsencrypt._tcp.{HOST}", "TLSA"] = Records(OWNER, 3600, records)
    proved = ProvedZone(served=7, serial=7, sets=sets)
    record_zones(actor=Actor.rookery(), target=zone.target, zones={zone.pk: proved})
    Zone.objects.filter(pk=zone.pk, certificates_due_at__lte=timezone.now()).update(certificates_due_at=NOW)
    return again(zone)


def look(zone: Zone, at: datetime = NOW) -> Certificate | None:
    certificates.look(zone.pk, lambda: at)
    return Certificate.objects.filter(zone=zone).first()


def condition(zone: Zone) -> Condition:
    return Condition.objects.get(target=zone.target, type=Condition.Type.CERTIFICATES)


@pytest.fixture
def check(zone: Zone) -> MailCheck:
    """The domain's checks, done a while ago."""
    return MailCheck.objects.create(domain=zone.domain, looked_at=NOW, next_look_at=NOW + timedelta(days=1))


def was_wanted(check: MailCheck) -> bool:
    """Is the domain to be looked at again? Then it was done."""
    wanted = MailCheck.objects.filter(pk=check.pk, next_look_at=LONG_AGO)
    return bool(wanted.update(next_look_at=NOW + timedelta(days=1)))


def line(check: MailCheck) -> tuple[Level, str]:
    (found,) = judge(expected_of(check), Reading(NOW, {}), ["certificate"]).findings
    assert found.subject == HOST
    return found.level, found.fix


def test_a_request_becomes_a_certificate(zone: Zone, check: MailCheck) -> None:
    observe(zone, request())
    row = look(zone)
    assert row is not None
    assert (row.host, row.standing, row.worries) == (HOST, "pending", False)
    assert line(check) == (Level.INFO, "")
    observe(zone, request(), certificate(end=60))
    row = look(zone, NOW + timedelta(minutes=3))
    assert row is not None
    assert (row.standing, row.valid_until) == ("valid", NOW + timedelta(days=60))
    assert row.since == NOW + timedelta(minutes=3)
    events = Event.objects.filter(verb="record_certificate").order_by("pk")
    assert [event.after["standing"] for event in events] == ["pending", "valid"]
    assert not was_wanted(check), "what goes as it should is nobody's matter"
    assert line(check) == (Level.OK, "")
    assert not condition(zone).status


def test_nothing_is_done_twice_and_only_what_is_due(zone: Zone) -> None:
    assert not certificates.look(zone.pk, lambda: NOW), "a zone without certificates is never due"
    records = (request(), certificate(end=60))
    observe(zone, *records)
    assert certificates.look(zone.pk, lambda: NOW)
    assert not certificates.look(zone.pk, lambda: NOW)
    observe(zone, *records)
    assert not certificates.look(zone.pk, lambda: NOW), "the same records again"


def test_time_alone_makes_it_worry_and_a_renewal_ends_that(zone: Zone, check: MailCheck) -> None:
    observe(zone, request(), certificate(end=30))
    look(zone)
    turns = []
    while (due := again(zone).certificates_due_at) is not None:
        turns.append((due - NOW).days)
        row = look(zone, due)
        assert row is not None
        if due == NOW + timedelta(days=18) + timedelta.resolution:
            assert (row.standing, row.worries) == ("renewal due", True)
            assert was_wanted(check)
            assert line(check) == (Level.WARN, row.fix)
            assert condition(zone).status
            assert HOST in condition(zone).message
    assert turns == [16, 18, 30]
    assert Certificate.objects.get().standing == "expired"
    assert line(check)[0] is Level.FAIL
    observe(zone, request(), certificate(end=90))
    look(zone, NOW + timedelta(days=31))
    assert was_wanted(check)
    assert line(check) == (Level.OK, "")
    assert not condition(zone).status


def test_one_that_is_asked_for_in_vain_is_told_after_an_hour_and_once(zone: Zone, check: MailCheck) -> None:
    observe(zone, request())
    look(zone)
    row = look(zone, NOW + timedelta(hours=1))
    assert row is not None
    assert (row.standing, row.worries) == ("pending", True)
    assert was_wanted(check)
    look(zone, NOW + timedelta(hours=2))
    assert not was_wanted(check)


def test_several_certificates_and_staging_are_told(zone: Zone, check: MailCheck) -> None:
    observe(zone, request(), certificate(end=60, issuer="(STAGING) Riddling Rhubarb R12"))
    row = look(zone)
    assert row is not None
    assert (row.staging, row.worries) == (True, False)
    assert "--production" in line(check)[1]
    observe(zone, request(), certificate(), certificate(end=31))
    row = look(zone)
    assert row is not None
    assert (row.standing, row.worries) == ("stuck", True)
    assert line(check)[0] is Level.FAIL


def test_a_certificate_that_is_gone_is_forgotten(zone: Zone) -> None:
    observe(zone, request(), request())
    look(zone)
    assert condition(zone).status
    observe(zone)
    assert look(zone) is None
    assert not condition(zone).status
