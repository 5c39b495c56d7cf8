"""What people may make themselves: off by default; by pattern, count and lifetime, for own mailboxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants import access
from tenants.actions import alias_rules, aliases, expiry, mailboxes, names, targets
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid
from tenants.models import AliasRules, Domain, Event, Holding, Mailbox
from tests.conftest import HASH, account

pytestmark = pytest.mark.django_db


@dataclass
class Person:
    actor: Actor
    mailbox: Mailbox


@pytest.fixture
def dora(make_mailbox: Callable[..., Mailbox]) -> Person:
    """Holds dora@example.org, and stands in no team."""
    person = account("dora")
    return Person(Actor(account=person), make_mailbox("dora", "d@home.example", holder=person))


@pytest.fixture
def rules(alice: Actor, domain: Domain) -> AliasRules:
    made = alias_rules.change_alias_rules(
        actor=alice, domain=domain, allowed=True, pattern="{own}-*", most_each=2, longest_days=30
    )
    assert made is not None
    return made


def make(person: Person, local_part: str = "dora-shop", *delivers_to: str, **extra: object) -> Mailbox:
    return aliases.create_alias(
        actor=person.actor,
        domain=person.mailbox.domain,
        local_part=local_part,
        delivers_to=delivers_to or ["dora"],
        **extra,  # type: ignore[arg-type]
    )


def test_off_by_default(dora: Person) -> None:
    with pytest.raises(Forbidden, match=r"In example\.org only its team makes aliases"):
        make(dora)


def test_somebody_who_holds_nothing_finds_nothing(rules: AliasRules, bob: Actor, charlie: Actor) -> None:
    with pytest.raises(Absent):
        aliases.create_alias(actor=charlie, domain=rules.domain, local_part="x-y", delivers_to=["dora"])
    with pytest.raises(Forbidden):
        aliases.create_alias(actor=bob, domain=rules.domain, local_part="x-y", delivers_to=["dora"])


def test_within_the_rules(dora: Person, rules: AliasRules) -> None:
    alias = make(dora)
    assert alias.made_for == dora.mailbox
    assert alias.expires_at is not None
    assert timedelta(days=29) < alias.expires_at - timezone.now() <= timedelta(days=30)
    seen = access.visible_to(dora.actor, Mailbox).order_by("local_part")
    assert list(seen.values_list("local_part", flat=True)) == ["dora", "dora-shop"]
    assert Event.objects.latest("pk").actor == dora.actor.account


@pytest.mark.parametrize(
    ("name", "field", "problem", "fix"),
    [
        ("shop", "local_part", "does not look like “{own}-*”", "such as “dora-shop”"),
        ("bob-shop", "local_part", "does not look like", "such as “dora-shop”"),
        ("dora-", "", "", ""),
    ],
)
def test_the_name(dora: Person, rules: AliasRules, name: str, field: str, problem: str, fix: str) -> None:
    if not problem:
        make(dora, name)
        return
    with pytest.raises(Invalid) as refused:
        make(dora, name)
    assert [each.field for each in refused.value.problems] == [field]
    assert problem in str(refused.value)
    assert fix in str(refused.value)


def test_only_to_mailboxes_that_they_hold(
    dora: Person, rules: AliasRules, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("bob", "b@home.example")
    for name in ("bob", "nobody"):
        with pytest.raises(Invalid, match=f"There is no mailbox of yours called “{name}”"):
            make(dora, "dora-shop", "dora", name)
    with pytest.raises(Invalid, match="It is for no mailbox of yours"):
        aliases.create_alias(
            actor=dora.actor, domain=rules.domain, local_part="dora-x", targets=["d2@home.example"]
        )


def test_not_more_than_so_many(dora: Person, rules: AliasRules) -> None:
    first = make(dora, "dora-1")
    make(dora, "dora-2")
    with pytest.raises(Invalid, match="You have 2 of 2 aliases"):
        make(dora, "dora-3")
    mailboxes.trash_mailbox(actor=dora.actor, mailbox=first)
    make(dora, "dora-3")


def test_not_longer_than_so_long(dora: Person, rules: AliasRules) -> None:
    with pytest.raises(Invalid, match="lasts 30 days at most"):
        make(dora, expires_at=timezone.now() + timedelta(days=40))
    alias = make(dora, expires_at=timezone.now() + timedelta(days=5))
    with pytest.raises(Invalid, match="lasts 30 days at most"):
        expiry.change_expiry(actor=dora.actor, mailbox=alias, expires_at=timezone.now() + timedelta(days=400))
    expiry.change_expiry(actor=dora.actor, mailbox=alias, expires_at=None)
    assert alias.expires_at is not None
    assert alias.expires_at > timezone.now() + timedelta(days=29)


def test_own_targets_are_asked_first(dora: Person, rules: AliasRules) -> None:
    alias = make(dora, targets=["d2@home.example"])
    assert [row.confirmed_at for row in alias.targets.all()] == [None]


def test_they_run_their_alias(dora: Person, rules: AliasRules) -> None:
    alias = make(dora)
    mailboxes.switch_mailbox(actor=dora.actor, mailbox=alias, enabled=False)
    mailboxes.change_note(actor=dora.actor, mailbox=alias, note="shops")
    expiry.change_expiry(actor=dora.actor, mailbox=alias, expires_at=timezone.now() + timedelta(days=3))
    expiry.extend_address(actor=dora.actor, mailbox=alias)
    targets.add_target(actor=dora.actor, mailbox=alias, address="d2@home.example")
    aliases.change_deliveries(actor=dora.actor, alias=alias, delivers_to=[])
    aliases.change_deliveries(actor=dora.actor, alias=alias, delivers_to=["dora"])
    mailboxes.trash_mailbox(actor=dora.actor, mailbox=alias)
    with pytest.raises(Absent):
        mailboxes.restore_mailbox(actor=dora.actor, mailbox=alias)
    with pytest.raises(Forbidden):
        mailboxes.change_note(actor=dora.actor, mailbox=dora.mailbox, note="the team's")


def test_it_is_no_way_to_a_mailbox(dora: Person, rules: AliasRules) -> None:
    with pytest.raises(Invalid, match="nobody can log in with it"):
        mailboxes.set_passphrase(actor=dora.actor, mailbox=make(dora), password_hash=HASH)


def test_they_may_not_keep_names_for_themselves(dora: Person, rules: AliasRules) -> None:
    with pytest.raises((Absent, Forbidden)):
        mailboxes.trash_mailbox(actor=dora.actor, mailbox=make(dora), never_again=True)


def test_what_was_allowed_stays_when_the_rules_go(dora: Person, rules: AliasRules, alice: Actor) -> None:
    alias = make(dora)
    alias_rules.change_alias_rules(actor=alice, domain=rules.domain, allowed=False)
    with pytest.raises(Forbidden, match="only its team"):
        expiry.extend_address(actor=dora.actor, mailbox=alias)
    with pytest.raises(Forbidden, match="only its team"):
        make(dora, "dora-2")
    mailboxes.trash_mailbox(actor=dora.actor, mailbox=alias)


def test_an_alias_goes_with_its_mailbox(dora: Person, rules: AliasRules) -> None:
    """Handing the mailbox over hands its aliases over."""
    alias = make(dora)
    eve = account("eve")
    Holding.objects.filter(mailbox=dora.mailbox).update(account=eve)
    alias.refresh_from_db()
    assert not access.may(dora.actor, access.Verb.VIEW, alias)
    assert access.may(Actor(account=eve), access.Verb.MANAGE, alias)
    with pytest.raises(Absent):
        mailboxes.trash_mailbox(actor=dora.actor, mailbox=Mailbox.objects.get(pk=alias.pk))


def test_an_alias_of_a_mailbox_in_the_trash_is_the_teams(
    dora: Person, rules: AliasRules, alice: Actor
) -> None:
    alias = make(dora)
    mailboxes.trash_mailbox(actor=alice, mailbox=dora.mailbox)
    fresh = Mailbox.objects.get(pk=alias.pk)
    assert not access.may(dora.actor, access.Verb.VIEW, fresh)
    assert not access.visible_to(dora.actor, Mailbox).exists()


def test_a_key_that_may_only_read_makes_none(dora: Person, rules: AliasRules) -> None:
    with pytest.raises(Forbidden, match="may only read"):
        aliases.create_alias(
            actor=replace(dora.actor, token="k", read_only=True),
            domain=rules.domain,
            local_part="dora-1",
            delivers_to=["dora"],
        )


def test_names_that_are_held_back_stay_so(dora: Person, rules: AliasRules, alice: Actor) -> None:
    names.hold_name(actor=alice, domain=rules.domain, local_part="dora-boss", kind="reserved")
    with pytest.raises(Invalid, match="“dora-boss” is reserved"):
        make(dora, "dora-boss")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("pattern", {"pattern": "(a+)+"}),
        ("most_each", {"most_each": 0}),
        ("most_each", {"most_each": 1001}),
        ("longest_days", {"longest_days": 0}),
        ("longest_days", {"longest_days": 3651}),
    ],
)
def test_rules_that_make_no_sense(
    alice: Actor, domain: Domain, field: str, values: dict[str, object]
) -> None:
    given = {"pattern": "{own}-*", "most_each": 5, "longest_days": None, **values}
    with pytest.raises(Invalid) as refused:
        alias_rules.change_alias_rules(actor=alice, domain=domain, allowed=True, **given)  # type: ignore[arg-type]
    assert [each.field for each in refused.value.problems] == [field]
    assert refused.value.problems[0].fix
