"""Rows of a zone ↔ the zone that they make: for the actions that check it whole, and for workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import DIALECTS, NEW, Dialect
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import Problem, blocking
from tenants.formats.zones.stored import owner_text, set_digest, stored_set
from tenants.formats.zones.zone import Soa
from tenants.formats.zones.zone import Zone as Content
from tenants.models import RecordSet, SyncTarget, Zone


def origin_of(zone: Zone) -> Name:
    return Name.of(zone.name)


def is_updated(zone: Zone) -> bool:
    """Is it kept by dynamic updates at a conventional primary? Its SOA is the server's own then."""
    return zone.target.kind == SyncTarget.Kind.DYNAMIC_UPDATE


def dialects_of(zone: Zone) -> tuple[Dialect, ...]:
    """The generations of ptt's primary that have to read the zone: an old one, and the next it becomes; none
    of a zone that a conventional server holds."""
    if is_updated(zone):
        return ()
    repository = zone.target.repository
    primary = getattr(repository, "primary", None)
    return (NEW,) if primary is None or primary.grammar == "new" else DIALECTS


def soa_of(zone: Zone, serial: int | None = None) -> Soa:
    """The SOA that the zone's row says. The contact's @ becomes a dot."""
    return Soa(
        Name.of(zone.first_server),
        Name.of(zone.contact.replace("@", ".", 1)),
        zone.serial if serial is None else serial,
        refresh=zone.refresh,
        retry=zone.retry,
        expire=zone.expire,
        minimum=zone.minimum,
    )


def soa_columns(soa: Soa) -> dict[str, str | int]:
    """What a zone's row can hold of an SOA, by column; the serial is not among it."""
    times = {"refresh": soa.refresh, "retry": soa.retry, "expire": soa.expire, "minimum": soa.minimum}
    told: dict[str, str | int] = {name: value for name, value in times.items() if value < 1 << 31}
    if soa.primary.labels:
        told["first_server"] = owner_text(soa.primary)
    if len(soa.mailbox.labels) > 1:
        told["contact"] = owner_text(soa.mailbox).replace(".", "@", 1)
    return told


def is_held(soa: Soa) -> bool:
    """Would a zone's row say exactly this SOA? Not one with an escaped dot before its mailbox's host."""
    try:
        again = soa_of(Zone(**soa_columns(soa)), soa.serial)
        return again == replace(soa, primary=soa.primary.lower, mailbox=soa.mailbox.lower)
    except ValueError:
        return False


def records_of(row: RecordSet) -> Records:
    """The record set that a row says. Raises FormatError for one of others that no text can say."""
    return stored_set(row.owner, row.type, row.ttl, row.data)


def is_readable(row: RecordSet) -> bool:
    """Do the row's texts say exactly what is there? Not for bytes that no text has."""
    try:
        return set_digest(records_of(row)) == row.digest
    except ValueError:  # a FormatError is one
        return False


def content_of(zone: Zone, rows: Iterable[RecordSet] | None = None) -> Content:
    """What the zone should hold by its rows, with what others wrote as it was last seen."""
    known = zone.record_sets.all() if rows is None else rows
    return Content(
        origin_of(zone),
        soa_of(zone),
        [records_of(row) for row in known if not row.absent and (row.is_ours or is_readable(row))],
    )


def refusals_of(zone: Zone) -> tuple[Problem, ...]:
    """Why the zone must not be published as its rows say it. A conventional server has its own rules for what
    others wrote there; until it was read once, what our records point to is not known."""
    if not is_updated(zone):
        return blocking(check_zone(content_of(zone), dialects_of(zone)))
    if zone.served_at is None:
        return ()
    rows = list(zone.record_sets.all())
    return refusals_about(content_of(zone, rows), {(row.owner, row.type) for row in rows if row.is_ours})


def refusals_about(content: Content, ours: Collection[tuple[str, str]]) -> tuple[Problem, ...]:
    """What blocks in those sets of a conventional server's zone that are ours."""
    found = blocking(check_zone(content, ()))
    return tuple(each for each in found if each.owner and (owner_text(each.owner), each.type) in ours)
