"""The last of something, wanted by several at the same moment in transactions of their own."""

from __future__ import annotations

from functools import partial

import pytest

from tenants import limits, tokens
from tenants.actions import decision_links, domains, invitations, request_rules, requests
from tenants.actor import Actor
from tenants.models import AddressRequest, Allowance, Domain, Event, Invitation, Mailbox, RequestRules
from tests.conftest import HASH
from tests.tenants.requesting import ask, ask_and_confirm, token_in_mail
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


def asked(domain: Domain, local_part: str, target: str = "") -> str:
    """The token with which a request is confirmed."""
    request = ask(domain, local_part, target)
    token = tokens.new_token()
    AddressRequest.objects.filter(pk=request.pk).update(confirm_digest=tokens.digest(token))
    return token


def confirm_all(*confirmations: str) -> list[str]:
    results = at_once(
        *(partial(requests.confirm_request, actor=Actor(), confirm_token=each) for each in confirmations)
    )
    assert refusals(results) == []
    return sorted(each.status for each in results)  # type: ignore[attr-defined]


@pytest.mark.parametrize("has_rules", [True, False])
def test_the_last_address_of_a_rule_is_given_once(domain: Domain, alice: Actor, has_rules: bool) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    if has_rules:
        request_rules.change_request_rules(actor=alice, domain=domain, most=1)
    else:
        # Nobody saved a rule: its row is made by whoever comes first.
        most = 20 - 1
        RequestRules.objects.create(domain=domain, given=most)
    waiting = [asked(domain, f"n{number}") for number in range(3)]
    assert confirm_all(*waiting) == ["approved", "confirmed", "confirmed"]
    rules = RequestRules.objects.get()
    assert rules.given == rules.most
    assert Mailbox.objects.count() == 1
    because = set(AddressRequest.objects.exclude(waits_because="").values_list("waits_because", flat=True))
    assert because == {f"The rule has given all of its {rules.most} addresses."}


def test_rules_that_nobody_saved_are_made_once(domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    waiting = [asked(domain, f"n{number}") for number in range(3)]
    results = at_once(
        *(partial(requests.confirm_request, actor=Actor(), confirm_token=each) for each in waiting),
        partial(request_rules.change_request_rules, actor=alice, domain=domain, decide_within_days=5),
    )
    assert refusals(results) == []
    rules = RequestRules.objects.get()
    assert (rules.given, rules.decide_within_days) == (3, 5)


def test_one_person_is_given_no_more_than_their_share(domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    request_rules.change_request_rules(actor=alice, domain=domain, most_each=1)
    waiting = [asked(domain, f"n{number}", f"ada+{number}@home.example") for number in range(3)]
    assert confirm_all(*waiting) == ["approved", "confirmed", "confirmed"]
    assert RequestRules.objects.get().given == 1


def test_one_name_is_given_once(domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    for number in range(ROUNDS):
        waiting = [asked(domain, f"n{number}", f"p{number}.{person}@home.example") for person in range(2)]
        statuses = confirm_all(*waiting)
        # The second is told that it is taken, or waits for people when both looked before either wrote.
        assert statuses in (["approved", "taken"], ["approved", "confirmed"])
    assert Mailbox.objects.count() == RequestRules.objects.get().given == ROUNDS


def test_the_last_use_of_an_invitation_is_one_use(domain: Domain, alice: Actor) -> None:
    made = invitations.make_invitation(actor=alice, domain=domain, uses=2)
    token = made.url.rpartition("/")[2]
    results = at_once(
        *(
            partial(
                requests.submit_request,
                actor=Actor(),
                domain=domain,
                local_part=f"n{number}",
                target=f"n{number}@home.example",
                password_hash=HASH,
                invitation_token=token,
            )
            for number in range(4)
        )
    )
    assert refusals(results) == ["Absent", "Absent"]
    assert AddressRequest.objects.count() == 2
    assert Invitation.objects.get().uses_left == 0


def test_nobody_is_held_back_while_there_is_room() -> None:
    for number in range(ROUNDS):
        subject = f"n{number}"
        results = at_once(*[partial(limits.spend, limits.REQUESTS_PER_NETWORK, subject)] * 6)
        assert refusals(results) == []
        assert Allowance.objects.latest("pk").used == 6


def test_used_and_withdrawn_at_once_is_one_of_both(domain: Domain, alice: Actor) -> None:
    for number in range(ROUNDS):
        made = invitations.make_invitation(actor=alice, domain=domain)
        token = made.url.rpartition("/")[2]
        results = at_once(
            partial(ask, domain, f"n{number}", invitation_token=token),
            partial(invitations.withdraw_invitation, actor=alice, invitation=made.invitation),
        )
        assert refusals(results) in ([], ["Absent"])
        row = Invitation.objects.get(pk=made.invitation.pk)
        assert row.withdrawn_at is not None
        assert row.uses_left == (1 if refusals(results) else 0)


def test_a_decision_link_decides_once(domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    for number in range(ROUNDS):
        request = ask_and_confirm(domain, f"n{number}")
        token = token_in_mail("alice@people.example", "decide")
        results = at_once(
            partial(decision_links.decide_by_link, actor=Actor(), token=token, approve=True),
            partial(decision_links.decide_by_link, actor=Actor(), token=token, approve=True),
            partial(decision_links.decide_by_link, actor=Actor(), token=token, approve=False, reason="No."),
        )
        assert len(refusals(results)) == 2
        assert set(refusals(results)) <= {"Absent", "Conflict"}
        request.refresh_from_db()
        verbs = {"approved": "approve_request", "refused": "refuse_request"}
        assert Event.objects.filter(subject=request.address, verb=verbs[request.status]).count() == 1
