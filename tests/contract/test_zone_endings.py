"""Zones that are removed, let go, brought back and taken over: real git, real SSH, the sandbox's primary."""

from __future__ import annotations

import time

import pytest

from tenants.actions import adoption, domains, record_sets, undo, zone_endings
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.models import Domain, Event, Organization, Zone
from tests.contract.test_zone_repository import MAIL, fresh, machine_key, machine_writes, put, world, zone
from tests.contract.zone_world import ZoneWorld
from workers.controller import Ending

__all__ = ["fresh", "world", "zone"]

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = """$ORIGIN found.example.
$TTL 3600
@ SOA ns1 hostmaster 7 86400 7200 1048576 3600
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.80
_letsencrypt._tcp.www TLSA 3 0 0 ABCD
"""


def push(world: ZoneWorld, files: dict[str, str], ahead: int = 60) -> None:
    """Somebody pushes, and tells the primary."""
    repository = world.running.repository
    known = {name: repository.show(name) for name in repository.names()}
    repository.commit(known | files, when=int(time.time()) + ahead)


def test_a_removed_zone_is_gone_and_comes_back_whole(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    key = machine_key(world, alice, zone)
    machine_writes(world, key, "sel._domainkey.example.org", "v=DKIM1; p=abc")
    world.agree()
    before, first = world.serial("example.org"), world.running.repository.tip()
    told = zone_endings.preview_ending(alice, world.again(zone))
    assert "Mail for example.org stops" in told.cautions[0]
    zone_endings.remove_zone(actor=alice, zone=world.again(zone), name="Example.org.")
    event = Event.objects.get(verb="remove_zone")
    world.agree()
    assert world.running.repository.names() == {"_keys"}
    assert world.running.repository.git("rev-list", "--count", f"{first}..main").strip() == "1"
    assert world.ask("example.org", "SOA") == ["NOTAUTH"]
    assert world.again(zone).standing == "removed"
    with pytest.raises(Conflict, match="Bring it back"):
        put(alice, world.again(zone), RecordChange("www", "A", ("192.0.2.80",)))
    tip = world.running.repository.tip()
    world.agree()
    assert world.running.repository.tip() == tip
    undo.undo_event(actor=alice, event=event)
    world.agree()
    assert world.again(zone).standing == "kept"
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]
    assert world.ask("sel._domainkey.example.org", "TXT") == ['"v=DKIM1; p=abc"']
    assert world.serial("example.org") > before
    assert "example.org._keys" in world.running.repository.names()
    world.agree()
    machine_writes(world, key, "late.example.org", "its key works again")
    assert not world.target.findings.exists()


def test_a_primary_that_does_not_pull_is_told_again(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    """The file is gone from git already; the zone counts as removed only when nothing answers for it."""
    zone_endings.remove_zone(actor=alice, zone=zone, name="example.org")
    notify = world.kind._primary
    world.kind._primary = lambda current: _Deaf(notify(current))  # type: ignore[assignment,method-assign,return-value]
    assert world.reconcile() is Ending.RETRY
    assert "example.org" not in world.running.repository.names()
    assert world.again(zone).standing == "removing"
    world.kind._primary = notify  # type: ignore[method-assign]
    type(world.target).objects.update(next_try_at=world.target.marked_at)
    world.agree()
    assert world.again(zone).standing == "removed"
    assert world.ask("example.org", "SOA") == ["NOTAUTH"]


class _Deaf:
    """A primary that says yes to a NOTIFY and does not pull."""

    def __init__(self, primary: object) -> None:
        self._primary = primary

    def notify(self, origin: object) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        return getattr(self._primary, name)


def test_let_go_leaves_everything_and_can_be_taken_over_again(
    world: ZoneWorld, alice: Actor, zone: Zone
) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    tip = world.running.repository.tip()
    zone_endings.let_go_zone(actor=alice, zone=world.again(zone))
    world.agree()
    found = world.target.findings.get(unit="example.org")
    assert found.takeable
    assert "Rookery can keep all of it" in found.sentence
    adoption.decide_findings(actor=alice, target=world.target, decision="adopt", units=["example.org"])
    world.agree()
    world.agree()
    assert world.running.repository.tip() == tip, "not a byte was changed"
    taken = Zone.objects.get()
    assert (taken.standing, taken.owned_by, taken.pk != zone.pk) == ("kept", "text", True)
    assert not world.target.findings.exists()
    record_sets.change_record_sets(actor=alice, zone=taken, changes=[RecordChange("@", "MX")])
    world.agree()
    assert world.ask("example.org", "MX") == []


def test_zones_that_nobody_described_are_told_and_taken_over(
    world: ZoneWorld, alice: Actor, charlie: Actor, organization: Organization
) -> None:
    mine = domains.create_domain(actor=alice, organization=organization, name="found.example")
    domains.create_domain(actor=alice, organization=organization, name="broken.example")
    domains.create_domain(actor=alice, organization=organization, name="null.example")
    works = Organization.objects.get(name="Difference Works")
    domains.create_domain(actor=charlie, organization=works, name="theirs.example")
    null = FOUND.replace("found.", "null.") + "@ MX 0 .\n"
    push(
        world,
        {
            "found.example": FOUND,
            "broken.example": "$TTL 1h\n",
            "null.example": null,
            "theirs.example": FOUND.replace("found.", "theirs."),
            "theirs.example._keys": "; secret\n",
            "nobody.example": FOUND.replace("found.", "nobody."),
        },
    )
    tip = world.running.repository.tip()
    world.agree()
    found = {row.unit: row for row in world.target.findings.all()}
    assert found["found.example"].takeable
    assert "4 record sets, serial 7" in found["found.example"].sentence
    assert not found["broken.example"].takeable
    assert "cannot be read" in found["broken.example"].sentence
    assert found["null.example"].takeable
    assert "Rookery would refuse: null.example MX" in found["null.example"].sentence
    assert "add it to the organization first" in found["nobody.example"].sentence
    assert not any("theirs" in f"{row.unit}{row.sentence}{row.outside}" for row in found.values())
    assert "2 more files are there" in found["files of other domains"].sentence
    since = found["found.example"].since
    world.agree()
    assert world.target.findings.get(unit="found.example").since == since, "read once, not at each look"

    adoption.decide_findings(actor=alice, target=world.target, decision="adopt", units=["found.example"])
    world.agree()
    zone = Zone.objects.get(domain=mine)
    holders = {(row.owner, row.type): row.holder for row in zone.record_sets.all()}
    assert holders.pop(("_letsencrypt._tcp.www.found.example", "TLSA")) == "external"
    assert set(holders.values()) == {"managed"}
    assert (zone.first_server, zone.contact) == ("ns1.found.example", "hostmaster@found.example")
    assert zone.owned_at is None
    assert not world.target.findings.filter(unit="found.example").exists()
    world.prove(zone)
    world.agree()
    assert world.running.repository.tip() == tip, "not a byte was changed before the first change"
    assert world.serial("found.example") == 7
    put(alice, world.again(zone), RecordChange("www", "A", ("192.0.2.81",)))
    world.agree()
    assert world.ask("www.found.example", "A") == ["192.0.2.81"]
    assert world.serial("found.example") == 8
    assert "ABCD" in world.running.repository.show("found.example")


def test_a_domain_that_became_another_organizations_is_not_taken(
    world: ZoneWorld, alice: Actor, charlie: Actor, domain: Domain
) -> None:
    push(world, {"example.org": FOUND.replace("found.example", "example.org")})
    world.agree()
    adoption.decide_findings(actor=alice, target=world.target, decision="adopt", units=["example.org"])
    Domain.objects.filter(pk=domain.pk).update(organization=Organization.objects.get(name="Difference Works"))
    world.agree()
    assert not Zone.objects.exists()
    assert not world.target.findings.filter(unit="example.org").exists()
