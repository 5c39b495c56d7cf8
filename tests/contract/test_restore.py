"""Backup → loss of the panel → restore → agreement, beside a git host, a primary and a host that went on.

What is right outside stays byte for byte; what changed there since the backup is shown, and nothing is
written before an operator lets it go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from tenants import keys
from tenants.actions import mailboxes, record_sets, restored
from tenants.actor import Actor
from tenants.keys import public_half
from tenants.models import Domain, Finding, Mailbox, Organization, SyncTarget, Zone
from tests.contract.host_world import HostWorld, own_images
from tests.contract.relay_world import RelayWorld
from tests.contract.test_albatross_host import make_world
from tests.contract.zone_world import ZoneWorld, connected
from workers.albatross import Release
from workers.backup import rows
from workers.backup.making import Made, make_backup
from workers.backup.restoring import restore
from workers.backup.seals import PrivateHalf, PublicHalf
from workers.controller import Ending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
PRIVATE = keys.new_private()


@dataclass
class Outside:
    relay: RelayWorld
    zones: ZoneWorld
    rock: HostWorld
    domain: Domain

    def everything(self) -> dict[str, str]:
        found = {f"users/{name}": text for name, text in self.relay.files().items()}
        found |= {"users": self.relay.tip(), "zones": self.zones.running.repository.tip() or ""}
        return found | {
            name: f"{one.digest.hex()} {one.settings} {one.started}"
            for name, one in self.rock.running().items()
        }

    def passes(self) -> dict[str, Ending]:
        return {
            "users": self.relay.reconcile(),
            "zones": self.zones.reconcile(),
            "host": self.rock.reconcile(),
        }


@pytest.fixture
def outside(
    world: RelayWorld,
    olga: Actor,
    alice: Actor,
    organization: Organization,
    domain: Domain,
    settings: Any,
    tmp_path: Path,
) -> Iterator[Outside]:
    own_images(settings, tmp_path)
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    rock = make_world(olga, organization, sockets, Release(2, 7, 2))
    with connected(alice, organization, tmp_path / "zones") as zones:
        assert zones.reconcile() is Ending.STOPPED
        zones.running.restart()
        zones.agree()
        yield Outside(world, zones, rock, domain)
    rock.stand_in.stop()


def test_nothing_right_is_changed_and_what_changed_is_shown(
    outside: Outside, alice: Actor, olga: Actor, make_mailbox: Callable[..., Mailbox], tmp_path: Path
) -> None:
    make_mailbox("ada")
    outside.zones.add_zone(alice, outside.domain)
    _change_zone(outside, alice, "192.0.2.76")
    outside.rock.unikernel("web")
    assert set(outside.passes().values()) == {Ending.AGREED}
    make_mailbox("carl", target="carl@home.example")  # asked for, and not written when the backup is made
    SyncTarget.objects.filter(pk=outside.relay.target.pk).update(drift_mode="repair")
    made = back_up(tmp_path)

    # The panel went on, and so did people.
    make_mailbox("bea", target="bea@home.example")
    _change_zone(outside, alice, "192.0.2.77")
    outside.rock.unikernel("late")
    assert set(outside.passes().values()) == {Ending.AGREED}
    ada = outside.relay.files()["ada"].replace("ada@home.example", "ada@elsewhere.example")
    outside.relay.somebody_writes({"ada": ada})
    there = outside.everything()
    assert {"users/ada", "users/bea", "users/carl", "acme:web", "acme:late"} <= there.keys()

    lose_and_restore(tmp_path, made)
    for _ in range(2):
        outside.passes()
    assert outside.everything() == there
    assert restored.held_targets().filter(drift_mode="report").count() == 3
    found = set(Finding.objects.values_list("target__kind", "unit", "kind"))
    assert found == {
        ("relay_repository", "ada", "drift"),
        ("relay_repository", "bea", "foreign"),
        ("zone_repository", "panel.example.org A", "drift"),
        ("albatross_host", "late", "foreign"),
    }

    # What they agree about needs nothing: carl is there as this database wants him.
    assert restored.let_all_go(actor=olga) == 3
    assert set(outside.passes().values()) == {Ending.AGREED}
    assert outside.everything() == there
    assert set(Finding.objects.values_list("target__kind", "unit", "kind")) == found


def _change_zone(outside: Outside, alice: Actor, address: str) -> None:
    zone = outside.zones.again(Zone.objects.get(domain=outside.domain))
    record_sets.set_record_set(actor=alice, zone=zone, owner="panel", record_type="A", data=[address])


def test_what_was_asked_for_and_never_written_waits_with_its_plan(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox], alice: Actor, olga: Actor, tmp_path: Path
) -> None:
    make_mailbox("ada")
    assert world.reconcile() is Ending.AGREED
    make_mailbox("dora", target="dora@home.example")
    lose_and_restore(tmp_path, back_up(tmp_path))
    before = world.tip()
    for _ in range(2):
        assert world.reconcile() is Ending.STOPPED
    assert world.tip() == before
    assert world.target.stop_code == "held-after-restore"
    run = world.target.runs.latest("pk")
    assert "dora" in str(run.plan)
    assert "came out of a backup" in run.advice

    restored.let_go(actor=olga, target=world.target)
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada", "dora"]
    assert world.git("rev-parse", "main~1").strip() == before
    # The way goes on: an ordinary change is an ordinary pass.
    mailboxes.switch_mailbox(actor=alice, mailbox=Mailbox.objects.get(local_part="dora"), enabled=False)
    assert world.reconcile() is Ending.AGREED
    assert world.tip() != before


def back_up(folder: Path) -> Made:
    return make_backup(folder / "backups", PublicHalf(public_half(PRIVATE)), keep=3)


def lose_and_restore(folder: Path, made: Made) -> None:
    with transaction.atomic():
        rows.empty()
    restore(made.path, PrivateHalf(PRIVATE), keys_into=folder / "keys")
