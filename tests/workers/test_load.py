"""How long the primary takes to load many zones, and who is told of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Condition, Domain, SyncTarget, Zone
from tests.tenants.zoning import connect
from workers.plan import Plan
from workers.targets.base import Findings, Statement
from workers.targets.zone_statements import zone_statements
from workers.zone_plan.load import MANY, MEASURED, load_seconds, load_warning


def test_the_measured_numbers_are_met_and_more_zones_take_longer() -> None:
    assert [load_seconds(zones) for zones, _ in MEASURED] == [seconds for _, seconds in MEASURED]
    steps = [load_seconds(zones) for zones in range(0, 20_000, 50)]
    assert all(before < after for before, after in pairwise(steps))
    assert load_seconds(8000) == pytest.approx(4 * 81)


def test_the_warning_has_the_figure() -> None:
    assert load_warning(MANY - 1) == ""
    assert load_warning(1000).startswith(
        "1,000 zones in one repository: the primary answers nobody for about 3.1 s"
    )
    assert "about 15 seconds" in load_warning(2000)


@pytest.mark.django_db
def test_a_repository_of_many_zones_says_so(alice: Actor, domain: Domain) -> None:
    target = connect(alice, domain).sync_target

    def told() -> Statement:
        found = zone_statements(target, Plan((), (), 0), Findings(()))
        return next(each for each in found if each.type == Condition.Type.MANY_ZONES)

    assert not told().status
    fill_with_zones(target, MANY)
    assert (told().status, told().details) == (True, {"zones": 500, "seconds": 0.7})


def fill_with_zones(target: SyncTarget, count: int) -> list[str]:
    """So many zones whose domains were proved; returns their names."""
    names = [f"z{number}.example" for number in range(count)]
    Domain.objects.bulk_create([Domain(organization=target.organization, name=name) for name in names])
    zones = [
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
    Zone.objects.bulk_create(zones, batch_size=500)
    return names
