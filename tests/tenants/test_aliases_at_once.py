"""Changes of mailboxes and of the aliases that deliver to them at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tenants.actions import alias_rules, aliases, mailboxes, repositories, targets
from tenants.actor import Actor
from tenants.models import Delivery, Domain, Mailbox, SyncTarget
from tenants.reach import reach_of
from tests.conftest import account
from tests.tenants.test_aliases import on_one_server
from tests.tenants.test_at_once import at_once, fresh, refusals

pytestmark = pytest.mark.django_db(transaction=True)


def team_of(alice: Actor, domain: Domain, *names: str) -> Mailbox:
    return aliases.create_alias(actor=alice, domain=domain, local_part="team", delivers_to=names)


def test_two_mailboxes_of_one_alias_do_not_move_apart(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada, bob = make_mailbox("ada", "a@home.example"), make_mailbox("bob", "b@home.example")
    team = team_of(alice, domain, "ada", "bob")
    for row in (ada, bob):
        row.targets.all().delete()
    on_one_server("x.example", "y.example")
    stale = [fresh(ada), fresh(bob)]
    results = at_once(
        lambda: targets.add_target(actor=alice, mailbox=stale[0], address="a@x.example"),
        lambda: targets.add_target(actor=alice, mailbox=stale[1], address="b@y.example"),
    )
    assert refusals(results) == ["Invalid"]
    reach = reach_of(team)
    assert reach is not None
    assert not [part for part in reach.left_out if "mail server" in part.why_not]


def test_an_alias_does_not_come_back_beside_a_mailbox_that_moves(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada = make_mailbox("ada", "a@home.example")
    make_mailbox("bob", "b@home.example")
    team = team_of(alice, domain, "ada", "bob")
    mailboxes.trash_mailbox(actor=alice, mailbox=team)
    ada.targets.all().delete()
    on_one_server("x.example", "home.example")
    stale, gone = fresh(ada), fresh(team)
    results = at_once(
        lambda: targets.add_target(actor=alice, mailbox=stale, address="a@x.example"),
        lambda: mailboxes.restore_mailbox(actor=alice, mailbox=gone),
    )
    assert refusals(results) == ["Invalid"]


def test_nobody_waits_for_each_other_for_ever(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    """Mailboxes, their alias and the sync target are held in one order, whoever begins."""
    repositories.connect_repository(actor=alice, domain=domain, host="git.example.org", path="relay.git")
    ada, bob = make_mailbox("ada", "a@home.example"), make_mailbox("bob", "b@home.example")
    team = team_of(alice, domain, "ada", "bob")
    for on in (False, True, False, True):
        one, other, alias, same = [fresh(row) for row in (ada, bob, team, team)]
        switched = partial(mailboxes.switch_mailbox, actor=alice, enabled=on)
        order = ["bob", "ada"] if on else ["ada", "bob"]
        results = at_once(
            partial(switched, mailbox=one),
            partial(switched, mailbox=other),
            partial(switched, mailbox=alias),
            partial(aliases.change_deliveries, actor=alice, alias=same, delivers_to=order),
        )
        assert refusals(results) == []
    relay = SyncTarget.objects.get()
    assert fresh(team).generation >= max(fresh(ada).generation, fresh(bob).generation)
    assert relay.generation >= fresh(team).generation
    assert Delivery.objects.count() == 2


def test_a_person_makes_no_more_than_so_many(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    person = account("dora")
    make_mailbox("dora", "d@home.example", holder=person)
    alias_rules.change_alias_rules(actor=alice, domain=domain, allowed=True, pattern="{own}-*", most_each=2)
    acts = [
        lambda name=name: aliases.create_alias(
            actor=Actor(account=person), domain=domain, local_part=name, delivers_to=["dora"]
        )
        for name in ("dora-1", "dora-2", "dora-3", "dora-4")
    ]
    assert refusals(at_once(*acts)) == ["Invalid", "Invalid"]
    assert Mailbox.objects.filter(made_for__isnull=False).count() == 2
