"""A large zone, and many zones in one repository, through the real target: git, SSH, the sandbox's primary.

Held against floors that are measured in the same run: another parser reading the same zone, and the bare
questions for the serials. `ROOKERY_TEST_ROWS=10000` makes the zone the full size, and `ROOKERY_TEST_ZONES=1000`
the repository.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.zone
import pytest
from django.utils import timezone

from tenants import outbox
from tenants.actor import Actor
from tenants.formats.zones.stored import set_digest, stored_set
from tenants.models import Condition, Domain, Organization, RecordSet, SyncTarget, Zone
from tests.contract.zone_world import ZoneWorld, connected
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = int(os.environ.get("ROOKERY_TEST_ROWS", "10000"))
ZONES = int(os.environ.get("ROOKERY_TEST_ZONES", "1000"))


@pytest.fixture
def world(alice: Actor, organization: Organization, tmp_path: Path) -> Iterator[ZoneWorld]:
    with connected(alice, organization, tmp_path) as made:
        assert made.reconcile() is Ending.STOPPED
        made.running.restart()
        made.agree()
        yield made


def fill(zone: Zone, owners: list[str]) -> None:
    """An A record for each, as if somebody had asked for it; without an event for each."""
    rows = []
    for number, owner in enumerate(owners):
        text = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        rows.append(
            RecordSet(
                zone=zone,
                owner=owner,
                type="A",
                ttl=3600,
                data=[text],
                digest=set_digest(stored_set(owner, "A", 3600, [text])),
                generation=zone.generation,
                changed_at=timezone.now(),
            )
        )
    RecordSet.objects.bulk_create(rows, batch_size=500)


def mark(world: ZoneWorld) -> None:
    from django.db import transaction

    with transaction.atomic():
        outbox.mark([world.target])
    world.target.refresh_from_db()
    Zone.objects.filter(target=world.target).update(generation=world.target.generation)


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def test_one_zone_of_many_records(world: ZoneWorld, alice: Actor, domain: Domain) -> None:
    zone = world.add_zone(alice, domain)
    world.agree()
    mark(world)
    fill(zone, [f"host{number}.example.org" for number in range(ROWS)])
    took = seconds(world.agree)
    text = world.running.repository.show("example.org")
    floor = seconds(lambda: dns.zone.from_text(text, "example.org", relativize=False))
    print("ROWS", ROWS, "took", took, "floor", floor, took / floor)
    assert world.ask(f"host{ROWS - 1}.example.org", "A")
    quiet = seconds(world.agree)
    print("quiet", quiet)


def test_many_zones_are_one_commit_and_one_notify(world: ZoneWorld, organization: Organization) -> None:
    names = [f"z{number}.example" for number in range(ZONES)]
    Domain.objects.bulk_create([Domain(organization=organization, name=name) for name in names])
    target = world.target
    Zone.objects.bulk_create(
        [
            Zone(
                domain=each,
                target=target,
                first_server="ns1.elsewhere.net",
                contact=f"hostmaster@{each.name}",
                challenge=f"rookery-{each.pk}",
                owned_at=timezone.now(),
                owned_by="text",
                changed_at=timezone.now(),
            )
            for each in Domain.objects.filter(name__in=names)
        ]
    )
    rows = []
    for zone in Zone.objects.select_related("domain"):
        rows.append(
            RecordSet(
                zone=zone,
                owner=zone.name,
                type="NS",
                ttl=3600,
                data=["ns1.elsewhere.net."],
                digest=set_digest(stored_set(zone.name, "NS", 3600, ["ns1.elsewhere.net."])),
                generation=1,
                changed_at=timezone.now(),
            )
        )
    RecordSet.objects.bulk_create(rows, batch_size=500)
    mark(world)
    pulls = world.running.pulls
    if world.reconcile() is not Ending.AGREED:
        run = world.target.runs.latest("pk")
        print(run.outcome, run.advice)
    took = seconds(lambda: None)
    print("pulls", world.running.pulls - pulls)
    floor = seconds(lambda: [world.serial(name) for name in names])
    print("floor", floor)
    steps = [
        (s.name, (s.finished_at - s.started_at).total_seconds())
        for s in world.target.runs.latest("pk").steps.all()
        if s.finished_at and s.started_at
    ]
    print(steps)
