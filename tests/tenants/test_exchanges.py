"""Targets in several domains: what waits, what flows, what is refused, and what a person may accept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from tenants.actions import domains, mailboxes, organizations, repositories, targets, warnings
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.exchanges import Answer, Exchanges
from tenants.models import (
    AddressWarning,
    Domain,
    Event,
    Holding,
    Mailbox,
    Organization,
    SyncTarget,
    TargetDomain,
)
from tenants.secrets import Opener
from tests.conftest import account, confirm_all
from tests.exchanges import SHARED_HOST, dns_says, served, shared_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def relay(alice: Actor, domain: Domain) -> SyncTarget:
    return repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target


@pytest.fixture
def ada(make_mailbox: Callable[..., Mailbox], relay: SyncTarget) -> Mailbox:
    return make_mailbox(target="ada@north.shared.example")


def written(relay: SyncTarget) -> list[str]:
    entry = desired_relay(relay, Opener()).entries.get(b"ada")
    return list(entry.targets) if entry else []


def add(alice: Actor, ada: Mailbox, address: str, **more: bool) -> None:
    targets.add_target(actor=alice, mailbox=ada, address=address, **more)
    confirm_all(ada)


def states(ada: Mailbox) -> dict[str, str]:
    return dict(ada.targets.values_list("host", "exchange"))


def generation(relay: SyncTarget) -> int:
    relay.refresh_from_db()
    return relay.generation


def test_one_domain_flows_at_once_and_is_looked_up_all_the_same(ada: Mailbox, relay: SyncTarget) -> None:
    assert written(relay) == ["ada@north.shared.example"]
    row = TargetDomain.objects.get()
    assert (row.name, row.answer, row.organization) == ("north.shared.example", "", ada.domain.organization)


def test_a_second_domain_waits_until_both_are_known(alice: Actor, ada: Mailbox, relay: SyncTarget) -> None:
    add(alice, ada, "ada@work.example")
    assert states(ada) == {"north.shared.example": "", "work.example": "checking"}
    assert written(relay) == ["ada@north.shared.example"]
    dns_says("work.example", served("mx.work.example"))
    assert states(ada)["work.example"] == "checking"
    before = generation(relay)
    dns_says("north.shared.example", served(SHARED_HOST))
    assert states(ada)["work.example"] == ""
    assert generation(relay) == before + 1
    assert written(relay) == ["ada@north.shared.example", "ada@work.example"]
    event = Event.objects.get(verb="review_address")
    assert event.sentence == "The mail server of ada@work.example is known: it gets mail of ada@example.org."
    assert event.sync_target == relay


def test_silence_keeps_it_waiting(alice: Actor, ada: Mailbox, relay: SyncTarget) -> None:
    dns_says("north.shared.example", served(SHARED_HOST))
    add(alice, ada, "ada@work.example")
    row = dns_says("work.example", None)
    assert (row.failures, row.problem, row.looked_up_at) == (1, "nobody answered in time", None)
    assert states(ada)["work.example"] == "checking"
    dns_says("work.example", served("mx.work.example"))
    row = dns_says("work.example", None)
    assert row.answer == Answer.EXCHANGES, "the last answer stays"
    assert states(ada)["work.example"] == ""


def test_one_that_turns_out_to_share_is_not_written(alice: Actor, ada: Mailbox, relay: SyncTarget) -> None:
    dns_says("north.shared.example", served(SHARED_HOST))
    add(alice, ada, "ada@south.shared.example")
    before = generation(relay)
    dns_says("south.shared.example", served(SHARED_HOST))
    assert states(ada)["south.shared.example"] == "shared"
    assert generation(relay) == before
    assert written(relay) == ["ada@north.shared.example"]
    assert "has the same mail server as another target" in Event.objects.get(verb="review_address").sentence
    assert not AddressWarning.objects.exists(), "nothing is mixed"


def test_one_that_is_known_to_share_is_refused_with_the_hosts(alice: Actor, ada: Mailbox) -> None:
    for name in ("north", "south"):
        dns_says(f"{name}.shared.example", served(SHARED_HOST))
    with pytest.raises(Invalid) as refused:
        targets.add_target(actor=alice, mailbox=ada, address="ada@south.shared.example")
    [problem] = refused.value.problems
    assert problem.field == "address"
    assert SHARED_HOST in problem.problem
    assert "accepts that risk" in problem.fix
    with pytest.raises(Invalid, match=r"same mail server"):
        mailboxes.create_mailbox(
            actor=alice,
            domain=ada.domain,
            local_part="two",
            targets=["a@north.shared.example", "b@south.shared.example"],
        )
    assert not Mailbox.objects.filter(local_part="two").exists()


def test_the_team_may_accept_the_risk_and_the_holder_may_not(
    alice: Actor, ada: Mailbox, relay: SyncTarget, organization: Organization
) -> None:
    for name in ("north", "south"):
        dns_says(f"{name}.shared.example", served(SHARED_HOST))
    holder = Actor(account=account("hanna"))
    Holding.objects.create(mailbox=ada, account=holder.account, since=timezone.now())
    ada.refresh_from_db()
    with pytest.raises(Forbidden):
        targets.add_target(actor=holder, mailbox=ada, address="ada@south.shared.example", accept_shared=True)
    add(alice, ada, "ada@south.shared.example", accept_shared=True)
    assert states(ada)["south.shared.example"] == "accepted"
    assert written(relay) == ["ada@north.shared.example", "ada@south.shared.example"]
    assert Event.objects.get(verb="add_target").after["accepted"] == "shared mail server"
    warnings.review_address(actor=Actor.rookery(), mailbox=ada)
    assert not AddressWarning.objects.exists(), "it was accepted"


def test_what_nobody_named_cannot_be_accepted(alice: Actor, ada: Mailbox) -> None:
    add(alice, ada, "ada@south.shared.example", accept_shared=True)
    assert states(ada)["south.shared.example"] == "checking"
    with pytest.raises(Conflict, match="shares its mail server with no other"):
        warnings.accept_shared_exchange(actor=alice, mailbox=ada, address="ada@south.shared.example")
    with pytest.raises(Absent):
        warnings.accept_shared_exchange(actor=alice, mailbox=ada, address="nobody@south.shared.example")


def test_domains_that_come_to_share_are_told_and_mail_goes_on(
    alice: Actor, ada: Mailbox, relay: SyncTarget
) -> None:
    dns_says("north.shared.example", served("mx.north.example"))
    dns_says("south.shared.example", served("mx.south.example"))
    add(alice, ada, "ada@south.shared.example")
    both = ["ada@north.shared.example", "ada@south.shared.example"]
    assert written(relay) == both
    before = generation(relay)
    for name in ("north", "south"):
        dns_says(f"{name}.shared.example", served(SHARED_HOST))
    assert written(relay) == both
    assert generation(relay) == before, "nothing is to be written"
    warning = AddressWarning.objects.get()
    assert (warning.kind, warning.mailbox) == ("shared-exchange", ada)
    assert SHARED_HOST in warning.sentence
    assert "Mail goes on as before" in warning.sentence
    assert Event.objects.get(verb="review_address").after == {"targets": {}, "warnings": ["shared-exchange"]}
    dns_says("south.shared.example", served("mx.south.example"))
    assert not AddressWarning.objects.exists()


def test_removing_one_ends_the_warning_and_lets_another_flow(
    alice: Actor, ada: Mailbox, relay: SyncTarget
) -> None:
    shared_pair(ada)
    warnings.review_address(actor=Actor.rookery(), mailbox=ada)
    assert AddressWarning.objects.exists()
    ada.targets.filter(address="ada@north.shared.example").delete()
    targets.remove_target(actor=alice, mailbox=ada, address="north@north.shared.example")
    assert not AddressWarning.objects.exists()
    dns_says("work.example", served(SHARED_HOST), reviewed=False)
    with pytest.raises(Invalid):
        targets.add_target(actor=alice, mailbox=ada, address="ada@work.example")
    targets.add_target(actor=alice, mailbox=ada, address="ada@new.example")
    dns_says("new.example", served(SHARED_HOST))
    assert states(ada)["new.example"] == "shared"
    targets.remove_target(actor=alice, mailbox=ada, address="south@south.shared.example")
    assert states(ada) == {"new.example": ""}


def test_accepting_what_waits_lets_it_flow(alice: Actor, ada: Mailbox, relay: SyncTarget) -> None:
    dns_says("north.shared.example", served(SHARED_HOST))
    add(alice, ada, "ada@south.shared.example")
    dns_says("south.shared.example", served(SHARED_HOST))
    warnings.accept_shared_exchange(actor=alice, mailbox=ada, address="ada@south.shared.example")
    assert written(relay) == ["ada@north.shared.example", "ada@south.shared.example"]
    event = Event.objects.get(verb="accept_shared_exchange")
    assert SHARED_HOST in event.after["risk"]
    with pytest.raises(Conflict):
        warnings.accept_shared_exchange(actor=alice, mailbox=ada, address="ada@south.shared.example")


def test_back_from_the_trash_it_is_judged_anew(alice: Actor, ada: Mailbox) -> None:
    dns_says("north.shared.example", served("mx.north.example"))
    dns_says("south.shared.example", served("mx.south.example"))
    add(alice, ada, "ada@south.shared.example")
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    for name in ("north", "south"):
        dns_says(f"{name}.shared.example", served(SHARED_HOST))
    assert not AddressWarning.objects.exists()
    mailboxes.restore_mailbox(actor=alice, mailbox=ada)
    assert states(ada) == {"north.shared.example": "", "south.shared.example": "shared"}


def test_a_circle_that_came_about_elsewhere_is_told_without_whose(
    alice: Actor, charlie: Actor, ada: Mailbox
) -> None:
    """As when an entry is taken over: no door looked at it."""
    theirs = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    secret = mailboxes.create_mailbox(
        actor=charlie, domain=theirs, local_part="secret", targets=["x@home.example"]
    )
    ada.targets.update(address="secret@other.example")
    dns_says("other.example", served("mx.other.example"))
    assert not AddressWarning.objects.exists()
    secret.targets.update(address="ada@example.org")
    dns_says("other.example", served("mx.other.example"))
    warning = AddressWarning.objects.get()
    assert (warning.kind, warning.mailbox) == ("loop", ada)
    assert "other.example" not in warning.sentence
    dns_says("example.org", served("mx.example.org"))
    assert AddressWarning.objects.count() == 2
    targets.remove_target(actor=alice, mailbox=ada, address="secret@other.example")
    assert AddressWarning.objects.get().mailbox == secret
    dns_says("example.org", served("mx.example.org"))
    assert not AddressWarning.objects.exists()


def test_only_workers_record_and_review(alice: Actor, olga: Actor, ada: Mailbox) -> None:
    from tenants.actions.likeness import note_likeness
    from tenants.actions.lookups import record_lookup

    row = TargetDomain.objects.get()
    for actor in (alice, olga, Actor()):
        with pytest.raises(Forbidden):
            warnings.review_address(actor=actor, mailbox=ada)
        with pytest.raises(Forbidden):
            record_lookup(
                actor=actor,
                domain=row,
                found=Exchanges(Answer.NOTHING),
                problem="",
                next_look_at=row.wanted_at,
            )
        with pytest.raises(Forbidden):
            note_likeness(actor=actor, mailbox=ada, likeness="x")


def test_viewers_accept_nothing(alice: Actor, bob: Actor, ada: Mailbox, organization: Organization) -> None:
    shared_pair(ada)
    with pytest.raises(Forbidden):
        warnings.accept_shared_exchange(actor=bob, mailbox=ada, address="south@south.shared.example")
    organizations.add_member(
        actor=alice, organization=organization, email="bob@people.example", role="manager"
    )
    row = warnings.accept_shared_exchange(actor=bob, mailbox=ada, address="south@south.shared.example")
    assert row.exchange == "accepted"
