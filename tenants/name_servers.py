"""The name servers of a zone, as Rookery's rows know them, and what they answered last."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from tenants.formats.zones.agreement import MOST_SERVERS, Agreement, Judged, Server, is_overdue
from tenants.models import ServerAnswer, SyncTarget, Zone
from tenants.models.sync import LONG_AGO
from tenants.zone_contents import is_updated

__all__ = [
    "FOLLOWS_WITHIN",
    "advice",
    "ask_servers_soon",
    "judged_of",
    "name_servers",
    "overdue_answers",
    "primary_place",
    "servers_elsewhere",
]

FOLLOWS_WITHIN = timedelta(seconds=20)
"""A secondary that was told of a change has fetched it by then."""
_MOST_LOOKED_THROUGH = 1_000


def primary_place(zone: Zone) -> tuple[str, int]:
    """The address and port of the server that Rookery writes the zone to."""
    if is_updated(zone):
        assert zone.target.update_server is not None  # noqa: S101 - of such a target
        return zone.target.update_server.address, zone.target.update_server.port
    assert zone.target.repository is not None  # noqa: S101 - the only other kind
    return zone.target.repository.primary.address, zone.target.repository.primary.port


def name_servers(zone: Zone) -> tuple[Server, ...]:
    """The primary, the secondaries that were entered, and the other name servers that the zone has both the
    name and an address of."""
    sets = {(row.owner, row.type): row.data for row in zone.record_sets.filter(absent=False)}
    named = [each.removesuffix(".") for each in sets.get((zone.name, "NS"), ())]
    known = [
        (host, address) for host in named for kind in ("A", "AAAA") for address in sets.get((host, kind), ())
    ]
    primary, _ = primary_place(zone)
    host = next((host for host, address in known if address == primary), "")
    entered = [(each.host, str(each.address)) for each in zone.secondaries.order_by("host")]
    others = [each for each in (*entered, *known) if each[1] != primary]
    found = [Server(host, primary, primary=True), *(Server(*each) for each in dict.fromkeys(others))]
    return tuple(found[:MOST_SERVERS])


def servers_elsewhere(zone: Zone) -> tuple[str, ...]:
    """The name servers of a zone of which Rookery knows no address: their names lie in other zones."""
    rows = zone.record_sets.filter(absent=False)
    named = [each.removesuffix(".") for row in rows.filter(owner=zone.name, type="NS") for each in row.data]
    here = set(rows.filter(type__in=("A", "AAAA"), owner__in=named).values_list("owner", flat=True))
    entered = set(zone.secondaries.values_list("host", flat=True))
    return tuple(sorted(set(named) - here - entered))[:MOST_SERVERS]


def ask_servers_soon(zone: Zone, delay: timedelta = timedelta(0)) -> None:
    """Have the name servers of a zone asked again by a worker."""
    at = timezone.now() + delay if delay else LONG_AGO
    Zone.objects.filter(pk=zone.pk).update(servers_look_at=at)


def judged_of(row: ServerAnswer) -> tuple[Server, Judged]:
    judged = Judged(Agreement(row.agreement), row.serial, row.behind, row.problem, row.since, row.apart_since)
    return Server(row.host, row.address, row.primary), judged


def overdue_answers(target: SyncTarget, now: datetime) -> list[ServerAnswer]:
    """Secondaries of a target's zones that have not had what the primary has for too long."""
    rows = ServerAnswer.objects.filter(
        zone__target=target, zone__standing__in=Zone.KEPT, primary=False, apart_since__isnull=False
    )
    rows = rows.select_related("zone__domain").order_by("apart_since", "pk")[:_MOST_LOOKED_THROUGH]
    return [row for row in rows if is_overdue(judged_of(row)[1], row.zone.refresh, row.zone.retry, now)]


def advice(row: ServerAnswer) -> str:
    """What to do about a server that does not agree; "" for one that does."""
    match Agreement(row.agreement):
        case Agreement.AGREES:
            return ""
        case Agreement.BEHIND:
            return (
                "Let it transfer the zone from the primary (its key, port 53 over TCP), and see that it is"
                " told of changes (NOTIFY)."
            )
        case Agreement.AHEAD:
            return "Let it transfer the zone from this primary, and from no other; then load the zone anew."
        case Agreement.SILENT:
            return (
                "Start it and open port 53 for UDP and TCP, or remove it here and at the registrar."
                if not row.primary
                else "Start it, and open port 53 for UDP and TCP."
            )
        case Agreement.FOREIGN:
            return (
                "Set the zone up there as a secondary of this primary, or remove it here and at the"
                " registrar."
                if not row.primary
                else "Look at its console: it may have dropped the zone."
            )
