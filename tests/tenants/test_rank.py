"""Owning a domain is no right over the account of somebody who has an address in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.utils import timezone

from tenants.actions import accounts, mailboxes, organizations, requests, targets
from tenants.actor import Actor
from tenants.errors import Forbidden, Invalid
from tenants.models import (
    Account,
    AddressRequest,
    Domain,
    Holding,
    Mailbox,
    Membership,
    Organization,
    TargetAddress,
)
from tests.conftest import HASH

pytestmark = pytest.mark.django_db


def promote(local_part: str, how: str) -> Account:
    """Somebody signs in with an address of the tenant and has this rank."""
    person = accounts.account_for(f"{local_part}@example.org")
    if how == "operator":
        Account.objects.filter(pk=person.pk).update(is_staff=True)
    else:
        organization = Organization.objects.get(
            name="Difference Works" if how == "owner elsewhere" else "Analytical Society"
        )
        organizations.add_member(
            actor=Actor.rookery(),
            organization=organization,
            email=person.email,
            role=how.split(maxsplit=1)[0],
        )
    return Account.objects.get(pk=person.pk)


@pytest.fixture
def mary(organization: Organization, alice: Actor) -> Actor:
    """A manager in alice's team."""
    person = accounts.account_for("mary@people.example")
    organizations.add_member(actor=alice, organization=organization, email=person.email, role="manager")
    return Actor(account=person)


RANKS = ["operator", "owner elsewhere", "owner", "manager", "viewer"]


@pytest.mark.parametrize("how", RANKS)
def test_whose_mail_signs_in_above_oneself_is_not_led_elsewhere(
    how: str, mary: Actor, alice: Actor, charlie: Actor, make_mailbox: Callable[..., Mailbox], domain: Domain
) -> None:
    """Mary manages addresses. The mail of whoever stands above her would sign her in as them."""
    mailbox, trashed = make_mailbox("boss"), make_mailbox("gone", target="gone@home.example")
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    for name in ("boss", "gone", "coming", "asked"):
        promote(name, how)
    request = request_for(domain, "asked")
    attempts: list[Callable[[], object]] = [
        lambda: targets.add_target(actor=mary, mailbox=mailbox, address="mary@home.example"),
        lambda: mailboxes.restore_mailbox(actor=mary, mailbox=trashed),
        lambda: mailboxes.create_mailbox(
            actor=mary, domain=domain, local_part="coming", targets=["mary@home.example"]
        ),
        lambda: requests.approve_request(actor=mary, request=request),
    ]
    before = TargetAddress.objects.count(), Mailbox.objects.count()
    for attempt in attempts:
        if how in {"manager", "viewer"}:
            attempt()
        else:
            with pytest.raises(Forbidden, match="Ask an operator"):
                attempt()
    changed = (TargetAddress.objects.count(), Mailbox.objects.count()) != before
    assert changed is (how in {"manager", "viewer"})
    # What gives nobody's mail away stays possible: it is the organization's domain.
    mailboxes.switch_mailbox(actor=mary, mailbox=mailbox, enabled=False)
    mailboxes.trash_mailbox(actor=mary, mailbox=mailbox)


def request_for(domain: Domain, local_part: str) -> AddressRequest:
    Domain.objects.filter(pk=domain.pk).update(requests="moderated")
    requests.submit_request(
        actor=Actor(), domain=domain, local_part=local_part, target="x@home.example", password_hash=HASH
    )
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())
    return AddressRequest.objects.get(local_part=local_part)


def test_an_operator_may_and_so_may_oneself(
    olga: Actor, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox = make_mailbox("boss")
    boss = promote("boss", "operator")
    targets.add_target(actor=olga, mailbox=mailbox, address="b1@home.example")
    Holding.objects.create(mailbox=mailbox, account=boss, since=timezone.now())
    mailbox.refresh_from_db()
    targets.add_target(actor=Actor(account=boss), mailbox=mailbox, address="b2@home.example")


def test_a_key_that_was_narrowed_has_no_rank_elsewhere(
    alice: Actor, charlie: Actor, make_mailbox: Callable[..., Mailbox], organization: Organization
) -> None:
    """Alice owns both; her key for the one may not lead the mail of the other's owner elsewhere."""
    other = Organization.objects.get(name="Difference Works")
    organizations.add_member(actor=charlie, organization=other, email="alice@people.example", role="owner")
    mailbox = make_mailbox("boss")
    promote("boss", "owner elsewhere")
    key = replace(alice, token="k", organization_id=organization.pk)
    with pytest.raises(Forbidden):
        targets.add_target(actor=key, mailbox=mailbox, address="a@home.example")
    targets.add_target(actor=alice, mailbox=mailbox, address="a@home.example")


def test_the_last_owner_neither_leaves_nor_steps_down(alice: Actor, organization: Organization) -> None:
    """Also an operator cannot leave an organization without an owner, and a second owner frees the first."""
    mine = Membership.objects.get(account=alice.account)
    for role in ("manager", "viewer"):
        with pytest.raises(Invalid) as refused:
            organizations.add_member(
                actor=alice, organization=organization, email="Alice@People.Example", role=role
            )
        assert (refused.value.problems[0].field, refused.value.problems[0].fix) == (
            "role",
            "Make somebody else owner first.",
        )
    with pytest.raises(Invalid, match="last owner"):
        organizations.remove_member(actor=Actor.rookery(), membership=mine)
    organizations.add_member(
        actor=alice, organization=organization, email="second@people.example", role="owner"
    )
    organizations.add_member(
        actor=alice, organization=organization, email="alice@people.example", role="viewer"
    )
    mine.refresh_from_db()
    assert mine.role == "viewer"


def test_an_owner_who_was_switched_off_does_not_count(alice: Actor, organization: Organization) -> None:
    second = organizations.add_member(
        actor=alice, organization=organization, email="second@people.example", role="owner"
    )
    Account.objects.filter(pk=second.account_id).update(is_active=False)
    with pytest.raises(Invalid, match="last owner"):
        organizations.remove_member(actor=alice, membership=Membership.objects.get(account=alice.account))
