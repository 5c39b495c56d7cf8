"""Owner, member, stranger, operator, holder, token: who sees and may do what. Default deny."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tenants import access
from tenants.access import Kind, Role, Verb
from tenants.actions import domains, mailboxes, organizations
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden
from tenants.models import Domain, Mailbox, Membership, Organization

pytestmark = pytest.mark.django_db


def test_the_table_denies_what_it_does_not_say() -> None:
    assert access.TABLE[Role.STRANGER] == {}
    assert set(access.TABLE[Role.HOLDER]) == {Kind.MAILBOX, Kind.OWN_ALIAS}
    for role in (Role.VIEWER,):
        assert all(verbs == {Verb.VIEW} for verbs in access.TABLE[role].values())
    for kind in Kind:
        viewer, manager, owner = (
            access.TABLE[role].get(kind, frozenset()) for role in (Role.VIEWER, Role.MANAGER, Role.OWNER)
        )
        assert viewer <= manager <= owner <= access.TABLE[Role.OPERATOR][kind]


def test_foreign_and_absent_are_the_same(charlie: Actor, domain: Domain) -> None:
    with pytest.raises(Absent) as foreign:
        access.get(charlie, Domain, name="example.org")
    with pytest.raises(Absent) as absent:
        access.get(charlie, Domain, name="nowhere.example")
    assert foreign.value.sentence == absent.value.sentence


@pytest.mark.parametrize("model", list(access.KINDS))
def test_a_stranger_sees_nothing_of_another_organization(
    model: type, charlie: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    ours = Organization.objects.get(name="Analytical Society")
    for row in access.visible_to(charlie, model):
        assert access.organization_id_of(row) != ours.pk


@pytest.mark.parametrize("model", list(access.KINDS))
def test_nobody_sees_anything_without_an_account(model: type, make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    assert not access.visible_to(Actor(), model).exists()


def test_a_viewer_reads_and_is_told_whom_to_ask(bob: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox()
    assert access.get(bob, Mailbox, pk=mailbox.pk) == mailbox
    with pytest.raises(Forbidden, match="Ask an owner or manager"):
        mailboxes.switch_mailbox(actor=bob, mailbox=mailbox, enabled=False)
    mailbox.refresh_from_db()
    assert mailbox.enabled


def test_an_inactive_account_is_a_stranger(alice: Actor, domain: Domain) -> None:
    assert alice.account
    alice.account.is_active = False
    assert not access.visible_to(alice, Domain).exists()
    with pytest.raises(Absent):
        access.require(alice, Verb.VIEW, domain)


def test_a_holder_has_one_mailbox_and_nothing_else(
    alice: Actor, make_mailbox: Callable[..., Mailbox], organization: Organization
) -> None:
    from tests.conftest import account

    person = account("dora")
    mine, other = make_mailbox("dora", holder=person), make_mailbox("other")
    dora = Actor(account=person)
    assert list(access.visible_to(dora, Mailbox)) == [mine]
    assert not access.visible_to(dora, Domain).exists()
    assert not access.visible_to(dora, Organization).exists()
    access.require(dora, Verb.CHANGE, mine)
    access.require(dora, Verb.DELETE, mine)
    with pytest.raises(Forbidden):
        access.require(dora, Verb.MANAGE, mine)
    with pytest.raises(Absent):
        access.require(dora, Verb.CHANGE, other)
    mailboxes.trash_mailbox(actor=alice, mailbox=mine)
    mine.refresh_from_db()
    with pytest.raises(Absent):
        access.require(dora, Verb.VIEW, mine)


def test_a_token_is_narrowed_to_its_organization_and_to_reading(
    olga: Actor, alice: Actor, charlie: Actor, domain: Domain, organization: Organization
) -> None:
    other = Organization.objects.get(name="Difference Works")
    domains.create_domain(actor=charlie, organization=other, name="other.example")
    narrowed = replace(olga, organization_id=organization.pk)
    assert [row.name for row in access.visible_to(narrowed, Domain)] == ["example.org"]
    with pytest.raises(Absent):
        access.require(narrowed, Verb.CHANGE, Domain.objects.get(name="other.example"))
    reading = replace(alice, read_only=True)
    access.require(reading, Verb.VIEW, domain)
    with pytest.raises(Forbidden, match="only read"):
        access.require(reading, Verb.CHANGE, domain)


def test_rank_in_one_organization_is_nothing_in_another(charlie: Actor, domain: Domain) -> None:
    with pytest.raises(Absent):
        domains.change_domain(actor=charlie, domain=domain, requests="moderated")
    with pytest.raises(Absent):
        domains.create_domain(actor=charlie, organization=domain.organization, name="new.example")


def test_the_last_owner_stays(alice: Actor, organization: Organization) -> None:
    mine = Membership.objects.get(account=alice.account)
    with pytest.raises(Exception, match="last owner"):
        organizations.remove_member(actor=alice, membership=mine)
    with pytest.raises(Exception, match="last owner"):
        organizations.add_member(
            actor=alice, organization=organization, email="alice@people.example", role="viewer"
        )
    assert Membership.objects.get(pk=mine.pk).role == "owner"
