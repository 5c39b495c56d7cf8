"""What a set of addresses owes to the rest: the same guards, holders, aliases and undoing as single ones."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.actions import (
    aliases,
    bulk,
    domains,
    holders,
    imports,
    mailboxes,
    names,
    repositories,
    targets,
    undo,
)
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.models import (
    Domain,
    Event,
    FormerPassphrase,
    HeldName,
    Mailbox,
    SyncTarget,
    TargetAddress,
    TargetDomain,
)
from tests.conftest import HASH, account, confirm_all, make_address
from tests.exchanges import dns_says, served

OTHER_HASH = hashlib.blake2b(b"another-quiet-ferry-otter").hexdigest()
pytestmark = pytest.mark.django_db
FREE, CHECKING = TargetAddress.Exchange.FREE, TargetAddress.Exchange.CHECKING


@pytest.fixture
def relay(alice: Actor, domain: Domain) -> SyncTarget:
    return repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target


def imported(actor: Actor, domain: Domain, *rows: dict[str, Any], **extra: Any) -> imports.Imported:
    content = json.dumps(rows).encode()
    return imports.import_addresses(actor=actor, domain=domain, content=content, **extra)


def changed(actor: Actor, domain: Domain, deed: str, *chosen: Mailbox, **extra: Any) -> bulk.Done:
    rows = Mailbox.objects.filter(pk__in=[each.pk for each in chosen])
    return bulk.change_mailboxes(actor=actor, domain=domain, chosen=rows, deed=deed, **extra)


def test_new_targets_are_looked_up_and_wait(alice: Actor, domain: Domain) -> None:
    dns_says("known.example", served("mx.known.example"))
    dns_says("other.example", served("mx.other.example"))
    rows = (
        {"address": "one", "targets": ["a@new.example"]},
        {"address": "both", "targets": ["a@known.example", "a@new.example"]},
        {"address": "fine", "targets": ["a@known.example", "a@other.example"]},
    )
    imported(alice, domain, *rows, rehearse=True)
    assert not TargetDomain.objects.filter(name="new.example").exists()
    imported(alice, domain, *rows)
    states = TargetAddress.objects.order_by("pk").values_list("mailbox__local_part", "host", "exchange")
    assert list(states) == [
        ("one", "new.example", FREE),
        ("both", "known.example", FREE),
        ("both", "new.example", CHECKING),
        ("fine", "known.example", FREE),
        ("fine", "other.example", FREE),
    ]
    wanted = TargetDomain.objects.get(name="new.example")
    assert wanted.organization == domain.organization
    assert wanted.looked_up_at is None
    dns_says("new.example", served("mx.new.example"))
    assert not TargetAddress.objects.filter(exchange=CHECKING).exists()


def test_reserved_names_are_the_teams(alice: Actor, domain: Domain) -> None:
    names.hold_name(actor=alice, domain=domain, local_part="shop", kind=HeldName.Kind.RESERVED)
    done = imported(alice, domain, {"address": "shop", "targets": ["a@home.example"]})
    assert done.preview.counts["create"] == 1


def test_each_change_of_a_set_can_be_undone(alice: Actor, domain: Domain) -> None:
    ada = make_address(alice, domain, "ada", "ada@home.example", password_hash=HASH)
    imported(
        alice,
        domain,
        {"address": "ada", "targets": ["new@home.example"], "password_hash": OTHER_HASH, "note": "x"},
        {"address": "new", "targets": ["n@home.example"], "enabled": False},
        vouched=True,
    )
    new = Mailbox.objects.get(local_part="new")
    sealed = Mailbox.objects.get(pk=ada.pk).sealed_hash
    assert FormerPassphrase.objects.get().event.verb == "set_passphrase"
    done = list(Event.objects.filter(mailbox=ada).exclude(verb="create_mailbox").order_by("-pk")[:4])
    assert [event.verb for event in done] == ["set_passphrase", "change_note", "add_target", "remove_target"]
    for event in done:
        undo.undo_event(actor=alice, event=event)
    ada.refresh_from_db()
    assert (ada.note, list(ada.targets.values_list("address", flat=True))) == ("", ["ada@home.example"])
    assert bytes(ada.sealed_hash or b"") != bytes(sealed or b"")
    undo.undo_event(actor=alice, event=Event.objects.get(mailbox=new, verb="create_mailbox"))
    new.refresh_from_db()
    assert new.trashed_at is not None
    changed(alice, domain, "set_note", ada, note="moving")
    undo.undo_event(actor=alice, event=Event.objects.filter(verb="change_note").latest("pk"))
    ada.refresh_from_db()
    assert ada.note == ""
    for verb in ("import_addresses", "change_mailboxes"):
        with pytest.raises(Conflict, match="on its own"):
            undo.undo_event(actor=alice, event=Event.objects.get(verb=verb))


def test_what_a_holder_switched_off_the_team_keeps_off(alice: Actor, domain: Domain) -> None:
    ada = make_address(alice, domain, "ada", "ada@home.example")
    ann = account("ann")
    holders.add_holder(actor=alice, mailbox=ada, email=ann.email)
    mailboxes.switch_mailbox(actor=Actor(account=ann), mailbox=ada, enabled=False)
    assert Mailbox.objects.get(pk=ada.pk).off_by_holder
    assert changed(alice, domain, "switch_off", ada).count("changed") == 1
    assert not Mailbox.objects.get(pk=ada.pk).off_by_holder
    with pytest.raises(Conflict, match="like that already"):
        changed(alice, domain, "switch_off", ada)


def test_aliases_change_with_the_mailboxes_of_a_set(alice: Actor, domain: Domain, relay: SyncTarget) -> None:
    ada = make_address(alice, domain, "ada", "ada@home.example", password_hash=HASH)
    bob = make_address(alice, domain, "bob", "bob@home.example", password_hash=HASH)
    alias = aliases.create_alias(actor=alice, domain=domain, local_part="all", delivers_to=["ada", "bob"])
    for mailbox in (ada, bob):
        confirm_all(mailbox)
    dns_says("home.example", served("mx.home.example"))
    dns_says("far.example", served("mx.far.example"))
    done = changed(alice, domain, "trash", ada, bob)
    alias.refresh_from_db()
    assert (alias.generation, alias.flowing_hosts) == (done.generation, [])
    done = changed(alice, domain, "restore", ada, bob)
    alias.refresh_from_db()
    assert (alias.generation, alias.flowing_hosts) == (done.generation, ["home.example"])
    done2 = imported(alice, domain, {"address": "bob", "targets": ["bob@far.example"]}, vouched=True)
    alias.refresh_from_db()
    assert (alias.generation, alias.flowing_hosts) == (done2.generation, ["home.example", "far.example"])
    with pytest.raises(Invalid, match="nobody can log in with it"):
        imported(alice, domain, {"address": "all", "password_hash": HASH})
    done = changed(alice, domain, "trash", ada, bob, alias)
    assert changed(alice, domain, "restore", ada, bob, alias).count("changed") == 3
    assert not Mailbox.objects.exclude(trashed_at=None).exists()


def test_what_comes_back_is_judged_like_one(alice: Actor, olga: Actor, domain: Domain) -> None:
    plain, gone, circle, back, mixed = (
        make_address(alice, domain, name, f"{name}@home.example")
        for name in ("plain", "gone", "circle", "back", "mixed")
    )
    for host in ("north.shared.example", "south.shared.example"):
        dns_says(host, served(f"mx.{host}"))
    mailboxes.change_note(actor=alice, mailbox=plain, note="as it was")
    targets.add_target(actor=alice, mailbox=mixed, address="x@north.shared.example")
    everything = (plain, gone, circle, back, mixed)
    changed(alice, domain, "trash", *everything)
    names.hold_name(actor=alice, domain=domain, local_part="gone")
    # They were made to forward to each other while nobody looked.
    elsewhere = domains.create_domain(actor=olga, organization=domain.organization, name="other.example")
    other = make_address(alice, elsewhere, "other", "other@home.example")
    TargetAddress.objects.filter(mailbox=other).update(address="circle@example.org")
    TargetAddress.objects.filter(mailbox=circle).update(address="other@other.example")
    done = changed(alice, domain, "restore", *everything, leave_out_refused=True)
    assert {each.address.partition("@")[0]: each.verdict for each in done.results} == {
        "back": "changed",
        "circle": "refused",
        "gone": "refused",
        "mixed": "changed",
        "plain": "changed",
    }
    single = [_refusal(alice, Mailbox.objects.get(pk=each.pk)) for each in (circle, gone)]
    assert [result.problems[0].problem for result in done.refused] == single
    back.refresh_from_db()
    assert back.trashed_at is None


def _refusal(actor: Actor, mailbox: Mailbox) -> str:
    with pytest.raises(Invalid) as refused:
        mailboxes.restore_mailbox(actor=actor, mailbox=mailbox)
    return refused.value.problems[0].problem


@pytest.mark.parametrize("deed", ["switch_off", "switch_on", "set_note", "trash", "restore"])
def test_a_set_asks_for_all_of_them_at_once(alice: Actor, domain: Domain, deed: str) -> None:
    """An owner, who is no operator: ranks are looked at."""
    rows = [{"address": f"n{n}", "targets": [f"n{n}@home.example"]} for n in range(40)]
    imported(alice, domain, *rows)
    before = {"switch_on": ["switch_off"], "restore": ["trash"]}
    for first in before.get(deed, []):
        changed(alice, domain, first, *Mailbox.objects.all())
    with CaptureQueriesContext(connection) as queries:
        assert changed(alice, domain, deed, *Mailbox.objects.all(), note="x").count("changed") == 40
    asked = [each["sql"] for each in queries if "SAVEPOINT" not in each["sql"]]
    # Each that comes back takes a place of the quota.
    assert len(asked) < 30 + 40 * (deed == "restore"), asked
