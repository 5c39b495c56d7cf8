"""Each action, tried by everybody who may not: it answers rightly and leaves no trace.

The list is complete by a test of its own: a new action has to say here who may not use it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

import tenants.actions
from tenants import access
from tenants.actions import (
    domains,
    mailboxes,
    organizations,
    suspension,
)
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import (
    Event,
    Mailbox,
)
from tenants.reach import REACHES_SOMEBODY
from tests.access.stage import after_writes, only_reading, snapshot
from tests.conftest import account, make_address
from tests.tenants.every_action import ACTIONS, INSTALLATION, OTHERS, WRITES
from tests.tenants.every_action.world import World, build_world, member, reread, switched_off

pytestmark = pytest.mark.one_database  # who may do what; what the database decides is tried elsewhere


def test_the_list_of_actions_is_complete() -> None:
    """An action is what takes an actor by name."""
    found: set[str] = set()
    for path in Path(tenants.actions.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and any(
                each.arg == "actor" for each in node.args.kwonlyargs
            ):
                found.add(node.name)
    assert found == set(ACTIONS) | OTHERS


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Instead of pytest-django's, one transaction for a whole file; what a test changes is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _taken_back(db: None) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stage(db: None) -> tuple[World, dict[str, Actor]]:
    """One world for all tests of a file."""
    olga = Actor(account=account("olga", is_staff=True))
    ours = organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")
    theirs = organizations.create_organization(actor=Actor.rookery(), name="Difference Works")
    alice, mary, bob = (
        member(ours, name, role)
        for name, role in (("alice", "owner"), ("mary", "manager"), ("bob", "viewer"))
    )
    people = {
        "O": alice,
        "M": mary,
        "V": bob,
        "H": Actor(account=account("dora")),
        "P": olga,
        "owner of another organization": member(theirs, "charlie", "owner"),
        "nobody": Actor(),
        "owner's read-only key": replace(alice, token="k", read_only=True),
        "operator's read-only key": replace(olga, token="k", read_only=True),
        "operator's key for elsewhere": replace(olga, token="k", organization_id=theirs.pk),
        "owner who was switched off": Actor(account=switched_off(ours)),
    }
    domain = domains.create_domain(actor=alice, organization=ours, name="example.org")
    return build_world(people, alice, domain, partial(make_address, alice, domain)), people


@pytest.fixture
def people(stage: tuple[World, dict[str, Actor]]) -> dict[str, Actor]:
    return {name: replace(actor) for name, actor in stage[1].items()}


@pytest.fixture
def world(stage: tuple[World, dict[str, Actor]]) -> World:
    return reread(stage[0])


@pytest.fixture(scope="module")
def before(stage: tuple[World, dict[str, Actor]]) -> dict[str, str]:
    """What the database held before anybody tried anything."""
    return snapshot()


def wrongly_reached() -> list[str]:
    """Addresses about which the column for lists and what it follows from differ."""
    reached = set(Mailbox.objects.filter(REACHES_SOMEBODY).values_list("pk", flat=True))
    return [row.local_part for row in Mailbox.objects.all() if row.reached != (row.pk in reached)]


@pytest.mark.parametrize("name", ACTIONS)
def test_who_may_not_changes_nothing(
    name: str, world: World, people: dict[str, Actor], before: dict[str, str]
) -> None:
    allowed, act = ACTIONS[name]
    for who, actor in people.items():
        if who in allowed:
            continue
        with only_reading() as writes, pytest.raises((Absent, Forbidden)) as refused:
            act(actor, world)
        assert set(after_writes(before, writes)) <= {"Allowance"}
        sees = who in {"V", "M", "O", "P"} or "read-only" in who
        if name not in INSTALLATION and not sees and who != "H":
            assert isinstance(refused.value, Absent), (who, refused.value)


@pytest.mark.parametrize("name", ACTIONS)
def test_who_may_is_not_kept_out(name: str, world: World, people: dict[str, Actor]) -> None:
    """Each in turn, on the same state; one action is one event."""
    allowed, act = ACTIONS[name]
    known = Event.objects.count()
    untouched = world
    for who in allowed:
        world = reread(untouched)
        with transaction.atomic():
            if name == "send_test_mail":  # nothing is served here: a matter of state, not of rights
                with pytest.raises(Conflict):
                    act(people[who], world)
            else:
                act(people[who], world)
                events = Event.objects.order_by("pk").values_list("verb", flat=True)
                verbs = list(events[known:])
                assert verbs == WRITES.get(name, [name])
                assert not wrongly_reached()
            transaction.set_rollback(True)


# What a person does about themselves.
STILL = {"leave_organization"}


def test_nobody_changes_a_suspended_organization(world: World, people: dict[str, Actor]) -> None:
    """Whoever may do a thing is told why not; Rookery's operators may."""
    suspension.suspend_organization(actor=people["P"], organization=world.organization, reason="Unpaid.")
    done = set()
    for name, (allowed, act) in ACTIONS.items():
        for who in set(allowed) - {"P"}:
            with transaction.atomic():
                try:
                    act(people[who], reread(world))
                    done.add(name)
                except Forbidden as refused:
                    if "is suspended: Unpaid." not in refused.sentence:
                        done.add(name)
                except (Conflict, Invalid) as why:
                    done.add(f"{name}: {why}")
                transaction.set_rollback(True)
    assert done == STILL


def test_a_holder_cannot_undo_what_the_owner_decided(world: World, people: dict[str, Actor]) -> None:
    mailbox, holder, owner = world.mailbox, people["H"], people["O"]
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=False)
    for _ in range(2):  # switching off what is off gives no right either
        with pytest.raises(Forbidden, match=r"run example\.org\. Ask an owner or manager\."):
            mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
        mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=True)
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    # The team says off as well: from now on it is the team's.
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=False)
    with pytest.raises(Forbidden, match="Ask an owner or manager"):
        mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
    mailbox.refresh_from_db()
    assert (mailbox.enabled, mailbox.off_by_holder) == (False, False)
    access.require(people["H"], access.Verb.CHANGE, world.mailbox)
