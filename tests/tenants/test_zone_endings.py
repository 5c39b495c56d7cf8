"""Ending zones: what is told before, what is refused, and that nothing is written into what ended."""

from __future__ import annotations

import pytest

from tenants.actions import (
    domains,
    record_sets,
    secondaries,
    tsig_keys,
    undo,
    zone_adoption,
    zone_endings,
    zones,
)
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.desired_zones import domains_of, leaving_zones, published_zones
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Soa
from tenants.models import Domain, Event, Organization, Repository, TsigKey, Zone
from tenants.zone_contents import is_held
from tests.tenants.zoning import MAIL, again, begin, connect, others_wrote, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    return again(zone)


def repository_of(zone: Zone) -> Repository:
    assert zone.target.repository is not None
    return zone.target.repository


def test_what_disappears_is_told(alice: Actor, domain: Domain, zone: Zone) -> None:
    others_wrote(zone, "_letsencrypt._tcp.mail.example.org", "TLSA", "3 0 0 ABCD")
    tsig_keys.create_key(actor=alice, repository=repository_of(zone), zone=zone, used_by="le", right="update")
    secondaries.add_secondary(actor=alice, zone=zone, host="ns6.gandi.example", address="127.0.0.40")
    second = domains.create_domain(actor=alice, organization=domain.organization, name="second.example")
    other = begin(alice, second, zone.target.repository)
    put(alice, other, RecordChange("@", "MX", ("10 mail.example.org.",)))
    told = zone_endings.preview_ending(alice, again(zone))
    assert (told.record_sets, told.others, told.removable) == (6, 1, "")
    assert len(told.keys) == 2
    assert told.secondaries == ("ns6.gandi.example",)
    said = " ".join(told.cautions)
    assert told.cautions[0].startswith("Mail for example.org stops: its MX (mail.example.org.)")
    assert "second.example MX point to names in example.org" in said
    assert "Certificates" in said
    assert "1048576 s" in said
    assert "registrar" in said


def test_removing_needs_the_name(alice: Actor, bob: Actor, zone: Zone) -> None:
    with pytest.raises(Invalid, match=r"is not example\.org"):
        zone_endings.remove_zone(actor=alice, zone=zone, name="example.com")
    with pytest.raises(Forbidden):
        zone_endings.remove_zone(actor=bob, zone=zone, name="example.org")
    assert again(zone).standing == "kept"


def test_nothing_is_written_into_what_ended(alice: Actor, domain: Domain, zone: Zone) -> None:
    stale, target = again(zone), zone.target
    zone_endings.remove_zone(actor=alice, zone=zone, name="example.org")
    assert [each.origin.short for each in leaving_zones(target)] == ["example.org"]
    assert not published_zones(target)
    for act in (
        lambda: put(alice, stale, RecordChange("www", "A", ("192.0.2.80",))),
        lambda: zones.freeze_zone(actor=alice, zone=stale, frozen=True),
        lambda: zones.change_soa(actor=alice, zone=stale, minimum=60),
        lambda: zone_endings.let_go_zone(actor=alice, zone=stale),
        lambda: record_sets.freeze_record_set(
            actor=alice, zone=stale, owner="mail", record_type="A", frozen=True
        ),
        lambda: secondaries.add_secondary(actor=alice, zone=stale, host="ns6.b.example", address="127.0.0.4"),
        lambda: tsig_keys.create_key(
            actor=alice, repository=repository_of(stale), zone=stale, used_by="le", right="update"
        ),
        lambda: zones.create_zone(actor=alice, domain=domain, repository=target.repository),
    ):
        with pytest.raises(Conflict, match=r"being removed|has a zone"):
            act()


def test_a_frozen_zone_and_one_that_was_never_published_are_not_removed(
    alice: Actor, domain: Domain, zone: Zone
) -> None:
    zones.freeze_zone(actor=alice, zone=zone, frozen=True)
    with pytest.raises(Conflict, match="frozen"):
        zone_endings.remove_zone(actor=alice, zone=zone, name="example.org")
    third = domains.create_domain(actor=alice, organization=domain.organization, name="third.example")
    new = zones.create_zone(actor=alice, domain=third, repository=zone.target.repository, address="192.0.2.1")
    with pytest.raises(Conflict, match="never published"):
        zone_endings.remove_zone(actor=alice, zone=new, name="third.example")
    zone_endings.let_go_zone(actor=alice, zone=new)


def test_another_zone_follows_one_that_ended(alice: Actor, domain: Domain, zone: Zone) -> None:
    """What was proved about the domain holds on; the keys of the former one are gone with it."""
    secondaries.add_secondary(actor=alice, zone=zone, host="ns6.gandi.example", address="127.0.0.40")
    zone_endings.let_go_zone(actor=alice, zone=again(zone))
    assert "example.org" in domains_of(zone.target).ours
    new = zones.create_zone(
        actor=alice, domain=domain, repository=zone.target.repository, address="192.0.2.1"
    )
    assert (new.owned_by, new.pk != zone.pk) == ("text", True)
    assert not TsigKey.objects.filter(zone__isnull=False).exists()
    with pytest.raises(Conflict):
        undo.undo_event(actor=alice, event=Event.objects.get(verb="let_go_zone"))


def test_undo_of_each_way(alice: Actor, zone: Zone) -> None:
    zone_endings.let_go_zone(actor=alice, zone=zone)
    undo.undo_event(actor=alice, event=Event.objects.get(verb="let_go_zone"))
    assert again(zone).standing == "kept"
    undo.undo_event(actor=alice, event=Event.objects.get(verb="bring_zone_back"))
    assert again(zone).standing == "let_go"


def test_it_comes_back_only_where_no_other_organization_began_one_around_it(
    alice: Actor, charlie: Actor, zone: Zone
) -> None:
    zone_endings.let_go_zone(actor=alice, zone=zone)
    works = Organization.objects.get(name="Difference Works")
    sub = Domain.objects.create(organization=works, name="sub.example.org")
    begin(charlie, sub, connect(charlie, sub, "works.git"))
    with pytest.raises(Invalid, match="belongs to another organization"):
        zone_endings.bring_zone_back(actor=alice, zone=again(zone))


def test_only_workers_take_over(alice: Actor, domain: Domain, zone: Zone) -> None:
    soa = Soa(Name.of("ns1.example.org"), Name.of("hostmaster.example.org"), 7)
    with pytest.raises(Forbidden):
        zone_adoption.take_over_zone(
            actor=alice, target=zone.target, domain=domain, soa=soa, sets={}, served=None
        )
    with pytest.raises(Conflict, match="has a zone already"):
        zone_adoption.take_over_zone(
            actor=Actor.rookery(), target=zone.target, domain=domain, soa=soa, sets={}, served=None
        )


@pytest.mark.parametrize(
    ("mailbox", "held"),
    [("hostmaster.example.org", True), ("HostMaster.example.org", True), ("example", False)],
)
def test_which_soa_a_row_can_hold(mailbox: str, held: bool) -> None:
    assert is_held(Soa(Name.of("ns1.example.org"), Name.of(mailbox), 7)) is held
