"""A suspended organization: looked at, not changed, mail goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants import access
from tenants.actions import (
    invitations,
    mailboxes,
    organizations,
    requests,
    suspension,
    targets,
)
from tenants.actions.undo import undo_event
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden
from tenants.models import Domain, Event, Mailbox, Organization
from tests.conftest import HASH, account, join
from tests.tenants.requesting import body_of_newest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def suspended(olga: Actor, alice: Actor, organization: Organization, domain: Domain) -> Organization:
    return suspension.suspend_organization(actor=olga, organization=organization, reason="Unpaid since May.")


def test_everybody_of_it_looks_and_nobody_changes(
    make_mailbox: Callable[..., Mailbox],
    olga: Actor,
    alice: Actor,
    bob: Actor,
    organization: Organization,
    domain: Domain,
) -> None:
    hanna = Actor(account=account("hanna"))
    mailbox = make_mailbox(holder=hanna.account)
    suspension.suspend_organization(actor=olga, organization=organization, reason="Unpaid since May.")
    for actor in (alice, bob, hanna):
        assert access.get(actor, Mailbox, pk=mailbox.pk) == mailbox
        with pytest.raises(Forbidden, match=r"suspended: Unpaid since May\. .*Ask an operator"):
            mailboxes.switch_mailbox(actor=actor, mailbox=mailbox, enabled=False)
    with pytest.raises(Forbidden, match="suspended"):
        mailboxes.create_mailbox(actor=alice, domain=domain, local_part="new", targets=["n@home.example"])
    with pytest.raises(Forbidden, match="suspended"):
        organizations.add_member(actor=alice, organization=organization, email="x@y.example", role="owner")
    # Operators may.
    mailboxes.switch_mailbox(actor=olga, mailbox=mailbox, enabled=False)


def test_what_was_asked_for_before_goes_on(
    alice: Actor, olga: Actor, domain: Domain, organization: Organization
) -> None:
    """Somebody confirms that they want mail: the question went out before, and mail must not break."""
    from tenants import tokens
    from tenants.models import TargetAddress

    mailbox = mailboxes.create_mailbox(
        actor=alice, domain=domain, local_part="ada", targets=["ada@home.example"], password_hash=HASH
    )
    suspension.suspend_organization(actor=olga, organization=organization, reason="Unpaid.")
    token = tokens.new_token()
    TargetAddress.objects.filter(mailbox=mailbox).update(digest=tokens.digest(token))
    targets.confirm_target(actor=Actor(), token=token)
    assert mailbox.targets.get().confirmed_at is not None


def test_nobody_can_ask_for_an_address(alice: Actor, olga: Actor, domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).update(requests="moderated")
    domain.refresh_from_db()
    made = invitations.make_invitation(actor=alice, domain=domain)
    assert requests.open_domain(domain.name) == domain
    suspension.suspend_organization(actor=olga, organization=domain.organization, reason="Unpaid.")
    with pytest.raises(Absent):
        requests.open_domain(domain.name)
    with pytest.raises(Absent):
        invitations.find_invitation(made.url.rpartition("/")[2])


def test_another_organization_goes_on(
    suspended: Organization, alice: Actor, olga: Actor, domain: Domain
) -> None:
    other = organizations.create_organization(actor=Actor.rookery(), name="Second")
    assert alice.account is not None
    join(other, alice.account, "owner")
    assert access.may_create(alice, access.Kind.DOMAIN, other)
    assert not access.may_create(alice, access.Kind.DOMAIN, suspended)


def test_operators_suspend_lift_and_undo(suspended: Organization, alice: Actor, olga: Actor) -> None:
    with pytest.raises(Conflict):
        suspension.suspend_organization(actor=olga, organization=suspended, reason="Again.")
    with pytest.raises(Forbidden, match="operators"):
        suspension.lift_suspension(actor=alice, organization=suspended)
    assert "Unpaid since May." in body_of_newest_mail("alice@people.example")
    undo_event(actor=olga, event=Event.objects.get(verb="suspend_organization"))
    suspended.refresh_from_db()
    assert suspended.suspended_at is None
    assert access.may_create(alice, access.Kind.DOMAIN, suspended)
    undo_event(actor=olga, event=Event.objects.get(verb="lift_suspension"))
    suspended.refresh_from_db()
    assert suspended.suspended_because == "Unpaid since May."
