"""What workers keep about passphrases that are used more than once. Nobody else may."""

from __future__ import annotations

from django.db import transaction

from tenants.actions.reversals import final
from tenants.actions.warnings import state_warning
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import AddressWarning, Mailbox

_REUSED = (
    "Its passphrase is used by another address here too: whoever learns it has both. Give each address a"
    " passphrase of its own."
)
_Kind = AddressWarning.Kind.REUSED_PASSPHRASE


def alike(mailbox: Mailbox, likeness: str) -> list[Mailbox]:
    """Up to two other addresses of the organization with that likeness: it matters only whether there are."""
    if not likeness:
        return []
    rows = Mailbox.objects.filter(
        likeness=likeness, domain__organization=mailbox.domain.organization_id, trashed_at=None
    )
    return list(rows.exclude(pk=mailbox.pk).order_by("pk")[:2])


@transaction.atomic
def note_likeness(*, actor: Actor, mailbox: Mailbox, likeness: str) -> None:
    """Keep the likeness of the passphrase that `mailbox` had when it was read, and what follows from it.

    Only the first and the second of several are touched, so a passphrase that ten thousand addresses have
    costs no more than one that two have.
    """
    if not actor.system:
        raise Forbidden("Only Rookery's workers can compare passphrases.")
    as_read = Mailbox.objects.filter(pk=mailbox.pk, changed_at=mailbox.changed_at)
    if not as_read.update(likeness=likeness, likened_at=mailbox.changed_at):
        return  # it changed meanwhile, and is compared again
    before = mailbox.likeness
    mailbox.likeness = likeness
    others = alike(mailbox, likeness)
    state_warning(mailbox, _Kind, _REUSED if others else "")
    if len(others) == 1:
        state_warning(others[0], _Kind, _REUSED)
    if before and before != likeness and len(left := alike(mailbox, before)) == 1:
        state_warning(left[0], _Kind, "")


final("It notes what a worker compared; nothing was changed.", "note_likeness")
