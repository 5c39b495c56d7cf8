"""Addresses: what is refused at the door, what is written, what is marked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants import limits, tokens
from tenants.actions import domains, mailboxes, organizations, repositories, targets
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.formats.addresses import MAX_TARGETS
from tenants.formats.relay_entry import NO_LOGIN
from tenants.models import Domain, Event, Mailbox, Organization, SyncTarget
from tenants.secrets import Opener
from tests.conftest import HASH, confirm_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def relay(domain: Domain, alice: Actor) -> SyncTarget:
    return repositories.connect_repository(
        actor=alice, domain=domain, host="127.0.0.9", path="relay.git"
    ).sync_target


def desired(target: SyncTarget) -> dict[bytes, tuple[str, ...]]:
    target.refresh_from_db()
    return {name: entry.targets for name, entry in desired_relay(target, Opener()).entries.items()}


def problems(error: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {problem.field: str(problem) for problem in error.value.problems}


def test_nothing_is_written_outside_before_the_target_agreed(
    alice: Actor, domain: Domain, relay: SyncTarget
) -> None:
    mailbox = mailboxes.create_mailbox(
        actor=alice, domain=domain, local_part="ada", targets=["ada@home.example"], password_hash=HASH
    )
    assert desired(relay) == {}
    confirm_all(mailbox)
    assert desired(relay) == {b"ada": ("ada@home.example",)}


def test_switched_off_and_trashed_are_absent_and_come_back(
    alice: Actor, make_mailbox: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    mailbox = make_mailbox()
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
    assert desired(relay) == {}
    assert desired_relay(relay, Opener()).absent == {b"ada"}
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=True)
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    assert desired(relay) == {}
    with pytest.raises(Conflict):
        mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    with pytest.raises(Conflict, match="trash"):
        mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH)
    with pytest.raises(Invalid, match="trash"):
        make_mailbox()
    mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)
    entry = desired_relay(relay, Opener()).entries[b"ada"]
    assert entry.password == HASH


def test_an_alias_has_the_impossible_hash(
    alice: Actor, make_mailbox: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    mailbox = make_mailbox("postmaster", password_hash="")
    assert mailbox.kind == "alias"
    relay.refresh_from_db()
    assert desired_relay(relay, Opener()).entries[b"postmaster"].password == NO_LOGIN


def test_every_change_marks_the_relay_once_and_remembers_the_generation(
    alice: Actor, make_mailbox: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    mailbox = make_mailbox()
    relay.refresh_from_db()
    before = relay.generation
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH)
    relay.refresh_from_db()
    assert relay.generation == before + 1 == mailbox.generation
    event = Event.objects.filter(verb="set_passphrase").get()
    assert (event.sync_target, event.generation) == (relay, mailbox.generation)
    assert HASH not in str(event.before) + str(event.after) + event.sentence


def test_only_changed_rows_are_loaded_for_a_pass(
    alice: Actor, make_mailbox: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    make_mailbox("ada")
    bea = make_mailbox("bea", target="bea@home.example")
    relay.refresh_from_db()
    SyncTarget.objects.filter(pk=relay.pk).update(observed_generation=relay.generation)
    mailboxes.switch_mailbox(actor=alice, mailbox=bea, enabled=False)
    relay.refresh_from_db()
    some = desired_relay(relay, Opener(), names=[])
    assert (some.names, some.complete) == ({b"bea"}, False)
    assert desired_relay(relay, Opener(), names=[b"ada"]).names == {b"ada", b"bea"}


@pytest.mark.parametrize(
    "local_part",
    [
        "a/b",
        "Ada",
        '"ada"',
        ".ada",
        "ada.",
        "a..b",
        "ädä",
        "a" * 65,
        "",
        "a\nb",
        "a\0b",
        "$(id)",
        "ad\u202ea",
    ],
)
def test_local_parts_that_cannot_be(alice: Actor, domain: Domain, local_part: str) -> None:
    with pytest.raises(Invalid) as refused:
        mailboxes.create_mailbox(
            actor=alice, domain=domain, local_part=local_part, targets=["ada@home.example"]
        )
    assert set(problems(refused)) == {"local_part"}
    assert refused.value.problems[0].fix
    assert not Mailbox.objects.exists()


@pytest.mark.parametrize(
    "target",
    [
        "ada",
        "ada@example.org",
        "ada@under_score.example",
        "ada@-lead.example",
        "ada@[192.0.2.1]",
        '"a b"@home.example',
        "Ada <ada@home.example>",
        "a@home.example, b@home.example",
        "ädä@home.example",
        "ada@home.example\nBcc: x@y.example",
        "a\0@home.example",
        "$(id)@home.example",
    ],
)
def test_targets_that_cannot_be(alice: Actor, domain: Domain, target: str) -> None:
    with pytest.raises(Invalid) as refused:
        mailboxes.create_mailbox(actor=alice, domain=domain, local_part="ada", targets=[target])
    assert any(field.startswith("target") for field in problems(refused))
    assert not Mailbox.objects.exists()


def test_a_loop_across_tenants_is_refused_without_telling_whose(
    alice: Actor, charlie: Actor, domain: Domain
) -> None:
    theirs = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    mailboxes.create_mailbox(actor=charlie, domain=theirs, local_part="back", targets=["ada@example.org"])
    with pytest.raises(Invalid, match="circle") as refused:
        mailboxes.create_mailbox(actor=alice, domain=domain, local_part="ada", targets=["back@other.example"])
    assert "Difference" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "ab", "f" * 127, "f" * 129, "g" * 128, "0" * 128])
def test_hashes_of_the_wrong_kind(alice: Actor, make_mailbox: Callable[..., Mailbox], value: str) -> None:
    mailbox = make_mailbox()
    with pytest.raises(Invalid) as refused:
        mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=value)
    assert set(problems(refused)) == {"password_hash"}


def test_quota_is_one_conditional_update(
    alice: Actor, make_mailbox: Callable[..., Mailbox], organization: Organization
) -> None:
    Organization.objects.filter(pk=organization.pk).update(mailbox_quota=1)
    mailbox = make_mailbox()
    with pytest.raises(Invalid, match="1 of 1 addresses"):
        make_mailbox("bea")
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    make_mailbox("bea")
    with pytest.raises(Invalid, match="1 of 1"):
        mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)
    mailbox.refresh_from_db()
    assert mailbox.trashed_at is not None


def test_a_foreign_mailbox_does_not_exist(charlie: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox()
    for attempt in (
        lambda: mailboxes.switch_mailbox(actor=charlie, mailbox=mailbox, enabled=False),
        lambda: mailboxes.set_passphrase(actor=charlie, mailbox=mailbox, password_hash=HASH),
        lambda: mailboxes.trash_mailbox(actor=charlie, mailbox=mailbox),
        lambda: targets.add_target(actor=charlie, mailbox=mailbox, address="c@people.example"),
        lambda: targets.remove_target(actor=charlie, mailbox=mailbox, address="ada@home.example"),
    ):
        with pytest.raises(Absent):
            attempt()


def test_domains_above_and_below_another_organizations_are_refused(
    charlie: Actor, domain: Domain, alice: Actor, organization: Organization
) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    for name in ("example.org", "sub.example.org"):
        with pytest.raises(Invalid) as refused:
            domains.create_domain(actor=charlie, organization=theirs, name=name)
        assert "Analytical" not in str(refused.value)
    domains.create_domain(actor=charlie, organization=theirs, name="deep.down.example")
    with pytest.raises(Invalid):
        domains.create_domain(actor=alice, organization=organization, name="down.example")


def test_a_repository_stays_within_one_organization(charlie: Actor, relay: SyncTarget) -> None:
    theirs = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    with pytest.raises(Invalid, match="cannot be connected"):
        repositories.connect_repository(
            actor=charlie, domain=theirs, host="127.0.0.9", path="relay.git", branch="other"
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "-oProxyCommand=id"),
        ("host", "git host"),
        ("path", "../../etc"),
        ("path", "relay.git; rm -rf /"),
        ("path", "--upload-pack=id"),
        ("branch", "main..x"),
        ("branch", "refs heads"),
        ("branch", "-x"),
        ("username", "root;id"),
        ("port", 0),
        ("port", 70000),
    ],
)
def test_hostile_repository_settings(alice: Actor, domain: Domain, field: str, value: object) -> None:
    given = {"host": "git.example.org", "path": "relay.git", field: value}
    with pytest.raises(Invalid) as refused:
        repositories.connect_repository(actor=alice, domain=domain, **given)  # type: ignore[arg-type]
    assert set(problems(refused)) == {field}


def test_members_cannot_raise_themselves(bob: Actor, organization: Organization) -> None:
    with pytest.raises(Forbidden):
        organizations.add_member(
            actor=bob, organization=organization, email="bob@people.example", role="owner"
        )


def test_a_chain_that_is_too_long_is_a_refusal_and_no_bug(
    alice: Actor, charlie: Actor, domain: Domain, organization: Organization
) -> None:
    """Through many addresses of two organizations; nobody follows for ever."""
    theirs = Organization.objects.get(name="Difference Works")
    for row, owner, name in ((organization, alice, "x.example"), (theirs, charlie, "y.example")):
        domains.create_domain(actor=owner, organization=row, name=name)
    for number in reversed(range(60)):
        owner, here, there = ((alice, "x", "y"), (charlie, "y", "x"))[number % 2]
        add = mailboxes.create_mailbox
        row = Domain.objects.get(name=f"{here}.example")
        link = [f"a{number + 1}@{there}.example"]
        if number < 11:
            with pytest.raises(Invalid, match="more than 50 addresses") as refused:
                add(actor=owner, domain=row, local_part=f"a{number}", targets=link)
            assert set(problems(refused)) == {"targets"}
            break
        add(actor=owner, domain=row, local_part=f"a{number}", targets=link)


def test_a_restored_address_closes_no_circle(
    alice: Actor, charlie: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    theirs = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="home.example"
    )
    ada = make_mailbox()
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    mailboxes.create_mailbox(actor=charlie, domain=theirs, local_part="ada", targets=["ada@example.org"])
    with pytest.raises(Invalid, match="circle"):
        mailboxes.restore_mailbox(actor=alice, mailbox=ada)
    ada.refresh_from_db()
    assert ada.trashed_at is not None


def test_targets_of_an_address_in_the_trash_stay_as_they_are(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada = make_mailbox()
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    for attempt in (
        lambda: targets.add_target(actor=alice, mailbox=ada, address="b@home.example"),
        lambda: targets.remove_target(actor=alice, mailbox=ada, address="ada@home.example"),
        lambda: targets.send_confirmation_again(actor=alice, mailbox=ada, address="ada@home.example"),
    ):
        with pytest.raises(Conflict, match="trash"):
            attempt()
    assert ada.targets.count() == 1


@pytest.mark.parametrize("address", ["", "\0", "\ud800", "x" * 10_000, "no@home.example"])
def test_a_target_that_is_not_there(alice: Actor, make_mailbox: Callable[..., Mailbox], address: str) -> None:
    ada = make_mailbox()
    with pytest.raises(Absent):
        targets.remove_target(actor=alice, mailbox=ada, address=address)
    with pytest.raises(Conflict):
        targets.send_confirmation_again(actor=alice, mailbox=ada, address=address)


def test_confirmation_mails_to_one_target_are_limited(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada = make_mailbox()
    targets.add_target(actor=alice, mailbox=ada, address="b@home.example")
    for _ in range(limits.CONFIRMATIONS_PER_TARGET.count):
        targets.send_confirmation_again(actor=alice, mailbox=ada, address="b@home.example")
    with pytest.raises(TooMany):
        targets.send_confirmation_again(actor=alice, mailbox=ada, address="b@home.example")


@pytest.mark.parametrize(
    "stored",
    ["b@under_score.example", "b@-lead.example", "b@123.456", "b@example.org"],
)
def test_an_old_link_confirms_nothing_that_ptt_mishandles(
    alice: Actor, make_mailbox: Callable[..., Mailbox], stored: str
) -> None:
    """What the database holds may be older than the rules; the link is a door like any other."""
    ada = make_mailbox()
    row = targets.add_target(actor=alice, mailbox=ada, address="b@home.example")
    token = tokens.new_token()
    type(row).objects.filter(pk=row.pk).update(address=stored, digest=tokens.digest(token))
    with pytest.raises(Invalid):
        targets.confirm_target(actor=Actor(), token=token)
    row.refresh_from_db()
    assert row.confirmed_at is None


def test_more_targets_than_ptt_loads_quickly_are_refused(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    many = [f"t{number}@home.example" for number in range(MAX_TARGETS)]
    ada = make_mailbox("ada", target=many[0])
    for address in many[1:]:
        targets.add_target(actor=alice, mailbox=ada, address=address)
    for attempt in (
        lambda: targets.add_target(actor=alice, mailbox=ada, address="last@home.example"),
        lambda: mailboxes.create_mailbox(
            actor=alice, domain=ada.domain, local_part="bea", targets=[*many, "last@home.example"]
        ),
    ):
        with pytest.raises(Invalid, match="at most 20"):
            attempt()
    assert ada.targets.count() == MAX_TARGETS


def test_two_ways_to_write_one_repository_are_one(alice: Actor, domain: Domain, relay: SyncTarget) -> None:
    second = domains.create_domain(actor=alice, organization=domain.organization, name="second.example")
    for path in ("./relay.git", "x/../relay.git", "x//relay.git"):
        with pytest.raises(Invalid, match="no plain path"):
            repositories.connect_repository(actor=alice, domain=second, host="127.0.0.9", path=path)
    with pytest.raises(Invalid, match="connected to something else already"):
        repositories.connect_repository(actor=alice, domain=second, host="127.0.0.9", path="relay.git/")
