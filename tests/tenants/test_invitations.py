"""Invitations: one link, so many uses, as much of a yes as its maker could give, and nothing to strangers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import domains, invitations, mailboxes, organizations, requests
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.models import AddressRequest, Domain, Event, Invitation, Mailbox, Membership
from tests.conftest import HASH, account
from tests.tenants.requesting import STRANGER, ask, ask_and_confirm, body_of_newest_mail, token_in_mail

pytestmark = pytest.mark.django_db


def invite(actor: Actor, domain: Domain, **values: Any) -> tuple[Invitation, str]:
    """The row, and the token of its link."""
    made = invitations.make_invitation(actor=actor, domain=domain, **values)
    return made.invitation, made.url.rpartition("/")[2]


def left(row: Invitation) -> int:
    return Invitation.objects.get(pk=row.pk).uses_left


@pytest.mark.parametrize("mode", ["closed", "invitation", "moderated", "automatic"])
def test_the_link_opens_every_domain(domain: Domain, alice: Actor, mode: str) -> None:
    domains.change_domain(actor=alice, domain=domain, requests=mode)
    row, token = invite(alice, domain, note="For Grace")
    request = ask(domain, invitation_token=token)
    assert (request.status, request.invitation, left(row)) == ("asked", row, 0)
    assert token not in repr(row)


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_without_it_nobody_can_ask(domain: Domain, alice: Actor, mode: str) -> None:
    domains.change_domain(actor=alice, domain=domain, requests=mode)
    with pytest.raises(Absent):
        requests.open_domain(domain.name)
    with pytest.raises(Absent):
        ask(domain)


def test_a_yes_beforehand_is_a_yes_at_once(domain: Domain, alice: Actor) -> None:
    _, token = invite(alice, domain, approved=True)
    request = ask_and_confirm(domain, invitation_token=token)
    assert (request.status, request.given_to) == ("approved", "")
    event = Event.objects.get(verb="approve_request")
    assert (event.actor_name, event.actor) == ("Rookery", None)
    assert event.sentence.endswith("by the invitation of Alice.")


def test_without_a_yes_it_waits_for_one(domain: Domain, alice: Actor) -> None:
    _, token = invite(alice, domain)
    request = ask_and_confirm(domain, invitation_token=token)
    assert (request.status, request.waits_because) == ("confirmed", "")
    token_in_mail("alice@people.example", "decide")


def test_a_fixed_name_is_the_one_that_is_given(domain: Domain, alice: Actor) -> None:
    _, token = invite(alice, domain, local_part="countess", approved=True)
    request = ask_and_confirm(domain, "admin", invitation_token=token)
    assert request.local_part == "countess"
    assert Mailbox.objects.get().local_part == "countess"


def test_whoever_may_give_a_reserved_name_may_invite_to_it(domain: Domain, alice: Actor) -> None:
    _, token = invite(alice, domain, local_part="postmaster", approved=True)
    assert ask_and_confirm(domain, "x", "ada@home.example", invitation_token=token).status == "approved"
    _, token = invite(alice, domain, approved=True)
    asked = ask_and_confirm(domain, "abuse", "eve@home.example", invitation_token=token)
    assert asked.status == "taken", "a free choice is no choice among reserved names"


def test_a_yes_of_somebody_who_left_is_none(domain: Domain, alice: Actor) -> None:
    mary = account("mary")
    organizations.add_member(actor=alice, organization=domain.organization, email=mary.email, role="manager")
    _, token = invite(Actor(account=mary), domain, approved=True)
    Membership.objects.filter(account=mary).delete()
    request = ask_and_confirm(domain, invitation_token=token)
    assert request.status == "confirmed"
    assert "may not decide any more" in request.waits_because


def test_a_yes_that_was_withdrawn_meanwhile_is_none(domain: Domain, alice: Actor) -> None:
    row, token = invite(alice, domain, approved=True)
    asked = ask(domain, invitation_token=token)
    invitations.withdraw_invitation(actor=alice, invitation=row)
    confirm_token = token_in_mail(asked.target, "asked/confirm")
    request = requests.confirm_request(actor=STRANGER, confirm_token=confirm_token)
    assert request.status == "confirmed"
    assert "was withdrawn meanwhile" in request.waits_because


def test_a_yes_has_the_rank_of_its_maker(domain: Domain, alice: Actor) -> None:
    person = account("olga2", is_staff=True)
    person.email = "root2@example.org"
    person.save()
    with pytest.raises(Forbidden):
        invite(alice, domain, local_part="root2", approved=True)
    _, token = invite(alice, domain, approved=True)
    request = ask_and_confirm(domain, "root2", "eve@home.example", invitation_token=token)
    assert request.status == "confirmed"
    assert "may do things that you may not" in request.waits_because
    assert not Mailbox.objects.exists()


def dead_links(alice: Actor, domain: Domain) -> dict[str, str]:
    """Each kind of link that opens nothing, and its token."""
    _, used_token = invite(alice, domain)
    ask(domain, "used", invitation_token=used_token)
    late, late_token = invite(alice, domain)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    gone, gone_token = invite(alice, domain)
    invitations.withdraw_invitation(actor=alice, invitation=gone)
    return {"used": used_token, "late": late_token, "withdrawn": gone_token, "wrong": "x" * 43, "none": "-"}


def test_links_that_open_nothing_are_all_absent(domain: Domain, alice: Actor) -> None:
    before = AddressRequest.objects.count()
    for token in dead_links(alice, domain).values():
        with pytest.raises(Absent):
            invitations.find_invitation(token)
        with pytest.raises(Absent):
            ask(domain, "other", invitation_token=token)
    assert AddressRequest.objects.count() == before + 1


def test_a_link_is_for_its_own_domain(domain: Domain, alice: Actor) -> None:
    other = domains.create_domain(actor=alice, organization=domain.organization, name="other.example")
    row, token = invite(alice, domain)
    with pytest.raises(Absent):
        ask(other, invitation_token=token)
    assert left(row) == 1


def test_looking_uses_nothing_and_mistakes_use_nothing(domain: Domain, alice: Actor) -> None:
    row, token = invite(alice, domain)
    invitations.find_invitation(token)
    with pytest.raises(Invalid):
        ask(domain, "Not a name", invitation_token=token)
    assert left(row) == 1


def test_a_use_comes_back_when_nothing_came_of_it_and_nobody_said_no(domain: Domain, alice: Actor) -> None:
    row, token = invite(alice, domain, uses=2)
    page = requests.submit_request(
        actor=STRANGER,
        domain=domain,
        local_part="grace",
        target="g@home.example",
        password_hash=HASH,
        invitation_token=token,
    ).page_token
    assert left(row) == 1
    requests.withdraw_request(actor=STRANGER, page_token=page)
    assert left(row) == 2
    refused = ask_and_confirm(domain, "other", invitation_token=token)
    requests.refuse_request(actor=alice, request=refused, reason="No.")
    approved = ask_and_confirm(domain, "third", invitation_token=token)
    requests.approve_request(actor=alice, request=approved)
    assert left(row) == 0


def test_the_link_can_be_mailed(domain: Domain, alice: Actor) -> None:
    row, token = invite(alice, domain, email="grace@harbour.example", local_part="grace", approved=True)
    body = body_of_newest_mail("grace@harbour.example")
    assert f"/invited/{token}" in body
    assert "grace@example.org" in body
    event = Event.objects.get(verb="make_invitation")
    assert token not in str(vars(event))
    assert (row.recipient, event.after["recipient"]) == ("grace@harbour.example", "grace@harbour.example")


def test_mails_are_counted(domain: Domain, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from tenants import limits

    monkeypatch.setattr(limits, "INVITATIONS_PER_DOMAIN", replace(limits.INVITATIONS_PER_DOMAIN, count=1))
    invite(alice, domain, email="a@harbour.example")
    with pytest.raises(TooMany):
        invite(alice, domain, email="b@harbour.example")
    invite(alice, domain)


def test_all_problems_at_once(domain: Domain, alice: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        invite(alice, domain, note="a\u202eb", email="nobody", local_part="A", uses=2, days=0)
    assert [each.field for each in refused.value.problems] == [
        "note",
        "email",
        "local_part",
        "uses",
        "days",
    ]
    with pytest.raises(Invalid) as refused:
        invite(alice, domain, local_part="ada", uses=2)
    assert [each.field for each in refused.value.problems] == ["uses"]
    mailboxes.create_mailbox(actor=alice, domain=domain, local_part="ada", targets=["ada@home.example"])
    with pytest.raises(Invalid, match="exists already"):
        invite(alice, domain, local_part="ada")
    assert not Invitation.objects.exists()


def test_withdrawing_twice_is_told(domain: Domain, alice: Actor) -> None:
    row, _ = invite(alice, domain)
    invitations.withdraw_invitation(actor=alice, invitation=row)
    with pytest.raises(Conflict):
        invitations.withdraw_invitation(actor=alice, invitation=Invitation.objects.get(pk=row.pk))
