"""Roles on one domain: each may what it says, there and nowhere else, and lifts nobody above themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tenants import access
from tenants.access import Kind, Verb
from tenants.actions import deciders, domain_roles, domains, invitations, mailboxes, organizations, requests
from tenants.actions.undo import undo_event
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid
from tenants.models import Domain, DomainRole, Event, Mailbox, Organization
from tests.conftest import account
from tests.tenants.requesting import ask_and_confirm

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def second(alice: Actor, organization: Organization) -> Domain:
    return domains.create_domain(actor=alice, organization=organization, name="second.example")


@pytest.fixture
def give(alice: Actor, domain: Domain) -> Callable[..., Actor]:
    """Somebody without any rank, with roles on alice's first domain."""

    def given(name: str, *roles: str) -> Actor:
        person = account(name)
        for role in roles:
            domain_roles.give_domain_role(actor=alice, domain=domain, email=person.email, role=role)
        return Actor(account=person)

    return given


def test_who_decides_requests_of_one_domain_does_nothing_else(
    give: Callable[..., Actor], domain: Domain, second: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox, dora = make_mailbox(), give("dora", "decider")
    Domain.objects.filter(pk=domain.pk).update(requests="moderated")
    request = ask_and_confirm(domain, "new", "new@home.example")
    assert dora.account in deciders.deciders_of(domain)
    assert dora.account not in deciders.deciders_of(second)
    assert list(access.visible_to(dora, Domain)) == [domain]
    assert [each.name for each in access.visible_to(dora, Organization)] == ["Analytical Society"]
    with pytest.raises(Absent):
        mailboxes.switch_mailbox(actor=dora, mailbox=mailbox, enabled=False)
    with pytest.raises(Forbidden):
        domains.change_domain(actor=dora, domain=domain, requests="closed")
    with pytest.raises(Forbidden):
        invitations.make_invitation(actor=dora, domain=domain)
    assert requests.approve_request(actor=dora, request=request).local_part == "new"


def test_who_runs_addresses_of_one_domain_runs_no_others(
    give: Callable[..., Actor], alice: Actor, domain: Domain, second: Domain
) -> None:
    peter = give("peter", "postmaster")
    made = mailboxes.create_mailbox(actor=peter, domain=domain, local_part="new", targets=["n@home.example"])
    assert access.is_team(peter, made)
    assert access.may_create(peter, Kind.MAILBOX, domain)
    assert not access.may_create(peter, Kind.MAILBOX, domain.organization)
    with pytest.raises(Absent):
        mailboxes.create_mailbox(actor=peter, domain=second, local_part="new", targets=["n@home.example"])
    other = mailboxes.create_mailbox(actor=alice, domain=second, local_part="x", targets=["n@home.example"])
    with pytest.raises(Absent):
        mailboxes.trash_mailbox(actor=peter, mailbox=other)


def test_roles_add_up_and_belong_to_each_person(give: Callable[..., Actor], domain: Domain) -> None:
    both, one = give("both", "postmaster", "zone-keeper"), give("one", "postmaster")
    assert access.may_create(both, Kind.MAILBOX, domain)
    assert {each.role for each in access.domain_roles_of(both)} == {"postmaster", "zone-keeper"}
    assert access.domains_where(both, Verb.CHANGE, Kind.ZONE).exists()
    assert not access.domains_where(one, Verb.CHANGE, Kind.ZONE).exists()


def test_an_observer_sees_what_is_of_the_domain_and_no_people(
    give: Callable[..., Actor], domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox, eye = make_mailbox(), give("eye", "observer")
    assert access.get(eye, Mailbox, pk=mailbox.pk) == mailbox
    assert access.visible_to(eye, Event).filter(mailbox=mailbox).exists()
    assert not access.visible_to(eye, Event).filter(domain=None).exists()
    with pytest.raises(Forbidden):
        mailboxes.switch_mailbox(actor=eye, mailbox=mailbox, enabled=False)


def test_a_token_never_has_more_than_the_role(
    give: Callable[..., Actor], domain: Domain, second: Domain, organization: Organization
) -> None:
    peter = give("peter", "postmaster")
    elsewhere = replace(peter, token="t", domain_id=second.pk)
    assert not access.visible_to(elsewhere, Domain).exists()
    assert not access.may_create(replace(peter, token="t", read_only=True), Kind.MAILBOX, domain)
    assert access.may_create(replace(peter, token="t", domain_id=domain.pk), Kind.MAILBOX, domain)
    assert not access.visible_to(replace(peter, organization_id=organization.pk + 1), Domain).exists()


@pytest.mark.parametrize(
    ("mine", "theirs", "is_refused"),
    [
        ("postmaster", "zone-keeper", True),
        ("postmaster", "decider", True),
        ("postmaster", "postmaster", False),
    ],
)
def test_nobody_reads_the_sign_in_of_somebody_with_another_role(
    mine: str, theirs: str, is_refused: bool, give: Callable[..., Actor], alice: Actor, domain: Domain
) -> None:
    actor = give("peter", mine)
    domain_roles.give_domain_role(actor=alice, domain=domain, email=f"zoe@{domain.name}", role=theirs)
    if is_refused:
        with pytest.raises(Forbidden, match="signs in here"):
            access.require_rank(actor, f"zoe@{domain.name}")
    else:
        access.require_rank(actor, f"zoe@{domain.name}")
    access.require_rank(alice, f"zoe@{domain.name}")


def test_who_runs_addresses_does_not_reach_the_teams(
    give: Callable[..., Actor], alice: Actor, domain: Domain, organization: Organization
) -> None:
    actor = give("peter", "postmaster")
    organizations.add_member(
        actor=alice, organization=organization, email=f"viv@{domain.name}", role="viewer"
    )
    with pytest.raises(Forbidden, match="signs in here"):
        mailboxes.create_mailbox(actor=actor, domain=domain, local_part="viv", targets=["x@home.example"])


def test_a_manager_does_not_read_the_sign_in_of_who_edits_dns(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    mona = account("mona")
    organizations.add_member(actor=alice, organization=organization, email=mona.email, role="manager")
    domain_roles.give_domain_role(actor=alice, domain=domain, email=f"zoe@{domain.name}", role="zone-keeper")
    with pytest.raises(Forbidden):
        access.require_rank(Actor(account=mona), f"zoe@{domain.name}")
    with pytest.raises(Forbidden):
        domain_roles.give_domain_role(
            actor=Actor(account=mona), domain=domain, email="x@home.example", role="observer"
        )


def test_given_taken_and_given_again(
    give: Callable[..., Actor], alice: Actor, domain: Domain, organization: Organization
) -> None:
    peter = give("peter", "postmaster")
    with pytest.raises(Invalid, match="already"):
        domain_roles.give_domain_role(
            actor=alice, domain=domain, email="peter@people.example", role="postmaster"
        )
    with pytest.raises(Invalid, match="no role"):
        domain_roles.give_domain_role(actor=alice, domain=domain, email="x@people.example", role="owner")
    row = DomainRole.objects.get(account=peter.account)
    domain_roles.take_domain_role(actor=alice, role=row)
    assert not access.visible_to(peter, Domain).exists()
    event = Event.objects.get(verb="take_domain_role")
    assert (event.before, event.after) == ({"roles": ["postmaster"]}, {"roles": []})
    undo_event(actor=alice, event=event)
    assert access.may_create(peter, Kind.MAILBOX, domain)


def test_who_has_a_role_may_lay_it_down(give: Callable[..., Actor]) -> None:
    peter = give("peter", "postmaster")
    domain_roles.take_domain_role(actor=peter, role=access.domain_roles_of(peter).get())
    assert not access.domain_roles_of(peter).exists()
