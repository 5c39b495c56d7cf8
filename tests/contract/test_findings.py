"""Drift, conflicts and foreign entries: explained one by one, and what becomes of each is a person's word."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tenants.actions import adoption, mailboxes, sync, targets
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid
from tenants.models import Domain, Event, Finding, Mailbox, Organization
from tenants.secrets import Opener, Purpose
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)
NO_LOGIN = "0" * 128
DIGEST = "5f" * 64


def entry(*addresses: str, password: str = NO_LOGIN) -> str:
    return json.dumps({"targets": list(addresses), "password": password})


BY_HAND = {
    "README": "hello",
    "grace": f'{{ "password": "{DIGEST}",\n  "targets": [ "grace@home.example" ] }}',
    "sales": entry("a@home.example", "b@home.example"),
    "Mary": entry("mary@home.example"),
    "loop": entry("grace@example.org"),
    "two": entry("a@home.example", "b@other.example"),
}


def findings(world: RelayWorld) -> dict[str, Finding]:
    return {row.unit: row for row in world.target.findings.all()}


def decide(world: RelayWorld, actor: Actor, decision: str, *units: str) -> int:
    return adoption.decide_findings(actor=actor, target=world.target, decision=decision, units=units or None)


@pytest.fixture
def existing(world: RelayWorld) -> RelayWorld:
    """A repository that was made by hand, connected in report mode and looked at once."""
    world.somebody_writes(BY_HAND)
    assert world.reconcile() is Ending.AGREED
    return world


def test_everything_is_explained_and_nothing_changed(existing: RelayWorld) -> None:
    tip = existing.tip()
    found = findings(existing)
    assert {unit: (row.kind, row.takeable) for unit, row in found.items()} == {
        "README": ("skipped", False),
        "grace": ("foreign", True),
        "sales": ("foreign", True),
        "Mary": ("foreign", False),
        "loop": ("foreign", False),
        "two": ("foreign", True),
    }
    assert "capital" in found["Mary"].sentence or "upper" in found["Mary"].sentence
    assert "example.org" in found["loop"].sentence
    assert found["two"].hosts == " home.example other.example "
    assert "in a circle: loop@example.org" not in found["loop"].sentence
    assert DIGEST not in "".join(f"{row.sentence}{row.outside}" for row in found.values())
    assert existing.tip() == tip
    assert not Mailbox.objects.exists()


def test_taking_over_one_changes_no_byte(existing: RelayWorld, alice: Actor) -> None:
    tip = existing.tip()
    assert decide(existing, alice, "adopt", "grace") == 1
    assert existing.reconcile() is Ending.AGREED
    assert existing.tip() == tip
    mailbox = Mailbox.objects.get()
    assert (str(mailbox), mailbox.kind) == ("grace@example.org", "mailbox")
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(mailbox.sealed_hash or b"")) == DIGEST
    [target] = mailbox.targets.all()
    assert (target.address, target.source) == ("grace@home.example", "outside")
    assert target.confirmed_at is not None
    assert "grace" not in findings(existing)
    assert Event.objects.get(verb="take_over").mailbox == mailbox
    existing.target.refresh_from_db()
    assert existing.target.in_agreement


def test_a_taken_over_address_is_managed_from_then_on(existing: RelayWorld, alice: Actor) -> None:
    decide(existing, alice, "adopt", "grace")
    existing.reconcile()
    mailboxes.switch_mailbox(actor=alice, mailbox=Mailbox.objects.get(), enabled=False)
    assert existing.reconcile() is Ending.AGREED
    assert sorted(existing.files()) == sorted(set(BY_HAND) - {"grace"})


def test_taking_over_all_that_can_be(existing: RelayWorld, alice: Actor, organization: Organization) -> None:
    tip, before = existing.tip(), Organization.objects.get().mailbox_count
    assert decide(existing, alice, "adopt") == 3
    existing.reconcile()
    assert sorted(Mailbox.objects.values_list("local_part", "kind")) == [
        ("grace", "mailbox"),
        ("sales", "alias"),
        ("two", "alias"),
    ]
    assert existing.tip() == tip
    assert Organization.objects.get().mailbox_count == before + 3
    assert sorted(findings(existing)) == ["Mary", "README", "loop"]


def test_no_room_takes_over_nothing(existing: RelayWorld, alice: Actor) -> None:
    Organization.objects.update(mailbox_quota=1)
    decide(existing, alice, "adopt")
    assert existing.reconcile() is Ending.STOPPED
    assert not Mailbox.objects.exists()
    assert "1 addresses" in existing.target.conditions.get(type="Synced").message


def test_a_decision_means_the_bytes_that_were_seen(existing: RelayWorld, alice: Actor) -> None:
    decide(existing, alice, "adopt", "grace")
    existing.somebody_writes({"grace": entry("somebody@elsewhere.example")})
    existing.reconcile()
    assert not Mailbox.objects.exists()
    assert findings(existing)["grace"].decision == ""


@pytest.fixture
def drifted(world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> RelayWorld:
    """ada was changed outside, bea removed there; cleo is as it should be."""
    for name in ("ada", "bea", "cleo"):
        make_mailbox(name, target=f"{name}@home.example")
    assert world.reconcile() is Ending.AGREED
    world.somebody_writes({"ada": entry("thief@evil.example"), "bea": None})
    assert world.reconcile() is Ending.AGREED
    return world


def test_drift_is_shown_with_both_sides(drifted: RelayWorld) -> None:
    found = findings(drifted)
    assert {unit: row.kind for unit, row in found.items()} == {"ada": "drift", "bea": "drift"}
    assert "thief@evil.example" in str(found["ada"].outside)
    assert "ada@home.example" in str(found["ada"].ours)
    assert found["bea"].outside is None
    assert drifted.files()["ada"] == entry("thief@evil.example")


def test_a_person_lets_one_be_repaired(drifted: RelayWorld, alice: Actor) -> None:
    decide(drifted, alice, "repair", "ada")
    assert drifted.reconcile() is Ending.AGREED
    assert json.loads(drifted.files()["ada"])["targets"] == ["ada@home.example"]
    assert "bea" not in drifted.files()
    assert list(findings(drifted)) == ["bea"]


def test_a_person_lets_one_be_taken_over(drifted: RelayWorld, alice: Actor) -> None:
    tip = drifted.tip()
    decide(drifted, alice, "adopt", "bea")
    assert drifted.reconcile() is Ending.AGREED
    assert Mailbox.objects.get(local_part="bea").trashed_at is not None
    decide(drifted, alice, "adopt", "ada")
    assert drifted.reconcile() is Ending.AGREED
    ada = Mailbox.objects.get(local_part="ada")
    assert (ada.kind, ada.sealed_hash) == ("alias", None)
    assert list(ada.targets.values_list("address", flat=True)) == ["thief@evil.example"]
    assert drifted.tip() == tip
    assert not findings(drifted)
    assert not drifted.target.conditions.get(type="Drifted").status


def test_repair_mode_restores_everything(drifted: RelayWorld, alice: Actor) -> None:
    sync.change_drift_mode(actor=alice, target=drifted.target, mode="repair")
    assert drifted.reconcile() is Ending.AGREED
    assert sorted(drifted.files()) == ["ada", "bea", "cleo"]
    assert not findings(drifted)


def test_adopt_mode_follows_the_outside(drifted: RelayWorld, alice: Actor) -> None:
    tip = drifted.tip()
    sync.change_drift_mode(actor=alice, target=drifted.target, mode="adopt")
    assert drifted.reconcile() is Ending.AGREED
    assert drifted.tip() == tip
    assert not findings(drifted)
    assert Mailbox.objects.get(local_part="bea").trashed_at is not None
    drifted.somebody_writes({"bea": entry("bea@home.example"), "dora": entry("dora@home.example")})
    assert drifted.reconcile() is Ending.AGREED
    assert Mailbox.objects.get(local_part="dora").targets.get().source == "outside"
    assert Mailbox.objects.get(local_part="bea").trashed_at is None


def test_a_conflict_waits_for_a_person_in_adopt_mode_too(drifted: RelayWorld, alice: Actor) -> None:
    sync.change_drift_mode(actor=alice, target=drifted.target, mode="adopt")
    targets.remove_target(
        actor=alice, mailbox=Mailbox.objects.get(local_part="ada"), address="ada@home.example"
    )
    targets.add_target(actor=alice, mailbox=Mailbox.objects.get(local_part="ada"), address="new@home.example")
    assert drifted.reconcile() is Ending.AGREED
    assert findings(drifted)["ada"].kind == "conflict"
    assert drifted.files()["ada"] == entry("thief@evil.example")
    decide(drifted, alice, "adopt", "ada")
    assert drifted.reconcile() is Ending.AGREED
    assert list(Mailbox.objects.get(local_part="ada").targets.values_list("address", flat=True)) == [
        "thief@evil.example"
    ]


def test_only_deciders_decide(
    existing: RelayWorld, alice: Actor, bob: Actor, charlie: Actor, domain: Domain
) -> None:
    with pytest.raises(Forbidden):
        decide(existing, bob, "adopt", "grace")
    with pytest.raises(Absent):
        decide(existing, charlie, "adopt", "grace")
    for unit in ("README", "nobody"):
        with pytest.raises(Invalid):
            decide(existing, alice, "adopt", unit)
    with pytest.raises(Invalid):
        decide(existing, alice, "repair", "grace")
    with pytest.raises(Forbidden):
        adoption.take_over(actor=alice, target=existing.target, addresses=[])
