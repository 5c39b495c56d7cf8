"""The end of one's own account: what goes with it, what keeps it, and what stays for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from tenants import access
from tenants.actions import accounts, holders, mailboxes, organizations, own_account
from tenants.actions.token_rows import find_token
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Account, Event, Mailbox, Membership, Organization
from tests.links import ask
from tests.web.people import mails_to, signed_in

pytestmark = pytest.mark.django_db
MakeMailbox = Callable[..., Mailbox]


@pytest.fixture
def dora(make_mailbox: MakeMailbox, alice: Actor) -> Actor:
    """Holds one address alone and one with erin."""
    person = accounts.account_for("dora@home.example")
    make_mailbox("dora", "dora@home.example", holder=person)
    shared = make_mailbox("both", "both@home.example", holder=person)
    holders.add_holder(actor=alice, mailbox=shared, email="erin@home.example")
    return Actor(account=person)


def test_the_account_and_what_hangs_on_it_goes(dora: Actor, alice: Actor, organization: Organization) -> None:
    organizations.add_member(
        actor=alice, organization=organization, email="dora@home.example", role="manager"
    )
    _, key = accounts.create_token(actor=dora, name="mine")
    browser: Client = signed_in(dora.account)
    assert browser.get("/account").status_code == 200
    assert own_account.delete_account(actor=dora) == "dora@home.example"
    assert not Account.objects.filter(email="dora@home.example").exists()
    assert browser.get("/account").status_code == 302
    assert find_token(key) is None
    alone, shared = (Mailbox.objects.get(local_part=name) for name in ("dora", "both"))
    assert (alone.trashed_at is None, shared.trashed_at is None) == (False, True)
    assert [each.email for each in access.people_who_hold(shared)] == ["erin@home.example"]
    assert not Membership.objects.filter(account__email="dora@home.example").exists()
    assert "was deleted" in mails_to("dora@home.example")[-1]
    told = Event.objects.get(verb="delete_account")
    assert (told.actor, told.actor_name) == (None, "dora@home.example")
    assert told.before == {
        "addresses": ["dora@example.org"],
        "shared_addresses": ["both@example.org"],
        "memberships": ["manager of Analytical Society"],
    }
    assert Event.objects.filter(verb="leave_organization", organization=organization).exists()
    # What somebody did stays in the log under their name, and the team can bring the address back.
    assert Event.objects.filter(verb="trash_mailbox", actor=None, actor_name="dora@home.example").exists()
    mailboxes.restore_mailbox(actor=alice, mailbox=alone)


def test_an_open_request_is_taken_back(dora: Actor, domain: object) -> None:
    from tenants.actions import domains, requests

    domains.change_domain(actor=Actor.rookery(), domain=domain, requests="moderated")  # type: ignore[arg-type]
    row, _, token = ask(domain, "dee", "dora@home.example")  # type: ignore[arg-type]
    requests.confirm_request(actor=Actor(), confirm_token=token)
    own_account.delete_account(actor=dora)
    row.refresh_from_db()
    assert (row.status, row.account, row.sealed_hash) == ("withdrawn", None, None)


def test_the_last_owner_is_told_what_to_do(alice: Actor, organization: Organization) -> None:
    with pytest.raises(Conflict, match=r"last owner of Analytical Society\. Make somebody else owner first"):
        own_account.delete_account(actor=alice)
    second = organizations.add_member(
        actor=alice, organization=organization, email="second@people.example", role="owner"
    )
    Account.objects.filter(pk=second.account_id).update(is_active=False)
    with pytest.raises(Conflict, match="last owner"):
        own_account.delete_account(actor=alice)
    Account.objects.filter(pk=second.account_id).update(is_active=True)
    own_account.delete_account(actor=alice)


def test_the_last_operator_stays(olga: Actor) -> None:
    with pytest.raises(Conflict, match="last operator"):
        own_account.delete_account(actor=olga)
    accounts.create_operator(actor=Actor.rookery(), email="second@people.example")
    own_account.delete_account(actor=olga)


def test_what_was_refused_changed_nothing(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox("hers", holder=alice.account)
    count = Event.objects.count()
    with pytest.raises(Conflict):
        own_account.delete_account(actor=alice)
    mailbox.refresh_from_db()
    assert (mailbox.trashed_at, Event.objects.count()) == (None, count)


def test_a_program_deletes_nobody(dora: Actor) -> None:
    with pytest.raises(Forbidden, match="token"):
        own_account.delete_account(actor=replace(dora, token="mine"))
    with pytest.raises(Absent):
        own_account.delete_account(actor=Actor())


def test_an_address_that_the_team_switched_off_goes_with_the_account(dora: Actor, alice: Actor) -> None:
    own = Mailbox.objects.get(local_part="dora")
    mailboxes.switch_mailbox(actor=alice, mailbox=own, enabled=False)
    own_account.delete_account(actor=dora)
    own.refresh_from_db()
    assert own.trashed_at is not None


# Leaving an organization ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "manager", "viewer"])
def test_everybody_leaves_by_themselves(alice: Actor, organization: Organization, role: str) -> None:
    row = organizations.add_member(
        actor=alice, organization=organization, email="new@people.example", role=role
    )
    own_account.leave_organization(actor=Actor(account=row.account), membership=row)
    assert not organization.memberships.filter(account=row.account).exists()
    event = Event.objects.latest("pk")
    assert (event.verb, event.sentence) == (
        "leave_organization",
        "new@people.example left Analytical Society.",
    )


def test_the_last_owner_does_not_leave(alice: Actor, bob: Actor, organization: Organization) -> None:
    mine = Membership.objects.get(account=alice.account)
    with pytest.raises(Invalid, match="last owner"):
        own_account.leave_organization(actor=alice, membership=mine)
    with pytest.raises(Forbidden, match="for yourself only"):
        own_account.leave_organization(actor=alice, membership=Membership.objects.get(account=bob.account))
    with pytest.raises(Forbidden, match="only read"):
        own_account.leave_organization(
            actor=replace(bob, token="k", read_only=True),
            membership=Membership.objects.get(account=bob.account),
        )


def test_a_new_member_gets_a_mail_and_a_changed_one_none(alice: Actor, organization: Organization) -> None:
    for role in ("viewer", "manager"):
        organizations.add_member(
            actor=alice, organization=organization, email="new@people.example", role=role
        )
    [body] = mails_to("new@people.example")
    assert "Alice made you viewer of Analytical Society." in body
    assert "/sign-in/" in body


# Operators -----------------------------------------------------------------------------------------


def test_an_operators_sign_in_is_not_in_a_domain_served_here(domain: object) -> None:
    with pytest.raises(Invalid, match="could read the links") as refused:
        accounts.create_operator(actor=Actor.rookery(), email="root@Example.org")
    assert "--accept-hosted" in refused.value.problems[0].fix
    assert not Account.objects.filter(is_staff=True, email="root@example.org").exists()
    accounts.create_operator(actor=Actor.rookery(), email="root@example.org", accept_hosted=True)
    assert Account.objects.get(email="root@example.org").is_staff
