"""Who holds an address: several people with the same rights, hand-over, leaving, and notes of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tenants import access
from tenants.actions import accounts, holders, mailboxes, repositories, targets
from tenants.actions.token_rows import find_token
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.history import events_of
from tenants.models import Account, ApiToken, Domain, Event, Mailbox, SignInLink
from tenants.secrets import Opener
from tests.conftest import HASH
from tests.web.people import mails_to

pytestmark = pytest.mark.django_db
MakeMailbox = Callable[..., Mailbox]


@pytest.fixture
def dora() -> Actor:
    return Actor(account=accounts.account_for("dora@home.example"))


@pytest.fixture
def erin() -> Actor:
    return Actor(account=accounts.account_for("erin@home.example"))


@pytest.fixture
def shared(alice: Actor, make_mailbox: MakeMailbox, dora: Actor, erin: Actor) -> Mailbox:
    """An address that two people hold."""
    mailbox = make_mailbox("both", holder=dora.account)
    holders.add_holder(actor=alice, mailbox=mailbox, email="Erin@Home.Example")
    return mailbox


def emails(mailbox: Mailbox) -> list[str]:
    return [person.email for person in access.people_who_hold(mailbox)]


def test_two_people_have_the_same_rights(shared: Mailbox, dora: Actor, erin: Actor) -> None:
    assert emails(shared) == ["dora@home.example", "erin@home.example"]
    for actor in (dora, erin):
        assert list(access.visible_to(actor, Mailbox)) == [shared]
        assert list(access.held_mailboxes(actor)) == [shared]
        mailboxes.set_passphrase(actor=actor, mailbox=shared, password_hash=HASH)
        mailboxes.switch_mailbox(actor=actor, mailbox=shared, enabled=False)
    # What one switched off the other switches on.
    mailboxes.switch_mailbox(actor=dora, mailbox=shared, enabled=True)


def test_who_holds_several_addresses_of_a_team_sees_none_twice(
    alice: Actor, shared: Mailbox, make_mailbox: MakeMailbox
) -> None:
    """A member who also holds an address sees each row once."""
    holders.add_holder(actor=alice, mailbox=shared, email="alice@people.example")
    make_mailbox("other")
    assert access.visible_to(alice, Mailbox).count() == 2
    assert list(access.held_mailboxes(alice)) == [shared]
    assert not access.held_mailboxes(replace(alice, organization_id=999)).exists()


def test_the_new_one_gets_a_link_that_signs_in(shared: Mailbox, erin: Actor) -> None:
    [body] = mails_to("erin@home.example")
    assert "Alice gave you a say over both@example.org." in body
    [token] = re.findall(r"/sign-in/([\w-]{43})", body)
    assert accounts.redeem_sign_in_link(actor=Actor(), token=token) == erin.account
    event = Event.objects.get(verb="add_holder")
    assert event.before == {"holders": ["dora@home.example"]}
    assert event.after == {"holders": ["dora@home.example", "erin@home.example"]}
    assert token not in str(vars(event))


def test_somebody_unknown_gets_an_account(alice: Actor, shared: Mailbox) -> None:
    holders.add_holder(actor=alice, mailbox=shared, email="new@home.example")
    assert not Account.objects.get(email="new@home.example").has_usable_password()


@pytest.mark.parametrize("email", ["", "x", "x@", "x@a.example\nBcc: y@z.example", "dora@home.example"])
def test_who_cannot_be_let_in(alice: Actor, shared: Mailbox, email: str) -> None:
    before = Account.objects.count()
    for act in (holders.add_holder, holders.hand_over):
        if (act, email) == (holders.hand_over, "dora@home.example"):
            continue
        with pytest.raises(Invalid) as refused:
            act(actor=alice, mailbox=shared, email=email)
        assert [each.field for each in refused.value.problems] == ["email"]
        assert refused.value.problems[0].fix
    assert (Account.objects.count(), len(emails(shared))) == (before, 2)


def test_holders_are_bounded(alice: Actor, shared: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "MAX_HOLDERS", 2)
    with pytest.raises(Conflict, match="Let one go first"):
        holders.add_holder(actor=alice, mailbox=shared, email="third@home.example")


def test_who_holds_an_address_lets_nobody_in_and_throws_nobody_out(shared: Mailbox, dora: Actor) -> None:
    for act in (holders.add_holder, holders.hand_over, holders.remove_holder):
        with pytest.raises(Forbidden, match="Ask an owner or manager"):
            act(actor=dora, mailbox=shared, email="erin@home.example")


def test_one_of_two_leaves_and_the_last_one_switches_off_first(
    shared: Mailbox, dora: Actor, erin: Actor
) -> None:
    with pytest.raises(Conflict, match="Leave it instead"):
        mailboxes.trash_mailbox(actor=dora, mailbox=shared)
    holders.remove_holder(actor=dora, mailbox=shared, email="dora@home.example")
    assert emails(shared) == ["erin@home.example"]
    assert Event.objects.latest("pk").sentence == "dora@home.example left both@example.org."
    with pytest.raises(Absent):
        holders.remove_holder(actor=dora, mailbox=shared, email="dora@home.example")
    with pytest.raises(Conflict, match="Switch it off first"):
        holders.remove_holder(actor=erin, mailbox=shared, email="erin@home.example")
    mailboxes.switch_mailbox(actor=erin, mailbox=shared, enabled=False)
    holders.remove_holder(actor=erin, mailbox=shared, email="erin@home.example")
    assert emails(shared) == []
    # Nobody's mail: whoever leaves by themselves needs to be told nothing.
    assert not mails_to("dora@home.example")


def test_the_team_lets_somebody_go_and_they_are_told(alice: Actor, shared: Mailbox, dora: Actor) -> None:
    holders.remove_holder(actor=alice, mailbox=shared, email="dora@home.example")
    [body] = mails_to("dora@home.example")
    assert "Alice ended that you hold both@example.org." in body
    assert "keys for programs are untouched" in " ".join(body.split())
    holders.remove_holder(actor=alice, mailbox=shared, email="erin@home.example")
    with pytest.raises(Absent):
        holders.remove_holder(actor=alice, mailbox=shared, email="erin@home.example")
    assert emails(shared) == []


def test_only_who_holds_it_alone_deletes_it(
    alice: Actor, make_mailbox: MakeMailbox, dora: Actor, shared: Mailbox
) -> None:
    own = make_mailbox("dora", holder=dora.account)
    mailboxes.trash_mailbox(actor=dora, mailbox=own)
    own.refresh_from_db()
    with pytest.raises(Absent):
        mailboxes.restore_mailbox(actor=dora, mailbox=own)
    mailboxes.restore_mailbox(actor=alice, mailbox=own)
    assert emails(own) == ["dora@home.example"]
    mailboxes.trash_mailbox(actor=alice, mailbox=shared)


# Handing over --------------------------------------------------------------------------------------


def test_an_address_goes_to_somebody_else(alice: Actor, shared: Mailbox, dora: Actor, domain: Domain) -> None:
    place = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target
    _, key = accounts.create_token(actor=dora, name="mine")
    links = list(SignInLink.objects.values())
    targets.add_target(actor=dora, mailbox=shared, address="later@home.example")
    holders.hand_over(actor=alice, mailbox=shared, email="grace@harbour.example")
    shared.refresh_from_db()
    assert emails(shared) == ["grace@harbour.example"]
    # Neither the mail nor the passphrase of those before: nothing is written until the new one confirmed.
    assert (shared.kind, shared.sealed_hash) == ("alias", None)
    assert [(row.address, row.confirmed_at) for row in shared.targets.all()] == [
        ("grace@harbour.example", None)
    ]
    place.refresh_from_db()
    desired = desired_relay(place, Opener())
    assert (b"both" in desired.absent, shared.generation) == (True, place.generation)
    for email in ("dora@home.example", "erin@home.example"):
        body = mails_to(email)[-1]
        assert "Alice handed both@example.org over to somebody else." in body
        assert "grace" not in body
    confirm, welcome = mails_to("grace@harbour.example")
    assert "/confirm/" in confirm
    assert "Alice handed both@example.org over to you." in welcome
    # How they sign in is untouched.
    assert find_token(key) is not None
    assert list(SignInLink.objects.values())[: len(links)] == links
    event = Event.objects.get(verb="hand_over")
    assert event.before["holders"] == ["dora@home.example", "erin@home.example"]
    assert event.after["passphrase"] == "none"


def test_the_address_of_an_office_keeps_its_targets(alice: Actor, shared: Mailbox) -> None:
    holders.hand_over(actor=alice, mailbox=shared, email="new@home.example", keep_targets=True)
    assert [row.address for row in shared.targets.all()] == ["ada@home.example"]
    assert len(mails_to("new@home.example")) == 1


def test_one_of_those_who_share_it_gets_it_alone(alice: Actor, shared: Mailbox) -> None:
    since = shared.holdings.get(account__email="erin@home.example").since
    holders.hand_over(actor=alice, mailbox=shared, email="erin@home.example")
    assert [(row.account.email, row.since) for row in shared.holdings.all()] == [("erin@home.example", since)]
    with pytest.raises(Invalid, match=r"holds both@example\.org already"):
        holders.hand_over(actor=alice, mailbox=shared, email="erin@home.example")


def test_a_person_whose_mail_would_come_back_needs_the_targets_kept(
    alice: Actor, shared: Mailbox, domain: object
) -> None:
    """Somebody who signs in with an address of the same domain cannot be its target."""
    with pytest.raises(Invalid, match="same domain") as refused:
        holders.hand_over(actor=alice, mailbox=shared, email="ada@example.org")
    assert [each.field for each in refused.value.problems] == ["email"]
    assert "keep" in refused.value.problems[0].fix
    holders.hand_over(actor=alice, mailbox=shared, email="ada@example.org", keep_targets=True)


def test_nothing_of_it_works_in_the_trash(alice: Actor, shared: Mailbox) -> None:
    mailboxes.trash_mailbox(actor=alice, mailbox=shared)
    for act in (holders.add_holder, holders.hand_over, holders.remove_holder):
        with pytest.raises(Conflict, match="in the trash"):
            act(actor=alice, mailbox=shared, email="x@home.example")


# One's own note ------------------------------------------------------------------------------------


def test_a_note_of_ones_own_is_in_no_log(shared: Mailbox, dora: Actor, erin: Actor, alice: Actor) -> None:
    holders.change_own_note(actor=dora, mailbox=shared, note="the one for the bank")
    holders.change_own_note(actor=erin, mailbox=shared, note="hers")
    notes = dict(shared.holdings.values_list("account__email", "note"))
    assert notes == {"dora@home.example": "the one for the bank", "erin@home.example": "hers"}
    shared.refresh_from_db()
    assert shared.note == ""
    assert "bank" not in str(list(Event.objects.values()))
    count = Event.objects.count()
    holders.change_own_note(actor=dora, mailbox=shared, note="the one for the bank")
    assert Event.objects.count() == count
    with pytest.raises(Forbidden, match="You do not hold"):
        holders.change_own_note(actor=alice, mailbox=shared, note="x")
    with pytest.raises(Invalid):
        holders.change_own_note(actor=dora, mailbox=shared, note="x" * 201)
    assert not ApiToken.objects.exists()


def test_who_takes_an_address_over_reads_nothing_of_whoever_held_it(
    alice: Actor, shared: Mailbox, dora: Actor
) -> None:
    mailboxes.switch_mailbox(actor=dora, mailbox=shared, enabled=False)
    holders.hand_over(actor=alice, mailbox=shared, email="grace@harbour.example", keep_targets=True)
    grace = Actor(account=Account.objects.get(email="grace@harbour.example"))
    mailboxes.switch_mailbox(actor=alice, mailbox=shared, enabled=True)
    since = list(events_of(grace, shared.pk).order_by("pk").values_list("verb", flat=True))
    assert since == ["hand_over", "switch_mailbox"]
    assert events_of(alice, shared.pk).count() > len(since)
    assert not events_of(dora, shared.pk).exists()
