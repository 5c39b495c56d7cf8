"""Block volumes of an organization's part of a host: made by a pass, deleted by a person's word alone."""

from __future__ import annotations

from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid
from tenants.formats.unikernels import check_label
from tenants.models import HostShare, Volume


@transaction.atomic
def add_volume(*, actor: Actor, share: HostShare, label: str, size: int) -> Volume:
    """A block volume of `size` MB, within the quota. A pass makes it; nothing but a person deletes it."""
    access.require(actor, access.Verb.VIEW, share)
    access.require_create(actor, access.Kind.UNIKERNEL, share.organization)
    with Checks() as checks:
        label = check_label(label, field="label")
    checks.finish()
    lock(share)
    used = sum(share.volumes.values_list("size", flat=True))
    if not 1 <= size <= share.storage - used:
        raise Invalid.of(
            "size",
            f"{share.storage - used} of {share.storage} MB are free for block volumes.",
            "Make it smaller, or ask for a larger quota.",
        )
    try:
        with transaction.atomic():
            row = Volume.objects.create(share=share, label=label, size=size)
    except IntegrityError as error:
        said = f"There is a block volume {label} already, or one that is still being deleted."
        raise Conflict(said) from error
    _mark(row)
    record(
        actor,
        "add_volume",
        row,
        f"The block volume {label} of {size} MB was added on {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after={"label": label, "size": size},
    )
    return row


@transaction.atomic
def delete_volume(*, actor: Actor, volume: Volume) -> None:
    """Delete a block volume on the host, with all that is in it. Nothing brings it back.

    Not while a unikernel has it, stopped ones included. Its row goes when the host says that it is gone.
    """
    share = volume.share
    access.require(actor, access.Verb.DELETE, volume)
    lock(share)
    lock(volume)
    if volume.deleted_at is not None:
        raise Conflict(f"{volume} is being deleted already.")
    users = users_of(volume)
    if users:
        raise Conflict(f"{', '.join(users[:5])} uses {volume}. Give it another volume, or delete it first.")
    volume.deleted_at = timezone.now()
    _mark(volume)
    record(
        actor,
        "delete_volume",
        volume,
        f"The block volume {volume} on {share.host} was deleted, with all that was in it.",
        organization=share.organization,
        target=share.sync_target,
        before={"label": volume.label, "size": volume.size},
    )


def users_of(volume: Volume) -> list[str]:
    """Unikernels that have it, also stopped ones and those that are still being deleted."""
    rows = volume.share.unikernels.order_by("name")
    return [row.name for row in rows if any(label == volume.label for _, label in row.blocks)]


def forget_deleted_volumes(*, actor: Actor, at_most: int = 100) -> int:
    """Drop rows of volumes that were proved gone; returns how many."""
    if not actor.system:
        raise Forbidden("Rows of deleted volumes go by themselves; Rookery looks every few seconds.")
    rows = Volume.objects.filter(
        deleted_at__isnull=False, generation__lte=F("share__sync_target__observed_generation")
    ).select_related("share__sync_target")
    gone = islice((row.pk for row in rows.order_by("pk").iterator() if not _was_left(row)), at_most)
    return Volume.objects.filter(pk__in=list(gone)).delete()[0]


def _was_left(row: Volume) -> bool:
    return f"volume {row.label}" in row.share.sync_target.proof.get("left", [])


def _mark(row: Volume) -> None:
    target = row.share.sync_target
    row.generation = outbox.mark([target])[target.pk]
    row.save(update_fields=["generation", "deleted_at"])


final("Delete it instead, if nothing in it is needed.", "add_volume")
final("What was in it is gone. Make a new one, and fill it from a copy of yours.", "delete_volume")
