"""Addresses: made, changed, held, aimed, imported, put away."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tenants.actions import (
    alias_rules,
    aliases,
    bulk,
    expiry,
    holders,
    imports,
    mailboxes,
    names,
    targets,
    test_mail,
    trash,
    undo,
    warnings,
)
from tenants.actor import Actor
from tenants.models import (
    AddressImport,
    Event,
    Mailbox,
)
from tests.conftest import HASH
from tests.tenants.every_action.world import Rows, World


def preview(actor: Actor, world: World) -> AddressImport:
    return imports.preview_import(actor=actor, domain=world.domain, content=b"address\nmary\n")


def apply_import(actor: Actor, row: AddressImport) -> object:
    return imports.apply_import(actor=actor, preview=row, digest=row.digest)


ROWS: Rows = {
    "create_mailbox": (
        "OMP",
        lambda a, w: mailboxes.create_mailbox(
            actor=a, domain=w.domain, local_part="new", targets=["new@home.example"]
        ),
    ),
    "set_passphrase": (
        "OMHP",
        lambda a, w: mailboxes.set_passphrase(actor=a, mailbox=w.mailbox, password_hash=HASH),
    ),
    "switch_mailbox": (
        "OMHP",
        lambda a, w: mailboxes.switch_mailbox(actor=a, mailbox=w.mailbox, enabled=False),
    ),
    "change_note": ("OMP", lambda a, w: mailboxes.change_note(actor=a, mailbox=w.mailbox, note="new")),
    "create_alias": (
        "OMP",
        lambda a, w: aliases.create_alias(actor=a, domain=w.domain, local_part="new", delivers_to=["ada"]),
    ),
    "change_deliveries": (
        "OMP",
        lambda a, w: aliases.change_deliveries(actor=a, alias=w.alias, delivers_to=["ada", "bob"]),
    ),
    "change_alias_rules": (
        "OP",
        lambda a, w: alias_rules.change_alias_rules(
            actor=a, domain=w.domain, allowed=True, pattern="{own}-*", most_each=5
        ),
    ),
    "change_expiry": (
        "OMP",
        lambda a, w: expiry.change_expiry(
            actor=a, mailbox=w.mailbox, expires_at=timezone.now() + timedelta(days=5)
        ),
    ),
    "extend_address": ("OMP", lambda a, w: expiry.extend_address(actor=a, mailbox=w.alias)),
    "hold_name": ("OMP", lambda a, w: names.hold_name(actor=a, domain=w.domain, local_part="spent")),
    "release_name": ("OP", lambda a, w: names.release_name(actor=a, held=w.held)),
    "trash_mailbox": ("OMHP", lambda a, w: mailboxes.trash_mailbox(actor=a, mailbox=w.mailbox)),
    "restore_mailbox": ("OMP", lambda a, w: mailboxes.restore_mailbox(actor=a, mailbox=w.trashed)),
    "add_holder": (
        "OMP",
        lambda a, w: holders.add_holder(actor=a, mailbox=w.mailbox, email="new@people.example"),
    ),
    "remove_holder": (
        "OMP",
        lambda a, w: holders.remove_holder(actor=a, mailbox=w.shared, email="erin@people.example"),
    ),
    "hand_over": (
        "OMP",
        lambda a, w: holders.hand_over(actor=a, mailbox=w.mailbox, email="new@people.example"),
    ),
    "change_own_note": (
        "H",
        lambda a, w: holders.change_own_note(actor=a, mailbox=w.mailbox, note="for letters"),
    ),
    "add_target": (
        "OMHP",
        lambda a, w: targets.add_target(actor=a, mailbox=w.mailbox, address="new@home.example"),
    ),
    "remove_target": (
        "OMHP",
        lambda a, w: targets.remove_target(actor=a, mailbox=w.mailbox, address="ada@home.example"),
    ),
    "send_confirmation_again": (
        "OMHP",
        lambda a, w: targets.send_confirmation_again(
            actor=a, mailbox=w.mailbox, address="later@home.example"
        ),
    ),
    "import_addresses": (
        "OMP",
        lambda a, w: imports.import_addresses(actor=a, domain=w.domain, content=b"address\nmary\n"),
    ),
    "preview_import": ("OMP", preview),
    "renew_import": ("OMP", lambda a, w: imports.renew_import(actor=a, preview=preview(a, w))),
    "discard_import": ("OMP", lambda a, w: imports.discard_import(actor=a, preview=preview(a, w))),
    "apply_import": ("OMP", lambda a, w: apply_import(a, preview(a, w))),
    "change_mailboxes": (
        "OMP",
        lambda a, w: bulk.change_mailboxes(
            actor=a, domain=w.domain, chosen=Mailbox.objects.filter(pk=w.mailbox.pk), deed="switch_off"
        ),
    ),
    "accept_shared_exchange": (
        "OMP",
        lambda a, w: warnings.accept_shared_exchange(
            actor=a, mailbox=w.mailbox, address="south@south.shared.example"
        ),
    ),
    "purge_mailbox": (
        "OP",
        lambda a, w: trash.purge_mailbox(actor=a, mailbox=w.trashed, typed=str(w.trashed)),
    ),
    "empty_trash": (
        "OP",
        lambda a, w: trash.empty_trash(actor=a, domain=w.domain, typed=w.domain.name),
    ),
    "undo_event": (
        "OMHP",
        lambda a, w: undo.undo_event(
            actor=a, event=Event.objects.get(verb="create_mailbox", mailbox=w.untouched)
        ),
    ),
    "send_test_mail": ("OMHP", lambda a, w: test_mail.send_test_mail(actor=a, mailbox=w.mailbox)),
}
