"""Deciding by the link in a mail, being reminded, and what becomes of a request that nobody decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import deciders, decision_links, organizations, request_ends, request_rules, requests
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid, TooMany
from tenants.models import AddressRequest, DecisionLink, Domain, Event, Mailbox, Membership, OutgoingMail
from tests.conftest import account
from tests.tenants.requesting import (
    STRANGER,
    ask_and_confirm,
    body_of_newest_mail,
    made_longer_ago,
    token_in_mail,
)

pytestmark = pytest.mark.django_db
ALICE = "alice@people.example"
SOMEWHERE = Actor(ip="203.0.113.9", request_id="r1")


@pytest.fixture
def open_domain(domain: Domain) -> Domain:
    Domain.objects.update(requests="moderated")
    domain.refresh_from_db()
    return domain


@pytest.fixture
def request_(open_domain: Domain) -> AddressRequest:
    return ask_and_confirm(open_domain)


@pytest.fixture
def token(request_: AddressRequest) -> str:
    return token_in_mail(ALICE, "decide")


def is_dead(token: str) -> bool:
    with pytest.raises(Absent):
        decision_links.find_decision_link(token)
    for approve in (True, False):
        with pytest.raises(Absent):
            decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=approve, reason="No.")
    return True


def test_a_yes_by_link_is_the_members_yes(token: str, alice: Actor) -> None:
    request = decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=True)
    assert (request.status, request.decided_by) == ("approved", alice.account)
    event = Event.objects.get(verb="approve_request")
    assert event.sentence == (
        "Alice approved grace@example.org for grace@harbour.example, by a link in a mail."
    )
    assert (event.via, event.actor, event.ip, event.request_id) == (
        "link",
        alice.account,
        "203.0.113.9",
        "r1",
    )
    assert Mailbox.objects.get().local_part == "grace"
    assert not DecisionLink.objects.exists()
    assert is_dead(token)


def test_a_no_by_link_has_a_reason(token: str, request_: AddressRequest) -> None:
    with pytest.raises(Invalid):
        decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=False, reason=" ")
    decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=False, reason="We are full.")
    request_.refresh_from_db()
    assert (request_.status, request_.reason) == ("refused", "We are full.")
    assert "by a link in a mail" in Event.objects.get(verb="refuse_request").sentence
    assert is_dead(token)


def test_looking_decides_nothing(token: str, request_: AddressRequest, alice: Actor) -> None:
    link = decision_links.find_decision_link(token)
    assert (link.request, link.account) == (request_, alice.account)
    request_.refresh_from_db()
    assert request_.status == "confirmed"


def test_it_dies_with_the_decision(token: str, request_: AddressRequest, alice: Actor) -> None:
    requests.refuse_request(actor=alice, request=request_, reason="No.")
    assert is_dead(token)


@pytest.mark.parametrize("how", ["removed", "viewer", "switched off", "operator who left"])
def test_it_dies_with_the_membership(token: str, alice: Actor, domain: Domain, how: str) -> None:
    assert alice.account is not None
    mine = Membership.objects.filter(account=alice.account)
    if how == "viewer":
        organizations.add_member(
            actor=Actor.rookery(), organization=domain.organization, email="z@people.example", role="owner"
        )
        organizations.add_member(
            actor=Actor.rookery(), organization=domain.organization, email=ALICE, role="viewer"
        )
    elif how == "switched off":
        alice.account.is_active = False
        alice.account.save()
    else:
        mine.delete()
        alice.account.is_staff = how.startswith("operator")
        alice.account.save()
    assert is_dead(token)


def test_it_dies_of_age(token: str) -> None:
    DecisionLink.objects.update(expires_at=timezone.now())
    assert is_dead(token)


def test_each_decider_has_one_and_the_newest_works(
    request_: AddressRequest, alice: Actor, bob: Actor
) -> None:
    organizations.add_member(
        actor=alice,
        organization=request_.domain.organization,
        email=account("mona").email,
        role="manager",
    )
    first = token_in_mail(ALICE, "decide")
    deciders.tell_deciders(request_, again=True)
    assert is_dead(first)
    tokens = [token_in_mail(who, "decide") for who in (ALICE, "mona@people.example")]
    assert len(set(tokens)) == 2
    assert not OutgoingMail.objects.filter(recipient="bob@people.example").exists()
    decision_links.decide_by_link(actor=SOMEWHERE, token=tokens[1], approve=True)
    assert is_dead(tokens[0])
    assert Event.objects.get(verb="approve_request").actor_name == "Mona"


def test_a_link_is_for_one_request(open_domain: Domain, token: str) -> None:
    other = ask_and_confirm(open_domain, "other")
    decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=True)
    other.refresh_from_db()
    assert other.status == "confirmed"


def test_guessing_is_limited(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    from tenants import limits

    monkeypatch.setattr(limits, "DECISIONS_PER_NETWORK", replace(limits.DECISIONS_PER_NETWORK, count=2))
    for _ in range(2):
        with pytest.raises(Absent):
            decision_links.decide_by_link(actor=SOMEWHERE, token="x" * 43, approve=True)
    with pytest.raises(TooMany):
        decision_links.decide_by_link(actor=SOMEWHERE, token=token, approve=True)


# Reminders, and the end ------------------------------------------------------------------------------------


def remind() -> int:
    return deciders.remind_deciders(actor=Actor.rookery())


def test_two_reminders_and_no_more(request_: AddressRequest) -> None:
    assert remind() == 0
    made_longer_ago(request_, 3.01)
    assert (remind(), remind()) == (1, 0)
    request_.refresh_from_db()
    assert request_.reminded_at is not None
    assert "has waited since" in body_of_newest_mail(ALICE)
    assert "it lapses on" in body_of_newest_mail(ALICE)
    made_longer_ago(request_, 7)
    assert (remind(), remind()) == (1, 0)
    made_longer_ago(request_, 15)
    assert remind() == 0
    assert Event.objects.filter(verb="remind_deciders").count() == 2
    assert OutgoingMail.objects.filter(recipient=ALICE).count() == 3


def test_a_worker_that_slept_reminds_once(request_: AddressRequest) -> None:
    made_longer_ago(request_, 12)
    assert (remind(), remind()) == (1, 0)


def test_nobody_is_reminded_of_what_has_lapsed_by_then(open_domain: Domain, alice: Actor) -> None:
    request_rules.change_request_rules(actor=alice, domain=open_domain, decide_within_days=2)
    request = ask_and_confirm(open_domain)
    assert request.remind_at is None
    assert request.decide_by is not None
    assert request.decide_by - timezone.now() < timedelta(days=2)


def test_nobody_is_reminded_of_what_was_decided(request_: AddressRequest, alice: Actor) -> None:
    requests.refuse_request(actor=alice, request=request_, reason="No.")
    made_longer_ago(request_, 4)
    assert remind() == 0


def test_what_nobody_decides_lapses_and_the_requester_is_told(request_: AddressRequest, token: str) -> None:
    made_longer_ago(request_, 29.9)
    assert request_ends.expire_requests(actor=Actor.rookery()) == 0
    made_longer_ago(request_, 0.2)
    assert request_ends.expire_requests(actor=Actor.rookery()) == 1
    request_.refresh_from_db()
    assert (request_.status, request_.sealed_hash, request_.remind_at) == ("lapsed", None, None)
    assert "nobody decided" in " ".join(body_of_newest_mail("grace@harbour.example").split())
    event = Event.objects.get(verb="lapse_request")
    assert (event.before, event.after) == ({"status": "confirmed"}, {"status": "lapsed"})
    assert is_dead(token)
    assert request_ends.expire_requests(actor=Actor.rookery()) == 0


def test_a_domain_may_let_them_wait_without_end(open_domain: Domain, alice: Actor) -> None:
    request_rules.change_request_rules(actor=alice, domain=open_domain, never_lapse=True)
    request = ask_and_confirm(open_domain)
    assert request.decide_by is None
    made_longer_ago(request, 1000)
    assert request_ends.expire_requests(actor=Actor.rookery()) == 0


def test_the_sweep_does_all_of_it(open_domain: Domain) -> None:
    from workers import sweeper

    reminded, lapsed = (ask_and_confirm(open_domain, name) for name in ("a", "b"))
    made_longer_ago(reminded, 4)
    made_longer_ago(lapsed, 31)
    sweeper.sweep()
    reminded.refresh_from_db()
    lapsed.refresh_from_db()
    assert reminded.reminded_at is not None
    assert lapsed.status == "lapsed"
    DecisionLink.objects.update(expires_at=timezone.now())
    sweeper.sweep()
    assert not DecisionLink.objects.exists()


def test_only_rookery_reminds(olga: Actor) -> None:
    with pytest.raises(Forbidden):
        deciders.remind_deciders(actor=olga)


def test_a_link_shows_in_no_repr(token: str) -> None:
    assert token not in repr(vars(DecisionLink.objects.get()))
    assert STRANGER.account is None
