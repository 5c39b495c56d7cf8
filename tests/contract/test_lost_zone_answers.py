"""A push into a zone repository arrived and its worker was lost; before the next pass somebody changed the
same record set again."""

from __future__ import annotations

import pytest

from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import Finding, Zone
from tests.contract.test_zone_faults import once_more
from tests.contract.test_zone_repository import MAIL, fresh, machine_key, machine_writes, put, world, zone
from tests.contract.zone_world import ZoneWorld, cut
from workers.controller import Ending
from workers.targets.zone_primary import Primary
from workers.targets.zone_repository import ZoneRepository

__all__ = ["fresh", "world", "zone"]

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_answer(world: ZoneWorld, where: type, step: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, where, step, after=True)
        assert world.reconcile() is Ending.BUG


@pytest.mark.parametrize(("where", "step"), [(ZoneRepository, "commit"), (Primary, "notify")])
def test_what_was_written_is_ours_and_changes_again(
    world: ZoneWorld, alice: Actor, zone: Zone, where: type, step: str
) -> None:
    put(alice, zone, *MAIL, RecordChange("back", "TXT", ("one",)))
    world.agree()
    first = [RecordChange(name, "TXT", ("one",)) for name in ("new", "gone", "stays")]
    put(alice, world.again(zone), *first, RecordChange("back", "TXT"))
    lose_the_answer(world, where, step)
    second = RecordChange("new", "TXT", ("two",)), RecordChange("gone", "TXT")
    put(alice, world.again(zone), *second, RecordChange("back", "TXT", ("two",)))
    once_more(world)
    said = {name: world.ask(f"{name}.example.org", "TXT") for name in ("new", "gone", "stays", "back")}
    assert said == {"new": ['"two"'], "gone": ["NXDOMAIN"], "stays": ['"one"'], "back": ['"two"']}
    assert not Finding.objects.exists()


def test_what_others_wrote_after_that_stays_theirs(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    key = machine_key(world, alice, zone)
    put(alice, zone, *MAIL)
    world.agree()
    put(alice, world.again(zone), RecordChange("new", "TXT", ("one",)))
    lose_the_answer(world, Primary, "notify")
    machine_writes(world, key, "new.example.org", "theirs", before="one")
    put(alice, world.again(zone), RecordChange("new", "TXT", ("two",)))
    once_more(world)
    assert '"theirs"' in world.ask("new.example.org", "TXT")
    assert list(Finding.objects.values_list("unit", "kind")) == [("new.example.org TXT", "conflict")]
