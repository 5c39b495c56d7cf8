"""Upgrades through the real controller: forth, back, and with a worker that dies at each step."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from tenants.actions import upgrades
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actor import Actor
from tenants.desired_firewall import intent_of
from tenants.formats.firewall.connections import Connection
from tenants.formats.stacks.upgrade_phases import FLIP
from tenants.models import Domain, Image, SyncTarget, Unikernel, Upgrade
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, upload
from tests.stacking import build_site, serving
from tests.workers.stack_way import Way
from workers.controller import Ending

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
RECEIVER = "verifier"


@pytest.fixture
def way(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Way:
    own_images(settings, tmp_path)
    site = build_site(alice, domain)
    made = Way(site, serving(site.make(open_relay=True)))
    made.git.let_in = True
    Unikernel.objects.update(running=True)
    return made


def begin(way: Way, *roles: str) -> Upgrade:
    newer = upload(
        way.site.machine.actor,
        way.site.domain.organization,
        NETWORKED + b"\0" * 16,
        name="newer",
        era="p23",
    )
    images: dict[str, Image] = dict.fromkeys(roles, newer)
    plan = preview_upgrade(actor=way.site.owner, stack=way.stack, images=images).digest
    return upgrades.upgrade_stack(actor=way.site.owner, stack=way.stack, images=images, plan=plan)


def address(upgrade: Upgrade, role: str, *, old: bool = False) -> str:
    parts = (upgrade.before if old else upgrade.after).parts
    return str(next(part["address"] for part in parts if part["role"] == role))


def leads_to(way: Way) -> set[str]:
    return {str(each.target) for each in intent_of(way.site.firewall).published if each.port == 25}


def there(role: str) -> set[str]:
    rows = Unikernel.objects.filter(name__contains=f"-{role}-", deleted_at=None, running=True)
    return set(rows.values_list("name", flat=True))


def states(upgrade: Upgrade) -> dict[str, str]:
    upgrade.refresh_from_db()
    return dict(upgrade.phases.values_list("name", "state"))


def test_it_ends_at_the_new_ones_and_says_what_was_cut(way: Way) -> None:
    way.connections = (Connection("192.0.2.77", "10.0.0.10", 25),)
    upgrade = begin(way, RECEIVER)
    old, new = address(upgrade, RECEIVER, old=True), address(upgrade, RECEIVER)
    while states(upgrade)["flip"] == "pending":
        assert leads_to(way) == {old}
        assert way.step() is Ending.RETRY
    assert leads_to(way) == {new}
    assert there(RECEIVER) == {"example-org-verifier-1", "example-org-verifier-2"}
    assert way.go(90) is Ending.AGREED
    assert (upgrade.state, set(states(upgrade).values())) == ("going", {"proved"}) or upgrade.is_over
    assert upgrade.state == "done"
    assert there(RECEIVER) == {"example-org-verifier-2"}
    drain = upgrade.phases.get(name="drain")
    assert drain.proof == {"cut": "192.0.2.77 to port 25 of 10.0.0.10"}
    assert upgrade.phases.get(name="watch").proof["answered"].startswith("all of them")


def test_connections_that_nobody_tells_are_not_called_none(way: Way) -> None:
    way.connections = None
    upgrade = begin(way, RECEIVER)
    assert way.go(60) is Ending.AGREED
    upgrade.refresh_from_db()
    assert upgrade.phases.get(name="drain").proof["cut"].startswith("not known")


@pytest.mark.parametrize("ends", [False, True])
def test_what_does_not_become_ready_goes_back_and_the_old_one_serves(way: Way, ends: bool) -> None:
    way.silent = {RECEIVER}
    upgrade = begin(way, RECEIVER)
    old = address(upgrade, RECEIVER, old=True)
    way.step()
    way.step()
    if ends:
        Unikernel.objects.filter(name="example-org-verifier-2").update(
            ended_generation=F("generation"), ended_words="bad --option"
        )
    way.now += timedelta(hours=not ends)
    assert way.go() is Ending.AGREED
    upgrade.refresh_from_db()
    assert upgrade.state == "returned"
    assert ("bad --option" if ends else "said nothing in time") in upgrade.reason
    assert (there(RECEIVER), leads_to(way)) == ({"example-org-verifier-1"}, {old})
    assert way.stack.release == upgrade.before


def test_what_goes_silent_after_the_flip_gives_the_traffic_back(way: Way) -> None:
    upgrade = begin(way, RECEIVER)
    while states(upgrade)["watch"] != "doing":
        way.step()
    way.silent = {RECEIVER}
    assert way.go(60) is Ending.AGREED
    assert states(upgrade) == dict.fromkeys(states(upgrade), "gone")
    assert upgrade.reason.startswith("Watch them: It was not proved")
    assert (there(RECEIVER), leads_to(way)) == (
        {"example-org-verifier-1"},
        {address(upgrade, RECEIVER, old=True)},
    )


def test_the_traffic_is_never_called_back_before_the_host_proves_it(way: Way) -> None:
    upgrade = begin(way, RECEIVER)
    while states(upgrade)["watch"] != "doing":
        way.step()
    upgrades.roll_back(actor=way.site.owner, stack=way.stack)
    way.agree = False
    for _ in range(3):
        assert way.step() is Ending.RETRY
    assert states(upgrade)["flip"] == "leaving"
    assert there(RECEIVER) == {"example-org-verifier-1", "example-org-verifier-2"}
    assert way.go() is Ending.STOPPED
    assert states(upgrade)["flip"] == "failed"
    upgrades.roll_back(actor=way.site.owner, stack=way.stack)
    assert states(upgrade)["flip"] == "leaving"
    assert way.step() is Ending.RETRY
    assert len(there(RECEIVER)) == 2
    way.agree = True
    assert way.go() is Ending.AGREED
    assert there(RECEIVER) == {"example-org-verifier-1"}


def test_the_outage_of_what_is_replaced_in_place_is_measured(way: Way) -> None:
    upgrade = begin(way, "primary")
    row = Unikernel.objects.get(name="example-org-primary-1")
    while states(upgrade)["primary"] == "pending":
        way.step()
    way.agree = False
    for _ in range(2):
        way.step()
    # It answers, but perhaps that is still the old one.
    assert states(upgrade)["primary"] == "doing"
    way.agree = True
    way.step()
    proof = upgrade.phases.get(name="primary").proof
    assert proof["outage"].startswith("at most 45 seconds, from ")
    assert way.go(60) is Ending.AGREED
    now = Unikernel.objects.get(pk=row.pk)
    assert (now.image.name, upgrade.phases.filter(name="drain").exists()) == ("newer", False)


def test_replaced_in_place_and_silent_it_is_put_back(way: Way) -> None:
    upgrade = begin(way, "primary")
    old = Unikernel.objects.get(name="example-org-primary-1").image_id
    while states(upgrade)["primary"] == "pending":
        way.step()
    way.silent = {"primary"}
    while states(upgrade)["primary"] == "doing":
        way.step()
    way.silent = set()
    assert way.go() is Ending.AGREED
    assert Unikernel.objects.get(name="example-org-primary-1").image_id == old
    assert "outage" in upgrade.phases.get(name="primary").proof


@pytest.mark.parametrize("back", [False, True])
def test_a_worker_that_dies_between_writing_and_recording_goes_on(
    way: Way, back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> None:
        raise SystemExit

    upgrade = begin(way, RECEIVER, "primary")
    if back:
        while states(upgrade)["watch"] != "doing":
            way.step()
        upgrades.roll_back(actor=way.site.owner, stack=way.stack)
    died = set()
    for _ in range(60):
        monkeypatch.setattr("workers.targets.stack.record_upgrade", dies)
        upgrade.refresh_from_db()
        if upgrade.is_over:
            break
        with pytest.raises(SystemExit):
            way.step()
        died |= {name for name, state in states(upgrade).items() if state in ("doing", "leaving", "pending")}
        monkeypatch.undo()
        way.step()
    monkeypatch.undo()
    assert way.go() is Ending.AGREED
    upgrade.refresh_from_db()
    assert upgrade.state == ("returned" if back else "done")
    assert {RECEIVER, "primary", FLIP} <= died
    assert there(RECEIVER) == {f"example-org-verifier-{1 if back else 2}"}
    image = Unikernel.objects.get(name="example-org-primary-1").image.name
    assert image == ("ptt" if back else "newer")
    assert SyncTarget.objects.get(stack=way.stack).in_agreement
