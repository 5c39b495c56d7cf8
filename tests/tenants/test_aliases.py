"""Aliases that deliver to mailboxes: who is reached, what is refused, what changes with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.actions import aliases, lookups, mailboxes, repositories, targets, warnings
from tenants.actor import Actor
from tenants.desired import DesiredRelay, desired_relay
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.exchanges import Answer, Exchanges
from tenants.formats.relay_entry import NO_LOGIN
from tenants.models import Delivery, Domain, Event, Mailbox, SyncTarget, TargetDomain
from tenants.reach import reach_of
from tenants.secrets import Opener
from tests.conftest import HASH, confirm_all, make_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def relay(alice: Actor, domain: Domain) -> SyncTarget:
    return repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target


@pytest.fixture
def make_alias(alice: Actor, domain: Domain) -> Callable[..., Mailbox]:
    def make(local_part: str, *delivers_to: str, **extra: Any) -> Mailbox:
        return aliases.create_alias(
            actor=alice, domain=domain, local_part=local_part, delivers_to=delivers_to, **extra
        )

    return make


def desired(relay: SyncTarget, names: set[bytes] | None = None) -> DesiredRelay:
    relay.refresh_from_db()
    return desired_relay(relay, Opener(), names=names)


def agree(relay: SyncTarget) -> None:
    relay.refresh_from_db()
    relay.observed_generation = relay.generation
    relay.save()


def entry(relay: SyncTarget, name: str) -> tuple[str, ...] | None:
    """What the alias's file would hold; loaded as changes are, and as everything is."""
    some, everything = desired(relay, set()), desired(relay)
    found = everything.entries.get(name.encode())
    assert some.entries.get(name.encode(), found) == found
    assert (name.encode() in everything.absent) == (found is None)
    if found is not None:
        assert found.password == NO_LOGIN
    return found.targets if found is not None else None


def test_it_reaches_its_own_targets_and_those_of_its_mailboxes_once(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    make_mailbox("ada", "ada@home.example")
    make_mailbox("bob", "bob@home.example")
    make_mailbox("eve", "ADA@home.example")
    team = make_alias("team", "bob", "ada@example.org", "eve", targets=["own@home.example"])
    assert entry(relay, "team") == ("bob@home.example", "ada@home.example")
    confirm_all(team)
    assert entry(relay, "team") == ("own@home.example", "bob@home.example", "ada@home.example")


def test_every_change_of_a_mailbox_reaches_the_alias_in_the_same_pass(
    make_mailbox: Callable[..., Mailbox],
    make_alias: Callable[..., Mailbox],
    alice: Actor,
    relay: SyncTarget,
) -> None:
    ada = make_mailbox("ada", "ada@home.example")
    make_alias("team", "ada")
    seen = []

    def now() -> tuple[str, ...] | None:
        team = Mailbox.objects.get(local_part="team")
        relay.refresh_from_db()
        seen.append(team.generation)
        assert team.generation == relay.generation == Mailbox.objects.get(pk=ada.pk).generation
        changed = desired(relay, set())
        assert {b"ada", b"team"} <= changed.names
        agree(relay)
        return entry(relay, "team")

    targets.add_target(actor=alice, mailbox=ada, address="second@home.example")
    assert now() == ("ada@home.example",)
    confirm_all(ada)
    assert now() == ("ada@home.example", "second@home.example")
    targets.remove_target(actor=alice, mailbox=ada, address="ada@home.example")
    assert now() == ("second@home.example",)
    mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=False)
    assert now() is None
    mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=True)
    assert now() == ("second@home.example",)
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    assert now() is None
    mailboxes.restore_mailbox(actor=alice, mailbox=ada)
    assert now() == ("second@home.example",)
    assert seen == sorted(set(seen))


def test_a_mailbox_of_500_aliases_marks_them_with_a_few_statements(
    make_mailbox: Callable[..., Mailbox], domain: Domain, alice: Actor, relay: SyncTarget
) -> None:
    ada = make_mailbox("ada")
    many = Mailbox.objects.bulk_create(
        [
            Mailbox(domain=domain, local_part=f"n{number}", kind="alias", changed_at=ada.changed_at)
            for number in range(500)
        ]
    )
    mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=False)
    with CaptureQueriesContext(
        connection,
    ) as without:
        mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=True)
    Delivery.objects.bulk_create([Delivery(alias=each, mailbox=ada) for each in many])
    with CaptureQueriesContext(connection) as held:
        mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=False)
    assert len(held) <= len(without) + 8
    relay.refresh_from_db()
    assert Mailbox.objects.filter(generation=relay.generation).count() == 501
    mailboxes.switch_mailbox(actor=alice, mailbox=ada, enabled=True)
    with CaptureQueriesContext(connection) as reading:
        assert len(desired(relay, set()).entries) == 501
    assert len(reading) <= 10  # however many there are; one reads the canary of a mail stack


def test_one_alias_of_many_mailboxes(
    make_alias: Callable[..., Mailbox], domain: Domain, alice: Actor, relay: SyncTarget
) -> None:
    for number in range(30):
        make_address(alice, domain, f"m{number}", f"t{number}@home.example")
    make_alias("all", *(f"m{number}" for number in range(30)))
    assert entry(relay, "all") == tuple(f"t{number}@home.example" for number in range(30))


@pytest.mark.parametrize(
    ("chosen", "problem", "fix"),
    [
        (["nobody"], "no mailbox called “nobody”", "Choose one from the list"),
        (["team"], "team is an alias itself", "Choose what it delivers to: ada."),
        (["plain"], "plain is an alias itself", "Write whom it reaches."),
        (["gone"], "no mailbox called “gone”", "Choose one"),
        (["ada\0"], "no mailbox called", "Choose one"),
        ([], "It would reach nobody.", "Choose a mailbox"),
        ([f"n{number}" for number in range(501)], "501 mailboxes", "mailing list"),
    ],
)
def test_what_an_alias_cannot_deliver_to(
    chosen: list[str],
    problem: str,
    fix: str,
    make_mailbox: Callable[..., Mailbox],
    make_alias: Callable[..., Mailbox],
    alice: Actor,
) -> None:
    make_mailbox("ada")
    make_alias("team", "ada")
    make_mailbox("plain", "p@home.example", password_hash="")
    mailboxes.trash_mailbox(actor=alice, mailbox=make_mailbox("gone", "g@home.example"))
    with pytest.raises(Invalid) as refused:
        make_alias("new", *chosen)
    assert problem in str(refused.value)
    assert fix in str(refused.value)
    assert refused.value.problems[0].field.startswith("delivers_to")
    assert not Mailbox.objects.filter(local_part="new").exists()


def test_another_domains_mailbox_is_absent(
    make_alias: Callable[..., Mailbox], charlie: Actor, domain: Domain
) -> None:
    from tenants.actions import domains
    from tenants.models import Organization

    other = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    make_address(charlie, other, "ada")
    for name in ("ada", "ada@other.example"):
        with pytest.raises(Invalid, match="There is no mailbox called"):
            make_alias("new", name)


def on_one_server(*names: str) -> None:
    _known(dict.fromkeys(names, "mx.shared.example"))


def on_servers_of_their_own(*names: str) -> None:
    _known({name: f"mx.{name}" for name in names})


def _known(servers: dict[str, str]) -> None:
    """As workers record what the DNS said."""
    for name, server in servers.items():
        row, _ = TargetDomain.objects.get_or_create(name=name, defaults={"wanted_at": timezone.now()})
        lookups.record_lookup(
            actor=Actor.rookery(),
            domain=row,
            found=Exchanges(
                Answer.EXCHANGES, (server,), frozenset({f"192.0.2.{sum(server.encode()) % 250}"})
            ),
            problem="",
            next_look_at=timezone.now(),
        )


def test_a_list_that_ptt_would_mix_up_is_refused_when_it_is_made(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox]
) -> None:
    on_one_server("home.example", "work.example")
    make_mailbox("ada", "ada@home.example")
    make_mailbox("bob", "bob@work.example")
    with pytest.raises(Invalid, match=r"home\.example and work\.example use the same mail server"):
        make_alias("team", "ada", "bob")
    with pytest.raises(Invalid, match="use the same mail server"):
        make_alias("team", "ada", targets=["own@work.example"])
    assert not Mailbox.objects.filter(local_part="team").exists()


def test_a_change_that_would_break_an_alias_is_refused_and_names_it(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor
) -> None:
    on_one_server("home.example", "work.example")
    ada = make_mailbox("ada", "ada@home.example")
    make_mailbox("bob", "bob@home.example")
    team = make_alias("team", "ada", "bob")
    targets.remove_target(actor=alice, mailbox=ada, address="ada@home.example")
    with pytest.raises(Invalid) as refused:
        targets.add_target(actor=alice, mailbox=ada, address="ada@work.example")
    assert "team@example.org delivers to ada@example.org and others" in str(refused.value)
    assert "Take ada@example.org out of team@example.org first" in str(refused.value)
    assert refused.value.problems[0].field == "address"
    with pytest.raises(Invalid, match=r"team@example\.org could not reach"):
        targets.add_target(actor=alice, mailbox=team, address="team@work.example")
    aliases.change_deliveries(actor=alice, alias=team, delivers_to=["bob"])
    targets.add_target(actor=alice, mailbox=ada, address="ada@work.example")
    with pytest.raises(Invalid, match="use the same mail server"):
        aliases.change_deliveries(actor=alice, alias=team, delivers_to=["bob", "ada"])
    # In the trash it keeps nobody from anything; it comes back only if it still can.
    targets.remove_target(actor=alice, mailbox=ada, address="ada@work.example")
    aliases.change_deliveries(actor=alice, alias=team, delivers_to=["bob", "ada"])
    mailboxes.trash_mailbox(actor=alice, mailbox=team)
    targets.add_target(actor=alice, mailbox=ada, address="ada@work.example")
    with pytest.raises(Invalid, match="use the same mail server"):
        mailboxes.restore_mailbox(actor=alice, mailbox=team)


def test_a_mailbox_that_does_not_fit_is_left_out_with_the_reason(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], relay: SyncTarget
) -> None:
    """Until it is known whether ptt can tell two mail servers apart, nobody gets another's mail."""
    make_mailbox("ada", "ada@home.example")
    make_mailbox("bob", "bob@work.example")
    team = make_alias("team", "ada", "bob")
    assert entry(relay, "team") == ("ada@home.example",)
    reach = reach_of(team)
    assert reach is not None
    assert [(part.local_part, part.targets) for part in reach.left_out] == [("bob", ("bob@work.example",))]
    assert "bob@work.example gets nothing of it" in reach.left_out[0].why_not
    on_servers_of_their_own("home.example", "work.example")
    assert warnings.review_address(actor=Actor.rookery(), mailbox=team)
    assert entry(relay, "team") == ("ada@home.example", "bob@work.example")
    assert not warnings.review_address(actor=Actor.rookery(), mailbox=team)
    # What flows goes on flowing, with a warning, should they come to share a server later.
    on_one_server("home.example", "work.example")
    warnings.review_address(actor=Actor.rookery(), mailbox=team)
    assert entry(relay, "team") == ("ada@home.example", "bob@work.example")
    assert [row.kind for row in team.warnings.all()] == ["shared-exchange"]


def test_the_page_knows_why_somebody_is_not_reached(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor
) -> None:
    make_mailbox("ada", "ada@home.example")
    off = make_mailbox("off", "off@home.example")
    gone = make_mailbox("gone", "gone@home.example")
    mailboxes.create_mailbox(
        actor=alice, domain=gone.domain, local_part="new", targets=["new@home.example"], password_hash=HASH
    )
    team = make_alias("team", "ada", "off", "gone", "new")
    mailboxes.switch_mailbox(actor=alice, mailbox=off, enabled=False)
    mailboxes.trash_mailbox(actor=alice, mailbox=gone)
    reach = reach_of(team)
    assert reach is not None
    assert reach.targets == ("ada@home.example",)
    assert {part.local_part: part.why_not for part in reach.parts[1:]} == {
        "ada": "",
        "off": "It is switched off.",
        "gone": "It is in the trash.",
        "new": "Nobody has confirmed yet that they get its mail.",
    }


def test_a_circle_through_a_delivery_is_found_from_every_side(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor, charlie: Actor
) -> None:
    from tenants.actions import domains
    from tenants.models import Organization

    other = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    make_address(charlie, other, "back", "team@example.org")
    ada = make_mailbox("ada", "ada@home.example")
    make_alias("team", "ada")
    targets.remove_target(actor=alice, mailbox=ada, address="ada@home.example")
    with pytest.raises(Invalid, match="circle"):
        targets.add_target(actor=alice, mailbox=ada, address="back@other.example")
    make_mailbox("bob", "back@other.example")
    team = Mailbox.objects.get(local_part="team")
    with pytest.raises(Invalid, match="circle"):
        aliases.change_deliveries(actor=alice, alias=team, delivers_to=["bob"])


def test_an_alias_of_mailboxes_gets_no_passphrase(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor
) -> None:
    make_mailbox("ada")
    team = make_alias("team", "ada")
    with pytest.raises(Invalid, match="nobody can log in with it"):
        mailboxes.set_passphrase(actor=alice, mailbox=team, password_hash=HASH)


def test_a_mailbox_delivers_to_nobody(make_mailbox: Callable[..., Mailbox], alice: Actor) -> None:
    make_mailbox("ada")
    with pytest.raises(Invalid, match="only aliases deliver"):
        aliases.change_deliveries(
            actor=alice, alias=make_mailbox("bob", "bob@home.example"), delivers_to=["ada"]
        )


def test_changing_deliveries_keeps_their_order_and_says_what_was(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor, relay: SyncTarget
) -> None:
    for name in ("ada", "bob", "eve"):
        make_mailbox(name, f"{name}@home.example")
    team = make_alias("team", "ada", "bob")
    aliases.change_deliveries(actor=alice, alias=team, delivers_to=["eve", "ada", "eve"])
    assert entry(relay, "team") == ("eve@home.example", "ada@home.example")
    event = Event.objects.latest("pk")
    assert (event.before, event.after) == ({"delivers_to": ["ada", "bob"]}, {"delivers_to": ["eve", "ada"]})
    before = Event.objects.count()
    aliases.change_deliveries(actor=alice, alias=team, delivers_to=["eve", "ada"])
    assert Event.objects.count() == before


def test_an_alias_whose_mailbox_is_gone_comes_back_only_with_another(
    make_mailbox: Callable[..., Mailbox], make_alias: Callable[..., Mailbox], alice: Actor
) -> None:
    ada = make_mailbox("ada")
    make_mailbox("bob", "bob@home.example")
    team = make_alias("team", "ada")
    mailboxes.trash_mailbox(actor=alice, mailbox=team)
    mailboxes.trash_mailbox(actor=alice, mailbox=ada)
    with pytest.raises(
        Invalid, match=r"ada, to which team@example\.org delivers, is in the trash"
    ) as refused:
        mailboxes.restore_mailbox(actor=alice, mailbox=team)
    assert "Restore ada first" in str(refused.value)
    Mailbox.objects.filter(pk=ada.pk).delete()
    with pytest.raises(Invalid, match="gone for good") as refused:
        mailboxes.restore_mailbox(actor=alice, mailbox=team)
    assert "Choose a mailbox for it first" in str(refused.value)
    aliases.change_deliveries(actor=alice, alias=team, delivers_to=["bob"])
    mailboxes.restore_mailbox(actor=alice, mailbox=team)
    with pytest.raises(Conflict):
        mailboxes.restore_mailbox(actor=alice, mailbox=team)


def test_a_name_of_a_stranger_is_absent(charlie: Actor, domain: Domain) -> None:
    with pytest.raises(Absent):
        aliases.create_alias(actor=charlie, domain=domain, local_part="x", delivers_to=["ada"])
