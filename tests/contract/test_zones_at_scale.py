"""A large zone, and many zones in one repository, through the real target: git, SSH, the sandbox's primary.

Each pass is held against a floor that is measured in the same run: another parser reading the same zone, and
asking the primary once for each serial. `ROOKERY_TEST_ROWS` and `ROOKERY_TEST_ZONES` make it larger.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.zone
import pytest
from django.db import transaction
from django.utils import timezone

from tenants import outbox
from tenants.actor import Actor
from tenants.formats.zones.stored import set_digest, stored_set
from tenants.models import Domain, Organization, RecordSet, Zone
from tests.contract.zone_world import ZoneWorld, connected
from tests.workers.test_load import fill_with_zones
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = int(os.environ.get("ROOKERY_TEST_ROWS", "10000"))
ZONES = int(os.environ.get("ROOKERY_TEST_ZONES", "300"))
# Of the floor; measured: 4 and 5.
MOST_FOR_ROWS, MOST_FOR_ZONES = 20, 15


@pytest.fixture
def world(alice: Actor, organization: Organization, tmp_path: Path) -> Iterator[ZoneWorld]:
    with connected(alice, organization, tmp_path) as made:
        assert made.reconcile() is Ending.STOPPED
        made.running.restart()
        made.agree()
        yield made


def ask_for(world: ZoneWorld, sets: list[tuple[Zone, str, str, str]]) -> None:
    """Record sets as if somebody had asked for each, without an event for each."""
    with transaction.atomic():
        generation = outbox.mark([world.target])[world.target.pk]
        now = timezone.now()
        rows = [
            RecordSet(
                zone=zone,
                owner=owner,
                type=kind,
                ttl=3600,
                data=[text],
                digest=set_digest(stored_set(owner, kind, 3600, [text])),
                generation=generation,
                changed_at=now,
            )
            for zone, owner, kind, text in sets
        ]
        RecordSet.objects.bulk_create(rows, batch_size=500)
        Zone.objects.filter(target=world.target).update(generation=generation)


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def test_one_zone_of_many_records(world: ZoneWorld, alice: Actor, domain: Domain) -> None:
    zone = world.add_zone(alice, domain)
    world.agree()
    owners = [f"host{number}.example.org" for number in range(ROWS)]
    ask_for(
        world,
        [(zone, name, "A", f"10.9.{index >> 8 & 255}.{index & 255}") for index, name in enumerate(owners)],
    )
    took = seconds(world.agree)
    text = world.running.repository.show("example.org")
    floor = seconds(lambda: dns.zone.from_text(text, "example.org", relativize=False))
    assert world.ask(owners[-1], "A") == [f"10.9.{ROWS - 1 >> 8 & 255}.{ROWS - 1 & 255}"]
    assert zone.record_sets.filter(proved="").count() == 0
    assert took / floor < MOST_FOR_ROWS, f"{ROWS} records took {took:.1f} s; the floor is {floor:.2f} s"
    quiet = seconds(world.agree)
    assert quiet < took / 2, "what was proved is not read again"


def test_many_zones_are_one_commit_and_one_notify(world: ZoneWorld) -> None:
    names = fill_with_zones(world.target, ZONES)
    zones = Zone.objects.filter(target=world.target).select_related("domain")
    ask_for(world, [(zone, zone.name, "NS", "ns1.elsewhere.net.") for zone in zones])
    pulls, commits = world.running.pulls, world.running.repository.git("rev-list", "--count", "main")
    took = seconds(world.agree)
    assert world.running.pulls == pulls + 1
    assert int(world.running.repository.git("rev-list", "--count", "main")) == int(commits) + 1
    serials: list[int] = []
    floor = seconds(lambda: serials.extend(world.serial(name) for name in names))
    assert sorted(serials) == sorted(each.served_serial or 0 for each in zones.all())
    assert took / floor < MOST_FOR_ZONES, f"{ZONES} zones took {took:.1f} s; the floor is {floor:.2f} s"
