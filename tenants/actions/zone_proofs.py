"""What workers record about zones: ownership, what is outside, what others wrote. Nobody else may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from tenants import outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.stored import set_digest, stored_texts
from tenants.formats.zones.zone import Soa
from tenants.models import RecordSet, SyncTarget, TsigKey, Zone
from tenants.name_servers import FOLLOWS_WITHIN, ask_servers_soon
from tenants.zone_contents import is_readable, soa_columns

_AT_ONCE = 500


@transaction.atomic
def record_ownership(
    *, actor: Actor, zone: Zone, how: str, problem: str = "", next_look_at: datetime | None = None
) -> bool:
    """Keep what the DNS said about who owns the zone's domain; returns whether it is proved."""
    require_worker(actor)
    lock(zone)
    if zone.owned_at is not None or not zone.is_kept:
        return zone.owned_at is not None
    zone.look_problem, zone.looks = problem[:200], zone.looks + 1
    if next_look_at is not None:
        zone.next_look_at = next_look_at
    if not how:
        zone.save(update_fields=["look_problem", "looks", "next_look_at"])
        return False
    target = SyncTarget.objects.get(pk=zone.target_id)
    outbox.mark([target])
    zone.owned_at, zone.owned_by, zone.generation = timezone.now(), how, target.generation
    zone.save(update_fields=["owned_at", "owned_by", "look_problem", "looks", "next_look_at", "generation"])
    record(
        actor,
        "prove_ownership",
        zone,
        f"{zone.domain} was proved to be its owner's by {zone.get_owned_by_display()}; {zone} is published.",
        domain=zone.domain,
        target=target,
        after={"proved by": how},
    )
    return True


@dataclass(frozen=True)
class ProvedZone:
    """A zone as it was read back: every record set outside, and the serials.

    `left` are keys that were left as they are: what was proved of them before stays the base. `dropped` names
    content that the primary did not serve. `soa` is given where it is the server's own, and none of ours.
    """

    served: int | None
    serial: int
    sets: Mapping[tuple[str, str], Records] = field(repr=False)
    left: frozenset[tuple[str, str]] = frozenset()
    dropped: str = ""
    soa: Soa | None = None


@transaction.atomic
def record_zones(
    *, actor: Actor, target: SyncTarget, zones: Mapping[int, ProvedZone], seen_again: Sequence[int] = ()
) -> None:
    """Write what was proved of zones by id: the base of the next comparison, and what others wrote.

    Rows of ours that were changed after the pass began (above the generation of `target`) keep what they
    want; only their base moves. Of `seen_again`, only the time is new.
    """
    require_worker(actor)
    now, generation = timezone.now(), target.generation
    for start in range(0, len(seen_again), _AT_ONCE):
        Zone.objects.filter(pk__in=seen_again[start : start + _AT_ONCE]).update(served_at=now)
    # Locked as by everybody who changes their record sets: a row is not changed between reading and writing.
    for zone in (
        Zone.objects.select_for_update(no_key=True).filter(target=target, pk__in=list(zones)).order_by("pk")
    ):
        _record_zone(zone, zones[zone.pk], generation, now)


@transaction.atomic
def record_removed(*, actor: Actor, target: SyncTarget, zone_ids: Sequence[int]) -> None:
    """Note that nothing answers for these zones any more, unless somebody brought them back meanwhile."""
    require_worker(actor)
    gone = Zone.objects.filter(target=target, pk__in=zone_ids, standing=Zone.Standing.REMOVING)
    gone.filter(generation__lte=target.generation).update(
        standing=Zone.Standing.REMOVED, served_serial=None, served_at=timezone.now()
    )


@transaction.atomic
def adopt_record_sets(
    *, actor: Actor, target: SyncTarget, zones: Mapping[int, Mapping[tuple[str, str], Records | None]]
) -> int:
    """Make our sets say what others made of them, by zone; None: they removed it. Returns how many.

    Nothing is marked: both sides agree afterwards. What no text can say is left as it is.
    """
    require_worker(actor)
    now, count = timezone.now(), 0
    found = Zone.objects.filter(target=target, pk__in=list(zones)).select_related("domain").order_by("pk")
    for zone in found.select_for_update(of=("self",), no_key=True):
        for row in zone.record_sets.filter(holder=RecordSet.Holder.MANAGED):
            key = (row.owner, row.type)
            if key not in zones[zone.pk]:
                continue
            outside, before = zones[zone.pk][key], {"ttl": row.ttl, "data": list(row.data)}
            # What was proved stays the base until this pass has proved it anew.
            proved, row.absent = row.proved, outside is None
            if outside is not None:
                fill(row, outside, set_digest(outside), now)
                if not is_readable(row):
                    continue
            row.proved = proved
            row.save()
            after = {"ttl": row.ttl, "data": list(row.data)} if outside else {"ttl": None, "data": []}
            record(
                actor,
                "adopt_record_set",
                f"{row.owner} {row.type}",
                f"{row.owner} {row.type} was taken over as others made it.",
                domain=zone.domain,
                target=target,
                before=before,
                after=after,
            )
            count += 1
    return count


@transaction.atomic
def record_dropped(*, actor: Actor, zone_id: int, dropped: str) -> None:
    """Remember content that the primary took off the air, so that it is not sent again."""
    require_worker(actor)
    Zone.objects.filter(pk=zone_id).update(dropped=dropped)


@transaction.atomic
def forget_removed_keys(*, actor: Actor, target: SyncTarget) -> None:
    """Drop the rows of keys that were proved to be gone. The key file of a zone that was let go or is kept
    elsewhere was not written, so its removed keys are to be taken out when the zone comes back."""
    require_worker(actor)
    removed = TsigKey.objects.filter(repository=target.repository, removed=True)
    here = Q(zone=None) | Q(zone__target=target) & ~Q(zone__standing=Zone.Standing.LET_GO)
    removed.filter(here, generation__lte=target.generation).delete()


def _record_zone(zone: Zone, proved: ProvedZone, generation: int, now: datetime) -> None:
    if proved.served is not None and proved.served != zone.served_serial:
        ask_servers_soon(zone, FOLLOWS_WITHIN)
    Zone.objects.filter(pk=zone.pk).update(
        serial=proved.serial, served_serial=proved.served, served_at=now, dropped=proved.dropped
    )
    back = Zone.objects.filter(pk=zone.pk, standing=Zone.Standing.RETURNING, generation__lte=generation)
    back.update(standing=Zone.Standing.KEPT)
    if proved.soa is not None:
        _record_soa(zone, proved.soa)
    rows = {(row.owner, row.type): row for row in zone.record_sets.all()}
    changed: list[RecordSet] = []
    as_asked: list[int] = []
    gone: list[int] = []
    for key, row in rows.items():
        if key in proved.left:
            continue
        outside = proved.sets.get(key)
        digest = set_digest(outside)
        if row.is_ours:
            if row.absent and not digest and row.generation <= generation:
                gone.append(row.pk)
            elif row.proved != digest and digest == row.digest:
                as_asked.append(row.pk)
            elif row.proved != digest:
                row.proved = digest
                changed.append(row)
        elif outside is None:
            gone.append(row.pk)
        elif row.digest != digest:
            fill(row, outside, digest, now)
            changed.append(row)
    new = [
        fill(
            RecordSet(zone=zone, owner=key[0], type=key[1], holder=RecordSet.Holder.EXTERNAL),
            outside,
            set_digest(outside),
            now,
        )
        for key, outside in proved.sets.items()
        if key not in rows and key not in proved.left
    ]
    # Nearly all of them, where a large zone was written: rows that are outside exactly as they say.
    for start in range(0, len(as_asked), _AT_ONCE):
        some = as_asked[start : start + _AT_ONCE]
        RecordSet.objects.filter(pk__in=some).update(proved=F("digest"))
    _look_at_certificates(zone, [*changed, *new, *(row for row in rows.values() if row.pk in gone)], now)
    fields = ["ttl", "data", "digest", "proved", "changed_at"]
    RecordSet.objects.bulk_update(changed, fields, batch_size=100)
    RecordSet.objects.bulk_create(new, batch_size=_AT_ONCE, ignore_conflicts=True)
    for start in range(0, len(gone), _AT_ONCE):
        RecordSet.objects.filter(pk__in=gone[start : start + _AT_ONCE]).delete()


def _look_at_certificates(zone: Zone, touched: Sequence[RecordSet], now: datetime) -> None:
    if any(row.type == "TLSA" for row in touched):
        Zone.objects.filter(pk=zone.pk).update(certificates_due_at=now)
        outbox.hint_on_commit("look_at_certificates", zone.pk, "reviews")


def _record_soa(zone: Zone, soa: Soa) -> None:
    """What a conventional server says how it keeps the zone; what no row can hold stays as it was."""
    Zone.objects.filter(pk=zone.pk).update(**soa_columns(soa))


def fill(row: RecordSet, outside: Records, digest: str, now: datetime) -> RecordSet:
    """Make a row say what is outside, as the base of the next comparison."""
    row.ttl, row.data, row.digest, row.proved = outside.ttl, stored_texts(outside), digest, digest
    row.changed_at = now
    return row


def require_worker(actor: Actor) -> None:
    """Raise Forbidden for people: what is outside is only what a worker read there."""
    if not actor.system:
        raise Forbidden("Only Rookery's workers record what is outside.")


final("Ownership was proved; that stays so.", "prove_ownership")
final("Others made it so. Change the record set, and Rookery writes that.", "adopt_record_set")
final(
    "This notes what is outside; nothing was changed.",
    "record_zones",
    "record_dropped",
    "record_removed",
    "record_ownership",
)
