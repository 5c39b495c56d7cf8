"""Where a zone is kept: moving it between zone repositories and name servers, and letting a server go.

A move changes what Rookery writes to, and nothing that is outside: the place that a zone leaves keeps all it
has and serves it on, until somebody takes it out there.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation, lock_kept
from tenants.actions.record_sets import require_publishable
from tenants.actions.reversals import final, undoable
from tenants.actions.zones import place_of, require_not_frozen, zone_of
from tenants.actor import Actor
from tenants.errors import Absent, Conflict
from tenants.formats.zones.merge import written_by_unikernels
from tenants.formats.zones.names import Name
from tenants.models import Event, RecordSet, Repository, SyncTarget, UpdateServer, Zone
from tenants.zone_contents import is_readable, is_updated

_MOST_NAMED = 5


@transaction.atomic
def move_zone(
    *,
    actor: Actor,
    zone: Zone,
    repository: Repository | None = None,
    server: UpdateServer | None = None,
    take_along: bool = True,
    even_so: bool = False,
) -> Zone:
    """Keep a zone elsewhere from now on, in a zone repository or at a name server that has it already.

    Everything outside stays as it is, at both places: where the new one has something else for a set of ours,
    that is shown and decided about like any other difference. With `take_along`, what others wrote into the
    zone where it was becomes Rookery's and is written to the new place, except what unikernels write again.
    With `even_so` the last change need not have been proved where the zone was: a server may be gone.
    """
    access.require(actor, access.Verb.CHANGE, zone)
    place = place_of(actor, zone.domain, repository, server)
    lock_installation()
    lock_kept(zone)
    require_not_frozen(zone)
    before = SyncTarget.objects.get(pk=zone.target_id)
    if place.pk == before.pk:
        raise Conflict(f"{zone} is kept at {_name(before)} already.")
    if waits(zone) and not even_so:
        raise Conflict(
            f"The last change of {zone} was not proved at {_name(before)}. Wait for it, or say that it may be"
            " moved even so."
        )
    stays = what_stays(zone)
    outbox.mark([before, _again(place)])
    after = SyncTarget.objects.get(pk=place.pk)
    zone.target, zone.generation, zone.changed_at = after, after.generation, timezone.now()
    zone.served_serial = zone.served_at = None
    zone.dropped = ""
    zone.save(update_fields=["target", "generation", "changed_at", "served_serial", "served_at", "dropped"])
    taken = _carry_rows(zone, take_along=take_along)
    _carry_keys(zone)
    zone.server_answers.all().delete()
    require_publishable(zone, {})
    record(
        actor,
        "move_zone",
        zone,
        f"{zone} is kept at {_name(after)} from now on. {_name(before)} keeps what it has.",
        domain=zone.domain,
        target=after,
        before={"target": before.pk, "kept": _name(before)},
        after={"target": after.pk, "kept": _name(after), "stays": stays, "taken": taken},
    )
    return zone


def _again(place: SyncTarget) -> SyncTarget:
    """A place that was let go while this waited is no place any more."""
    if not SyncTarget.objects.filter(pk=place.pk).exists():
        raise Absent
    return place


def waits(zone: Zone) -> bool:
    """Was its last change not proved yet? One that never was published has nothing to wait for."""
    return zone.owned_at is not None and zone.target.observed_generation < zone.generation


def _carry_rows(zone: Zone, *, take_along: bool) -> int:
    """Make the rows say what is to be at the new place: nothing was proved there. Returns how many sets
    become ours that others wrote."""
    rows = zone.record_sets
    rows.filter(absent=True).delete()
    rows.filter(holder__in=RecordSet.OURS).update(proved="", generation=zone.generation)
    others = list(rows.filter(holder=RecordSet.Holder.EXTERNAL).order_by("pk"))
    taken = [row.pk for row in others if take_along and _may_be_taken(row)]
    rows.filter(pk__in=[row.pk for row in others]).exclude(pk__in=taken).delete()
    return rows.filter(pk__in=taken).update(
        holder=RecordSet.Holder.MANAGED, proved="", generation=zone.generation, changed_at=zone.changed_at
    )


def _carry_keys(zone: Zone) -> None:
    """In another repository the zone's keys are written again, so that whoever has one needs the new address
    only. A name server has keys of its own: the rows wait for the zone to come back to a repository."""
    repository = zone.target.repository
    if repository is not None:
        zone.tsig_keys.update(repository=repository, generation=zone.generation)


def _may_be_taken(row: RecordSet) -> bool:
    return is_readable(row) and not written_by_unikernels(Name.of(row.owner).labels, row.type)


def what_stays(zone: Zone) -> list[str]:
    """Sentences about what is not moved along, and stays where the zone is kept now."""
    where = _name(zone.target)
    if is_updated(zone):
        found = [f"{where} keeps the zone with all its records and serves it until you take it out there."]
    else:
        found = [
            f"{where} keeps the zone's file, and its primary serves it until you take the file out of git."
        ]
    others = zone.record_sets.filter(holder=RecordSet.Holder.EXTERNAL)
    written = [row for row in others if not _may_be_taken(row)]
    if written:
        named = ", ".join(f"{row.owner} {row.type}" for row in written[:_MOST_NAMED])
        more = f" and {len(written) - _MOST_NAMED} more" if len(written) > _MOST_NAMED else ""
        found.append(
            f"{named}{more}: unikernels write these themselves, or no text can say them. Give the unikernels"
            " the new server's address and a key of it, and restart them."
        )
    if not is_updated(zone):
        found += _access_that_stays(zone, where)
    if frozen := zone.record_sets.filter(holder=RecordSet.Holder.FROZEN).count():
        found.append(
            f"{frozen} frozen record set{'s' if frozen != 1 else ''}: written to the new place once unfrozen."
        )
    found.append("The domain's delegation: tell the registrar of the new name servers when they serve it.")
    return found


def _access_that_stays(zone: Zone, where: str) -> list[str]:
    found = []
    if keys := zone.tsig_keys.count():
        found.append(
            f"{keys} key{'s' if keys != 1 else ''} of the zone in the key file of {where}: they go on opening"
            " what stays there. Another zone repository gets them too, a name server has its own."
        )
    if servers := list(zone.secondaries.order_by("host").values_list("host", flat=True)):
        found.append(
            f"{', '.join(servers[:_MOST_NAMED])} copy from there until somebody tells them the address of the"
            " new primary. Remove a server here and add it anew if its key's name has the former address."
        )
    return found


def _name(target: SyncTarget) -> str:
    return target.repository.short_name if target.repository else str(target.update_server)


@transaction.atomic
def disconnect_update_server(*, actor: Actor, server: UpdateServer) -> None:
    """Forget a name server, its key and its runs. Refused while it holds a zone; nothing is sent there."""
    access.require(actor, access.Verb.DELETE, server)
    lock_installation()
    lock(server)
    target = server.sync_target
    held = list(Zone.objects.filter(target=target).order_by("domain__name").select_related("domain")[:6])
    if held:
        named = ", ".join(str(each) for each in held[:_MOST_NAMED]) + (" and more" if len(held) > 5 else "")
        raise Conflict(f"{server} holds {named}. Move them to another place first.")
    record(
        actor,
        "disconnect_update_server",
        server,
        f"The name server {server} was disconnected. Its key {server.key_name} is forgotten here, and works"
        " there until somebody takes it out.",
        organization=server.organization,
        before={"name": server.name, "address": server.address, "port": server.port, "key": server.key_name},
    )
    server.delete()


def _move_back(actor: Actor, zone: Zone, event: Event) -> None:
    place = SyncTarget.objects.get(pk=event.before["target"])
    move_zone(actor=actor, zone=zone, repository=place.repository, server=place.update_server, even_so=True)


def _hindrance(zone: Any, event: Event) -> str:
    there = SyncTarget.objects.filter(pk=event.before["target"]).exists()
    return "" if there else f"{event.before['kept']} is not connected any more."


undoable(
    "move_zone",
    find=zone_of,
    present=lambda zone, event: {"target": zone.target_id, "kept": _name(zone.target)},
    restore=_move_back,
    told=lambda zone, event: f"{zone} is kept at {event.before['kept']} again.",
    hindrance=_hindrance,
)
final("Its key was forgotten. Connect it again, with a key.", "disconnect_update_server")
