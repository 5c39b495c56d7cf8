"""A zone repository whose pass is cut at each step, raced, refused, or led by a wrong clock: it converges,
loses nothing of anybody's, and says what is wrong."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import SyncTarget, Zone
from tests.contract.test_zone_repository import MAIL, fresh, machine_key, machine_writes, put, world, zone
from tests.contract.zone_world import ZoneWorld, cut
from workers.controller import Ending
from workers.targets.zone_primary import Primary
from workers.targets.zone_repository import ZoneRepository

__all__ = ["fresh", "world", "zone"]

pytestmark = pytest.mark.django_db(transaction=True)
STEPS: list[tuple[type, str]] = [
    (ZoneRepository, "look"),
    (Primary, "serial"),
    (ZoneRepository, "observe"),
    (ZoneRepository, "plan"),
    (ZoneRepository, "statements"),
    (ZoneRepository, "commit"),
    (Primary, "notify"),
    (ZoneRepository, "apply"),
    (ZoneRepository, "require_tip"),
    (ZoneRepository, "verify"),
]
"""What a pass does, in its order."""


def once_more(world: ZoneWorld) -> None:
    SyncTarget.objects.update(next_try_at=world.target.marked_at)
    world.agree()


def test_killed_at_any_step_and_run_again_converges(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    key = machine_key(world, alice, zone)
    machine_writes(world, key, "theirs.example.org", "kept")
    put(alice, zone, *MAIL)
    world.agree()
    for number, (where, step) in enumerate((*STEPS, *STEPS), start=1):
        name, after = f"step{number}", number > len(STEPS)
        put(alice, world.again(zone), RecordChange(name, "A", (f"192.0.2.{number}",)))
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, where, step, after=after)
            assert world.reconcile() is Ending.BUG, (step, after)
        once_more(world)
        assert world.ask(f"{name}.example.org", "A") == [f"192.0.2.{number}"], (step, after)
        assert world.again(zone).served_serial == world.serial("example.org")
    assert world.ask("theirs.example.org", "TXT") == ['"kept"']
    assert not zone.record_sets.filter(proved="").exists()
    tip = world.running.repository.tip()
    world.agree()
    assert world.running.repository.tip() == tip


def test_an_update_between_our_look_and_our_push_is_kept(
    world: ZoneWorld, alice: Actor, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary pushes first; our push onto what we saw is refused, and the next one holds both."""
    key = machine_key(world, alice, zone)
    plan = world.kind.plan

    def plan_and_lose(*given: Any) -> Any:
        made = plan(*given)
        monkeypatch.undo()
        machine_writes(world, key, "first.example.org", "first")
        return made

    put(alice, zone, RecordChange("www", "A", ("192.0.2.80",)))
    monkeypatch.setattr(world.kind, "plan", plan_and_lose)
    assert world.reconcile() is Ending.RETRY
    assert world.target.runs.latest("pk").outcome == "lost-race"
    assert "www" not in world.running.repository.show("example.org")
    once_more(world)
    assert world.ask("first.example.org", "TXT") == ['"first"']
    assert world.ask("www.example.org", "A") == ["192.0.2.80"]


def test_a_push_that_is_refused_stops_in_the_hosts_words(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    hook = world.running.repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho frozen for the audit >&2\nexit 1\n")
    hook.chmod(0o755)
    put(alice, zone, *MAIL)
    before = world.serial("example.org")
    assert world.reconcile() is Ending.STOPPED
    assert "frozen for the audit" in world.target.conditions.get(type="Synced").message
    assert world.serial("example.org") == before
    hook.unlink()
    once_more(world)
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]


@pytest.mark.parametrize("ahead", [5000, -5000])
def test_a_wrong_clock_stops_with_the_difference(
    world: ZoneWorld, alice: Actor, zone: Zone, ahead: int
) -> None:
    put(alice, zone, *MAIL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.running.primary, "_clock", lambda: time.time() + ahead)
        assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "clocks-differ"
    assert "seconds" in world.target.conditions.get(type="Synced").message
    once_more(world)
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]
