"""Aliases in the repository: what happens to a mailbox reaches the files of those that deliver to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import aliases, expiry, mailboxes, names, sync, targets
from tenants.actor import Actor
from tenants.formats.relay_entry import NO_LOGIN
from tenants.models import Domain, Finding, Mailbox
from tests.conftest import HASH, confirm_all
from tests.contract.relay_world import RelayWorld

pytestmark = pytest.mark.django_db


def reached(world: RelayWorld, name: str) -> list[str] | None:
    """Whom the entry outside names; nobody can log in with an alias."""
    content = world.files().get(name)
    if content is None:
        return None
    value = json.loads(content)
    assert value["password"] == NO_LOGIN
    found: list[str] = value["targets"]
    return found


@pytest.fixture
def team(world: RelayWorld, make_mailbox: Callable[..., Mailbox], alice: Actor, domain: Domain) -> Mailbox:
    make_mailbox("ada", "ada@home.example")
    make_mailbox("bob", "bob@home.example")
    made = aliases.create_alias(
        actor=alice,
        domain=domain,
        local_part="team",
        delivers_to=["ada", "bob"],
        targets=["own@home.example"],
    )
    world.reconcile()
    assert reached(world, "team") == ["ada@home.example", "bob@home.example"]
    return made


def test_a_confirmation_reaches_the_aliass_file_in_one_commit(
    world: RelayWorld, team: Mailbox, alice: Actor
) -> None:
    ada = Mailbox.objects.get(local_part="ada")
    targets.add_target(actor=alice, mailbox=ada, address="late@home.example")
    world.reconcile()
    before = world.git("rev-list", "--count", "main").strip()
    confirm_all(ada)
    world.reconcile()
    assert reached(world, "team") == ["ada@home.example", "late@home.example", "bob@home.example"]
    assert json.loads(world.files()["ada"])["targets"] == ["ada@home.example", "late@home.example"]
    assert int(world.git("rev-list", "--count", "main")) == int(before) + 1
    confirm_all(team)
    world.reconcile()
    assert reached(world, "team") == [
        "own@home.example",
        "ada@home.example",
        "late@home.example",
        "bob@home.example",
    ]
    team.refresh_from_db()
    assert team.generation <= world.target.observed_generation


def test_a_mailbox_in_the_trash_leaves_the_alias_and_comes_back(
    world: RelayWorld, team: Mailbox, alice: Actor
) -> None:
    ada = Mailbox.objects.get(local_part="ada")
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    world.reconcile()
    assert "ada" not in world.files()
    assert reached(world, "team") == ["bob@home.example"]
    mailboxes.restore_mailbox(actor=alice, mailbox=ada)
    world.reconcile()
    assert reached(world, "team") == ["ada@home.example", "bob@home.example"]


def test_what_ended_is_proved_gone(world: RelayWorld, team: Mailbox) -> None:
    Mailbox.objects.filter(pk=team.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expiry.expire_addresses(actor=Actor.rookery()) == 1
    world.reconcile()
    assert reached(world, "team") is None
    team.refresh_from_db()
    assert team.generation == world.target.observed_generation


def test_taking_over_a_mailbox_writes_its_aliases_in_the_same_pass(
    world: RelayWorld, team: Mailbox, alice: Actor
) -> None:
    sync.change_drift_mode(actor=alice, target=world.target, mode="adopt")
    world.reconcile()
    by_hand = json.dumps({"targets": ["moved@home.example"], "password": HASH})
    world.somebody_writes({"ada": by_hand})
    world.reconcile()
    assert world.files()["ada"] == by_hand
    assert reached(world, "team") == ["moved@home.example", "bob@home.example"]
    world.reconcile()
    assert world.target.in_agreement


def test_an_alias_that_was_changed_outside_keeps_what_stands_there_as_its_own(
    world: RelayWorld, team: Mailbox, alice: Actor
) -> None:
    sync.change_drift_mode(actor=alice, target=world.target, mode="adopt")
    world.reconcile()
    world.somebody_writes({"team": json.dumps({"targets": ["x@else.example"], "password": NO_LOGIN})})
    world.reconcile()
    assert reached(world, "team") == ["x@else.example"]
    assert not team.deliveries.exists()
    assert [row.address for row in team.targets.all()] == ["x@else.example"]


def test_a_name_that_is_not_given_again_is_shown_and_not_taken_over(
    world: RelayWorld, team: Mailbox, alice: Actor, domain: Domain
) -> None:
    names.hold_name(actor=alice, domain=domain, local_part="old")
    sync.change_drift_mode(actor=alice, target=world.target, mode="adopt")
    theirs = json.dumps({"targets": ["x@home.example"], "password": NO_LOGIN})
    world.somebody_writes({"old": theirs, "new": theirs})
    world.reconcile()
    assert world.files()["old"] == theirs
    assert Mailbox.objects.filter(local_part="new").exists()
    assert not Mailbox.objects.filter(local_part="old").exists()
    assert Finding.objects.get(unit="old").kind == Finding.Kind.FOREIGN
