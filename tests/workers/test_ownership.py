"""Looking for the proof of who owns a zone's domain, while things happen to the zone."""

from __future__ import annotations

import pytest

from tenants.actions import zones
from tenants.actor import Actor
from tenants.models import Domain, Zone
from tests.tenants.zoning import connect
from workers.errands.ownership import Notary
from workers.lookups import NoResolver
from workers.lookups.rules import Reply

pytestmark = pytest.mark.django_db


def test_a_zone_that_goes_away_during_a_look_is_no_bug(alice: Actor, domain: Domain) -> None:
    zone = zones.create_zone(
        actor=alice, domain=domain, repository=connect(alice, domain), address="192.0.2.1"
    )
    asked: list[str] = []

    class Meanwhile(NoResolver):
        def ask(self, name: str, kind: str, seconds: float) -> Reply:
            asked.append(name)
            Zone.objects.filter(pk=zone.pk).delete()
            return super().ask(name, kind, seconds)

    assert not Notary(Meanwhile(), lambda address, name, seconds: frozenset()).look(zone.pk)
    assert asked
