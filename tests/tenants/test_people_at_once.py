"""People who leave and are let in at the same moment: somebody always answers, and nobody meets a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actions import accounts, holders, mailboxes, organizations, own_account
from tenants.actor import Actor
from tenants.models import Account, Holding, Mailbox, Membership, Organization
from tests.tenants.test_at_once import at_once, fresh, refusals

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_owners_delete_their_accounts_and_one_stays(alice: Actor, organization: Organization) -> None:
    zoe = organizations.add_member(
        actor=alice, organization=organization, email="zoe@people.example", role="owner"
    ).account
    results = at_once(
        *(
            lambda person=person: own_account.delete_account(  # type: ignore[misc]
                actor=Actor(account=Account.objects.get(pk=person.pk))
            )
            for person in (alice.account, zoe)
        )
    )
    assert refusals(results) == ["Conflict"]
    assert Membership.objects.filter(organization=organization, role="owner").count() == 1


def test_two_who_share_an_address_leave_and_one_stays(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    people = [accounts.account_for(f"{name}@home.example") for name in ("dora", "erin")]
    mailbox = make_mailbox(holder=people[0])
    holders.add_holder(actor=alice, mailbox=mailbox, email=people[1].email)
    results = at_once(
        *(
            lambda person=person: holders.remove_holder(  # type: ignore[misc]
                actor=Actor(account=person), mailbox=fresh(mailbox), email=person.email
            )
            for person in people
        )
    )
    assert refusals(results) == ["Conflict"]
    assert mailbox.holdings.count() == 1


@pytest.mark.parametrize("again", range(3))
def test_whoever_is_let_in_while_they_delete_their_account(
    again: int, alice: Actor, make_mailbox: Callable[..., Mailbox], organization: Organization
) -> None:
    """Either they go, and what came later is refused or made for a new account; or they are told to look."""
    del again
    person = accounts.account_for("dora@home.example")
    mailbox, other = make_mailbox(), make_mailbox("other", "other@home.example")
    at_once(
        lambda: own_account.delete_account(actor=Actor(account=Account.objects.get(pk=person.pk))),
        lambda: holders.add_holder(actor=alice, mailbox=fresh(mailbox), email=person.email),
        lambda: holders.hand_over(actor=alice, mailbox=fresh(other), email=person.email),
        lambda: organizations.add_member(
            actor=alice,
            organization=Organization.objects.get(pk=organization.pk),
            email=person.email,
            role="viewer",
        ),
    )
    there = Account.objects.values_list("pk", flat=True)
    assert not Holding.objects.exclude(account__in=there).exists()
    assert not Membership.objects.exclude(account__in=there).exists()


def test_a_holder_and_the_team_switch_at_once(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    """Whoever comes first: what the team switched off stays off for whoever holds it."""
    person = accounts.account_for("dora@home.example")
    mailbox = make_mailbox(holder=person)
    dora = Actor(account=person)
    at_once(
        lambda: mailboxes.switch_mailbox(actor=alice, mailbox=fresh(mailbox), enabled=False),
        lambda: mailboxes.switch_mailbox(actor=dora, mailbox=fresh(mailbox), enabled=False),
    )
    mailbox.refresh_from_db()
    assert (mailbox.enabled, mailbox.off_by_holder) == (False, False)
