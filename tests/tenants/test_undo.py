"""Undoing an event, and undoing that: by the ordinary actions, and only while nothing was changed since."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

import tenants.actions
from tenants.actions import domains, mailboxes, organizations, quotas, repositories, sync, targets
from tenants.actions.former_passphrases import KEPT, forget_former_passphrases
from tenants.actions.reversals import MAILBOX_FIELDS, Reversal
from tenants.actions.undo import ChangedSince, how_to_undo, preview_undo, undo_event
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import (
    Domain,
    Event,
    FormerPassphrase,
    Mailbox,
    Membership,
    Organization,
    OutgoingMail,
    SyncTarget,
    TargetAddress,
)
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH
from tests.tenants.every_action import ACTIONS, OTHERS

pytestmark = pytest.mark.django_db

OTHER = HASH[::-1]
MakeMailbox = Callable[..., Mailbox]
# Actions whose events are called otherwise.
VERBS = {
    "redeem_sign_in_link": "sign_in",
    "sign_in_with_password": "sign_in",
    "sign_in_with_code": "sign_in",
    "sign_in_with_passkey": "sign_in",
    "expire_requests": "expire_request",
    "purge_trash": "purge_mailbox",
    "decide_by_link": "approve_request",
    "expire_addresses": "expire_address",
    "apply_import": "import_addresses",
    "keep_watched": "unikernel_ended",
    "let_all_go": "let_go",
    "adopt_record_sets": "adopt_record_set",
}
# These write no event of their own: the events are those of what they do. A preview does nothing.
SILENT = {"undo_event", "forget_former_passphrases", "empty_trash"}
SILENT |= {
    "forget_removed_keys",
    "change_record_sets",
    "import_zone",
    "read_zone_text",
    "preview_import",
    "preview_stack",
    "preview_adoption",
    "record_look",
    "renew_import",
    "discard_import",
    "forget_imports",
    "preview_organization_import",
    "apply_organization_import",
    "discard_organization_import",
    "forget_organization_imports",
    "forget_fetches",
    "forget_deleted_unikernels",
    "forget_deleted_volumes",
    "forget_watched",
    "record_phases",
    "write_phase",
    "withdraw_phase",
    "preview_upgrade",
    "preview_return",
    "write_upgrade_phase",
    "withdraw_upgrade_phase",
    # Its events are of both sides.
    "accept_offer",
    "begin_attempt",
    "end_attempt",
    "forget_deliveries",
    "forget_events",
    "forget_notices",
    "mark_notices_read",
    "send_digests",
}


def last() -> Event:
    return Event.objects.latest("pk")


def undo(actor: Actor) -> Event:
    """Undo what was done last."""
    return undo_event(actor=actor, event=last())


def fresh(mailbox: Mailbox) -> Mailbox:
    return Mailbox.objects.get(pk=mailbox.pk)


def state(mailbox: Mailbox) -> dict[str, Any]:
    row = fresh(mailbox)
    confirmed = dict(row.targets.values_list("address", "confirmed_at"))
    sealed = row.sealed_hash and Opener().open(Purpose.MAILBOX_HASH, bytes(row.sealed_hash))
    fields = {name: read(row) for name, read in MAILBOX_FIELDS.items()}
    return {**fields, "confirmed": confirmed, "hash": sealed}


# Each verb says how ------------------------------------------------------------------------------------


def written_verbs() -> set[str]:
    """Every verb that stands in the sources of the actions as the second word of a call that records."""
    found: set[str] = set()
    for path in Path(tenants.actions.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"record", "_record", "unsaved_event", "_event"}
                and len(node.args) > 1
                and isinstance(node.args[1], ast.Constant)
            ):
                found.add(str(node.args[1].value))
            if isinstance(node, ast.Call):
                words = [each.value for each in node.keywords if each.arg == "verb"]
                found |= {str(each.value) for each in words if isinstance(each, ast.Constant)}
    return found


def test_every_verb_says_how_it_is_undone_or_why_not() -> None:
    named = {VERBS.get(name, name) for name in {*ACTIONS, *OTHERS} - SILENT}
    for verb in named | written_verbs():
        how = how_to_undo(verb)
        if isinstance(how, str):
            assert how.endswith("."), verb
            assert "does not know" not in how, verb
        else:
            assert isinstance(how, Reversal), verb
    assert isinstance(how_to_undo("of_a_later_version"), str)


def test_what_changed_desired_state_and_cannot_be_undone_is_named_here() -> None:
    """A new verb is undoable, or it is added here with thought."""
    undoable = {verb for verb in written_verbs() if isinstance(how_to_undo(verb), Reversal)}
    assert {
        "create_mailbox",
        "trash_mailbox",
        "restore_mailbox",
        "switch_mailbox",
        "change_note",
        "set_passphrase",
        "add_target",
        "remove_target",
        "change_domain",
        "change_quotas",
        "add_member",
        "remove_member",
        "change_drift_mode",
    } <= undoable


Do = Callable[[Actor, Mailbox], object]
CHANGES: dict[str, Do] = {
    "create_mailbox": lambda a, m: mailboxes.create_mailbox(
        actor=a, domain=m.domain, local_part="new", targets=["new@home.example"]
    ),
    "trash_mailbox": lambda a, m: mailboxes.trash_mailbox(actor=a, mailbox=m),
    "switch_mailbox": lambda a, m: mailboxes.switch_mailbox(actor=a, mailbox=m, enabled=False),
    "change_note": lambda a, m: mailboxes.change_note(actor=a, mailbox=m, note="new"),
    "set_passphrase": lambda a, m: mailboxes.set_passphrase(actor=a, mailbox=m, password_hash=OTHER),
    "add_target": lambda a, m: targets.add_target(actor=a, mailbox=m, address="b@home.example"),
    "remove_target": lambda a, m: targets.remove_target(actor=a, mailbox=m, address="ada@home.example"),
}


@pytest.mark.parametrize("verb", CHANGES)
def test_undo_brings_back_what_was_and_can_be_undone(
    verb: str, alice: Actor, domain: Domain, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    before = state(mailbox)
    CHANGES[verb](alice, mailbox)
    done = last()
    assert done.verb == verb
    assert done.mailbox is not None
    changed = state(done.mailbox)
    preview = preview_undo(alice, done)
    assert preview.possible, preview.reason
    assert preview.sentence.endswith(".")
    undone = undo_event(actor=alice, event=done)
    assert undone.undoes == done
    assert undone == last()
    if verb == "create_mailbox":
        assert state(done.mailbox)["trashed"]
    else:
        assert state(mailbox) == before
    redone = undo_event(actor=alice, event=undone)
    assert redone.undoes == undone
    after = state(done.mailbox)
    if verb == "add_target":  # its holder had not agreed yet, and is asked again
        assert after["targets"] == changed["targets"]
    else:
        assert after == changed
    organization = Organization.objects.get(pk=domain.organization.pk)
    assert organization.mailbox_count == Mailbox.objects.filter(trashed_at=None).count()


def test_an_alias_that_got_a_passphrase_is_an_alias_again(alice: Actor, make_mailbox: MakeMailbox) -> None:
    alias = make_mailbox("info", password_hash="")
    mailboxes.set_passphrase(actor=alice, mailbox=alias, password_hash=HASH)
    undo(alice)
    assert state(alias)["hash"] is None
    assert fresh(alias).kind == "alias"
    undo(alice)
    assert state(alias)["hash"] == HASH


def test_undo_of_other_things(
    alice: Actor, olga: Actor, domain: Domain, organization: Organization, bob: Actor
) -> None:
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    target = SyncTarget.objects.get(repository=repository)
    sync.change_drift_mode(actor=alice, target=target, mode="repair")
    undo(alice)
    target.refresh_from_db()
    assert target.drift_mode == "report"
    domains.change_domain(actor=alice, domain=domain, requests="moderated", submission_host="a.example.org")
    undo(alice)
    domain.refresh_from_db()
    assert (domain.requests, domain.submission_host) == ("closed", "")
    quotas.change_quotas(actor=olga, organization=organization, domain_quota=7, mailbox_quota=70)
    with pytest.raises(Forbidden):
        undo(alice)
    undo(olga)
    organization.refresh_from_db()
    assert (organization.domain_quota, organization.mailbox_quota) == (10, 1000)
    organizations.add_member(
        actor=alice, organization=organization, email="bob@people.example", role="manager"
    )
    undo(alice)
    row = Membership.objects.get(account=bob.account)
    assert row.role == "viewer"
    organizations.remove_member(actor=alice, membership=row)
    undo(alice)
    assert Membership.objects.get(account=bob.account).role == "viewer"
    undo(alice)
    assert not Membership.objects.filter(account=bob.account).exists()


# When it is refused ------------------------------------------------------------------------------------


def test_it_is_refused_with_the_fields_that_changed_since(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    targets.add_target(actor=alice, mailbox=mailbox, address="b@home.example")
    event = last()
    targets.add_target(actor=alice, mailbox=mailbox, address="c@home.example")
    preview = preview_undo(alice, event)
    assert not preview.possible
    [field] = preview.changed_since
    assert field.name == "targets"
    assert field.before == ["ada@home.example"]
    assert field.now == ["ada@home.example", "b@home.example", "c@home.example"]
    with pytest.raises(
        ChangedSince, match=r"^“Who gets the mail” changed since: .*c@home\.example.*Undo the later"
    ):
        undo_event(actor=alice, event=event)
    assert state(mailbox)["targets"] == field.now
    undo(alice)
    undo_event(actor=alice, event=event)
    assert state(mailbox)["targets"] == ["ada@home.example"]


def test_a_passphrase_that_was_set_again_is_not_set_back(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    for hash_ in (OTHER, "ab" * 64):
        mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=hash_)
    second, first = Event.objects.filter(verb="set_passphrase").order_by("-pk")
    with pytest.raises(ChangedSince, match="“Passphrase” changed since"):
        undo_event(actor=alice, event=first)
    undo_event(actor=alice, event=second)
    undo_event(actor=alice, event=first)
    assert state(mailbox)["hash"] == HASH


def test_a_former_passphrase_is_kept_for_some_days_only(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=OTHER)
    assert forget_former_passphrases(actor=Actor.rookery()) == 0
    FormerPassphrase.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    preview = preview_undo(alice, last())
    assert not preview.possible
    assert f"after {KEPT.days} days" in preview.reason
    with pytest.raises(Conflict, match="not kept any more"):
        undo(alice)
    assert forget_former_passphrases(actor=Actor.rookery()) == 1
    assert not FormerPassphrase.objects.exists()
    with pytest.raises(Conflict, match="not kept any more"):
        undo(alice)
    with pytest.raises(Forbidden):
        forget_former_passphrases(actor=alice)


def test_each_event_is_undone_once(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
    event = last()
    undo_event(actor=alice, event=event)
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
    with pytest.raises(Conflict, match="Alice undid this already"):
        undo_event(actor=alice, event=event)


def test_what_cannot_be_undone_says_why(alice: Actor, domain: Domain) -> None:
    preview = preview_undo(alice, last())
    assert not preview.possible
    with pytest.raises(Conflict, match=r"cannot be deleted here"):
        undo(alice)


def test_rights_quota_and_loops_are_those_of_the_action(
    alice: Actor, bob: Actor, charlie: Actor, domain: Domain, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    event = last()
    with pytest.raises(Absent):
        undo_event(actor=charlie, event=event)
    with pytest.raises(Absent):
        preview_undo(charlie, event)
    assert "Ask an owner" in preview_undo(bob, event).reason
    for actor in (bob, replace(alice, token="k", read_only=True)):
        with pytest.raises(Forbidden):
            undo_event(actor=actor, event=event)
    Organization.objects.filter(pk=domain.organization.pk).update(mailbox_quota=0)
    with pytest.raises(Invalid, match="0 of 0 addresses"):
        undo_event(actor=alice, event=event)
    assert fresh(mailbox).trashed_at is not None
    assert not Event.objects.filter(undoes=event).exists()


def test_a_holder_undoes_what_a_holder_may_do(alice: Actor, make_mailbox: MakeMailbox, olga: Actor) -> None:
    from tests.conftest import account

    holder = Actor(account=account("dora"))
    mailbox = make_mailbox(holder=holder.account)
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=OTHER)
    undo(holder)
    assert state(mailbox)["hash"] == HASH
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
    with pytest.raises(Forbidden):
        undo(holder)
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    with pytest.raises(Absent):
        undo(holder)


def test_who_agreed_is_not_asked_again_for_a_while(alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    agreed = TargetAddress.objects.get().confirmed_at
    targets.remove_target(actor=alice, mailbox=mailbox, address="ada@home.example")
    event, mails = last(), OutgoingMail.objects.count()
    undo_event(actor=alice, event=event)
    assert TargetAddress.objects.get().confirmed_at == agreed
    assert TargetAddress.objects.get().source == "link"
    assert OutgoingMail.objects.count() == mails
    targets.remove_target(actor=alice, mailbox=mailbox, address="ada@home.example")
    Event.objects.filter(pk=last().pk).update(at=timezone.now() - timedelta(days=31))
    undo(alice)
    assert TargetAddress.objects.get().confirmed_at is None
    assert OutgoingMail.objects.count() == mails + 1
