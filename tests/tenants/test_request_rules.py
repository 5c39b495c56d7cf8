"""Addresses that a rule gives: only within it, only as many, only as anybody could; people get the rest."""

from __future__ import annotations

import pytest

from tenants.actions import domains, mailboxes, names, organizations, request_rules, requests
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Domain, Event, HeldName, Mailbox, Organization, OutgoingMail, RequestRules
from tests.conftest import account
from tests.tenants.requesting import ask, ask_and_confirm, body_of_newest_mail, token_in_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_domain(domain: Domain, alice: Actor) -> Domain:
    """It gives two addresses by itself, one to each person, all with a dot and to harbour.example."""
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    request_rules.change_request_rules(
        actor=alice, domain=domain, pattern="*.*", mail_domains=["harbour.example"], most=2, most_each=1
    )
    return domain


def mails_to(recipient: str) -> int:
    return OutgoingMail.objects.filter(recipient=recipient).count()


def given(domain: Domain) -> int:
    return RequestRules.objects.get(domain=domain).given


def test_what_the_rule_admits_is_given_at_once(open_domain: Domain) -> None:
    request = ask_and_confirm(open_domain, "grace.hopper")
    assert (request.status, request.decided_by, request.waits_because) == ("approved", None, "")
    mailbox = Mailbox.objects.get(local_part="grace.hopper")
    assert [row.account for row in mailbox.holdings.all()] == [request.account]
    assert request.sealed_hash is None
    event = Event.objects.get(verb="approve_request")
    assert event.actor_name == "Rookery"
    assert event.sentence.endswith("by the rule of example.org.")
    assert mails_to("alice@people.example") == 0
    assert "was approved" in body_of_newest_mail("grace.hopper@harbour.example")
    assert given(open_domain) == 1


def test_nothing_is_given_before_the_holder_of_the_target_confirmed(open_domain: Domain) -> None:
    ask(open_domain, "grace.hopper")
    assert not Mailbox.objects.exists()


@pytest.mark.parametrize(
    ("local_part", "target", "because"),
    [
        ("grace", "grace@harbour.example", "“grace” does not fit the pattern “*.*”"),
        ("grace.hopper", "g@else.example", "Mail to else.example is not in the rule"),
    ],
)
def test_the_rest_waits_and_the_owner_reads_why(
    open_domain: Domain, local_part: str, target: str, because: str
) -> None:
    request = ask_and_confirm(open_domain, local_part, target)
    assert request.status == "confirmed"
    assert because in request.waits_because
    assert because in body_of_newest_mail("alice@people.example")
    assert mails_to(target) == 1, "the stranger is told nothing"
    assert given(open_domain) == 0


def test_the_rule_counts_all_and_each_person(open_domain: Domain, alice: Actor) -> None:
    ask_and_confirm(open_domain, "a.a", "Ada@harbour.example")
    second = ask_and_confirm(open_domain, "b.b", "ada+b@harbour.example")
    assert "gave ada@harbour.example its address already" in second.waits_because
    assert given(open_domain) == 1, "what came to nothing is not counted"
    ask_and_confirm(open_domain, "c.c")
    last = ask_and_confirm(open_domain, "d.d")
    assert last.waits_because == "The rule has given all of its 2 addresses."
    requests.approve_request(actor=alice, request=last)
    assert given(open_domain) == 2
    request_rules.change_request_rules(actor=alice, domain=open_domain, count_anew=True)
    assert ask_and_confirm(open_domain, "e.e").status == "approved"


def test_a_full_organization_leaves_it_to_people(open_domain: Domain, organization: Organization) -> None:
    Organization.objects.update(mailbox_quota=0)
    request = ask_and_confirm(open_domain, "grace.hopper")
    assert request.status == "confirmed"
    assert request.sealed_hash is not None
    assert "has 0 of 0 addresses" in request.waits_because
    assert given(open_domain) == 0
    token_in_mail("alice@people.example", "decide")


def test_a_rule_has_the_rank_of_nobody(open_domain: Domain, alice: Actor, olga: Actor) -> None:
    """Who signs in as ada.byron@ keeps it to themselves, whatever a rule would give."""
    for name, make in (("ada.byron", "operator"), ("lord.byron", "member")):
        person = account(name)
        person.email = f"{name}@example.org"
        person.is_staff = make == "operator"
        person.save()
    organizations.add_member(
        actor=alice, organization=open_domain.organization, email="lord.byron@example.org", role="viewer"
    )
    for name in ("ada.byron", "lord.byron"):
        request = ask_and_confirm(open_domain, name, f"{name}@harbour.example")
        assert request.status == "confirmed"
        assert "is how somebody signs in here" in request.waits_because
    assert not Mailbox.objects.exists()


def test_held_names_are_nobodys(open_domain: Domain, alice: Actor) -> None:
    request_rules.change_request_rules(actor=alice, domain=open_domain, pattern="*")
    for kind in HeldName.Kind.values:
        names.hold_name(actor=alice, domain=open_domain, local_part=f"old.{kind}", kind=kind)
    for local_part in ("postmaster", "old.never", "old.reserved"):
        asked = ask(open_domain, local_part, f"for.{local_part}@harbour.example")
        assert asked.status == "asked", "not told before"
        token = token_in_mail(asked.target, "asked/confirm")
        ended = requests.confirm_request(actor=Actor(), confirm_token=token)
        assert (ended.status, ended.sealed_hash) == ("taken", None)
        assert ended.waits_because
        assert mails_to(asked.target) == 1
    assert mails_to("alice@people.example") == 0
    mailboxes.create_mailbox(
        actor=alice, domain=open_domain, local_part="postmaster", targets=["pm@harbour.example"]
    )


def test_a_name_that_is_let_go_can_be_had(open_domain: Domain, alice: Actor) -> None:
    names.release_name(actor=alice, held=HeldName.objects.get(domain=open_domain, local_part="contact"))
    assert ask_and_confirm(open_domain, "contact").status == "confirmed"


def test_a_moderated_domain_asks_no_rule(open_domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=open_domain, requests="moderated")
    request = ask_and_confirm(open_domain, "grace.hopper")
    assert (request.status, request.waits_because) == ("confirmed", "")


def test_the_defaults_admit_anybody_for_a_while(domain: Domain, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="automatic")
    assert ask_and_confirm(domain, "grace").status == "approved"
    assert given(domain) == 1


def test_all_problems_of_a_rule_at_once(domain: Domain, alice: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        request_rules.change_request_rules(
            actor=alice,
            domain=domain,
            pattern="[a]",
            mail_domains=["example.org"],
            most=0,
            most_each=101,
            decide_within_days=0,
        )
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["pattern", "mail_domains", "most", "most_each", "decide_within_days"]
    assert all(problem.fix for problem in refused.value.problems)
    assert not RequestRules.objects.exists()


def test_a_change_is_one_event_and_none_is_none(domain: Domain, alice: Actor) -> None:
    def change(**values: object) -> int:
        request_rules.change_request_rules(actor=alice, domain=domain, **values)  # type: ignore[arg-type]
        return Event.objects.filter(verb="change_request_rules").count()

    assert change(pattern="**.*") == 1
    assert change(pattern="*.*") == 1
    assert change(never_lapse=True) == 2
    event = Event.objects.filter(verb="change_request_rules").latest("pk")
    assert (event.before["decide_within_days"], event.after["decide_within_days"]) == (30, None)
    with pytest.raises(Invalid):
        change(never_lapse=True, decide_within_days=3)


def test_a_rule_that_is_lowered_gives_nothing_more(open_domain: Domain, alice: Actor) -> None:
    ask_and_confirm(open_domain, "a.a")
    request_rules.change_request_rules(actor=alice, domain=open_domain, most=1)
    assert ask_and_confirm(open_domain, "b.b").status == "confirmed"
