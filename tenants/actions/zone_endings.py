"""Ending a zone: taking it off the air, or letting go of it as it is; and bringing it back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation, lock_kept
from tenants.actions.reversals import undoable
from tenants.actions.zones import require_alone, require_not_frozen, zone_of
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.text import printable
from tenants.models import Event, Mailbox, RecordSet, SyncTarget, TsigKey, Zone
from tenants.zone_contents import is_updated

Standing = Zone.Standing
_MOST_TOLD = 20
_ENDED = {Standing.REMOVING: "removed", Standing.REMOVED: "removed", Standing.LET_GO: "let go"}


@dataclass(frozen=True)
class EndingPreview:
    """What becomes of a zone that is removed. `cautions` are sentences, the worst first; `removable` says
    why it can only be let go, "" when it can be removed."""

    record_sets: int
    others: int
    keys: tuple[str, ...]
    secondaries: tuple[str, ...]
    cautions: tuple[str, ...]
    removable: str = ""


def preview_ending(actor: Actor, zone: Zone) -> EndingPreview:
    """What disappears with a zone, and what is to be thought of before."""
    access.require(actor, access.Verb.VIEW, zone)
    rows = list(zone.record_sets.filter(absent=False))
    keys = tuple(_keys(zone).values_list("name", flat=True)[:_MOST_TOLD])
    servers = tuple(zone.secondaries.order_by("host").values_list("host", flat=True)[:_MOST_TOLD])
    return EndingPreview(
        record_sets=len(rows),
        others=sum(not row.is_ours for row in rows),
        keys=keys,
        secondaries=servers,
        cautions=tuple(_cautions(zone, rows, keys, servers)),
        removable=_why_not_removable(zone),
    )


def _keys(zone: Zone) -> QuerySet[TsigKey]:
    return TsigKey.objects.filter(zone=zone, removed=False).order_by("name")


def _why_not_removable(zone: Zone) -> str:
    if is_updated(zone):
        return (
            "The name server holds this zone itself: remove it there. Rookery can only let go of it, and"
            " nothing changes outside."
        )
    if zone.owned_at is None:
        return "The zone was never published, so there is nothing to remove. Rookery can let go of it."
    return ""


def _cautions(
    zone: Zone, rows: list[RecordSet], keys: tuple[str, ...], servers: tuple[str, ...]
) -> list[str]:
    found = []
    exchangers = [text.rpartition(" ")[2] for row in rows if row.type == "MX" for text in row.data]
    if exchangers:
        addresses = Mailbox.objects.filter(domain=zone.domain, trashed_at=None).count()
        held = f", and {addresses} addresses of it here get none" if addresses > 1 else ""
        found.append(
            f"Mail for {zone} stops: its MX ({', '.join(exchangers[:3])}) is gone with it{held}. Senders try"
            " again for some days, then they give up."
        )
    users = _users(zone)
    if users:
        found.append(
            f"{', '.join(users[:3])}{' and others' if len(users) > 3 else ''} point to names in {zone}; they"
            " lead nowhere then."
        )
    if any(row.type == "TLSA" and row.owner.startswith("_letsencrypt.") for row in rows):
        found.append("Certificates that unikernels ask for by way of this zone are not renewed any more.")
    if keys:
        found.append(
            f"{len(keys)} key{'s' if len(keys) > 1 else ''} of the zone stop{'s' if len(keys) == 1 else ''}"
            " working, for the zones below it too."
        )
    if servers:
        found.append(
            f"{', '.join(servers[:3])} keep{'s' if len(servers) == 1 else ''} the zone until it expires there"
            f" ({zone.expire} s): remove it there by hand."
        )
    found.append("While the registrar still delegates the domain to these servers, its names do not resolve.")
    return found


def _users(zone: Zone) -> list[str]:
    """Record sets of the organization's other zones that point into this one."""
    rows = RecordSet.objects.filter(
        zone__domain__organization=zone.domain.organization_id,
        zone__standing__in=Zone.KEPT,
        type__in=("MX", "NS", "CNAME", "SRV"),
        absent=False,
    ).exclude(zone=zone)
    inside = (f".{zone.name}.", f" {zone.name}.")
    return sorted(
        f"{row.owner} {row.type}"
        for row in rows.filter(data__icontains=zone.name)[:1000]
        if any(f" {text}".endswith(inside) for text in row.data)
    )


@transaction.atomic
def remove_zone(*, actor: Actor, zone: Zone, name: str) -> Zone:
    """Take a zone off the air: a worker removes its file and its keys, and asks until nothing answers.

    `name` is the zone's, typed by whoever means it. All rows stay, so that it can be brought back. Raises
    Conflict where it can only be let go.
    """
    access.require(actor, access.Verb.DELETE, zone)
    _require_name(zone, name)
    lock_kept(zone)
    require_not_frozen(zone)
    if why := _why_not_removable(zone):
        raise Conflict(why)
    return _end(actor, zone, Standing.REMOVING, "remove_zone", f"{zone} was removed: nothing is to serve it.")


def _require_name(zone: Zone, name: str) -> None:
    if name.strip().lower().removesuffix(".") != zone.name:
        raise Invalid.of("name", f"“{printable(name, 80)}” is not {zone}.", f"Type {zone} to end it.")


@transaction.atomic
def let_go_zone(*, actor: Actor, zone: Zone, name: str = "") -> Zone:
    """Write nothing into a zone any more, and leave all outside as it is. A `name` must be the zone's."""
    access.require(actor, access.Verb.DELETE, zone)
    if name:
        _require_name(zone, name)
    lock_kept(zone)
    return _end(
        actor, zone, Standing.LET_GO, "let_go_zone", f"Rookery let go of {zone}: outside it is as it was."
    )


@transaction.atomic
def bring_zone_back(*, actor: Actor, zone: Zone) -> Zone:
    """Keep a zone again that was removed or let go. One that was removed is written as it was, what others
    had written too; of one that was let go, what others changed since is shown as changed outside. Its keys
    are written again as they were in both cases, and are on their way until that was proved."""
    access.require(actor, access.Verb.CHANGE, zone)
    lock_installation()
    lock(zone)
    if zone.is_kept:
        raise Conflict(f"{zone} is kept already.")
    require_alone(zone.domain)
    removed = zone.standing != Standing.LET_GO
    before = _ENDED[Standing(zone.standing)]
    _stand(zone, Standing.RETURNING if removed else Standing.KEPT, marked=True)
    zone.tsig_keys.filter(repository=zone.target.repository_id).update(generation=zone.generation)
    _record(actor, "bring_zone_back", zone, f"{zone} is kept by Rookery again.", before, "kept")
    return zone


def _end(actor: Actor, zone: Zone, standing: Zone.Standing, verb: str, sentence: str) -> Zone:
    _stand(zone, standing, marked=standing == Standing.REMOVING)
    _record(actor, verb, zone, sentence, "kept", _ENDED[standing])
    return zone


def _stand(zone: Zone, standing: Zone.Standing, *, marked: bool) -> None:
    now, target = timezone.now(), SyncTarget.objects.get(pk=zone.target_id)
    if marked:
        outbox.mark([target])
        zone.target, zone.generation, zone.changed_at = target, target.generation, now
    else:
        outbox.look_again(target)
    zone.standing, zone.ended_at = standing, None if standing in Zone.KEPT else now
    zone.save(update_fields=["standing", "ended_at", "generation", "changed_at"])


def _record(actor: Actor, verb: str, zone: Zone, sentence: str, before: str, after: str) -> None:
    record(
        actor,
        verb,
        zone,
        sentence,
        domain=zone.domain,
        target=zone.target,
        before={"standing": before},
        after={"standing": after},
    )


def _told(zone: Zone, event: Event) -> dict[str, str]:
    return {"standing": "kept" if zone.is_kept else _ENDED[Standing(zone.standing)]}


for _verb in ("remove_zone", "let_go_zone"):
    undoable(
        _verb,
        find=zone_of,
        present=_told,
        restore=lambda actor, zone, event: bring_zone_back(actor=actor, zone=zone),
        told=lambda zone, event: f"{zone} is kept by Rookery again.",
    )
undoable(
    "bring_zone_back",
    find=zone_of,
    present=_told,
    restore=lambda actor, zone, event: (
        let_go_zone(actor=actor, zone=zone)
        if event.before["standing"] == "let go"
        else remove_zone(actor=actor, zone=zone, name=zone.name)
    ),
    told=lambda zone, event: f"{zone} is {event.before['standing']} again.",
    needs=access.Verb.DELETE,
)
