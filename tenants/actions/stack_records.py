"""The records of a mail stack beside those that its zone has: what is there, and what to change."""

from __future__ import annotations

from collections.abc import Iterable

from tenants.actions.record_sets import RecordChange
from tenants.formats.stacks.records import mx_record, records
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.stored import owner_text, stored_texts
from tenants.models import RecordSet, Stack, Zone
from tenants.stack_wishes import wish_of

_SPF = '"v=spf1'


def sets_of(stack: Stack) -> tuple[Records, ...]:
    """What the zone must say before anything starts; what unikernels write themselves is not among it."""
    return records(wish_of(stack))


def mx_set(stack: Stack) -> Records:
    return mx_record(wish_of(stack))


def places_of(zone: Zone) -> dict[tuple[str, str], RecordSet]:
    """The sets that a zone has, by name and type."""
    return {(row.owner, row.type): row for row in zone.record_sets.filter(absent=False)}


def says(zone: Zone, wanted: Iterable[Records]) -> bool:
    """Does the zone say all of it, as ours?"""
    there = places_of(zone)
    return all(
        (row := there.get((owner_text(each.owner), each.type))) is not None
        and row.is_ours
        and set(stored_texts(each)) <= set(row.data)
        for each in wanted
    )


def changes_for(zone: Zone, wanted: Iterable[Records]) -> list[RecordChange]:
    """What makes the zone say it. Other name servers and texts of the same name stay; an address, an MX
    record and a sender policy are replaced: with two of them mail would go elsewhere, too."""
    there, found = places_of(zone), []
    for each in wanted:
        owner, ours = owner_text(each.owner), stored_texts(each)
        row = there.get((owner, each.type))
        if row is not None and row.is_ours and set(ours) <= set(row.data):
            continue
        kept = [text for text in row.data if _stays(each.type, text, ours)] if row is not None else []
        foreign = row is not None and not row.is_ours
        found.append(RecordChange(f"{owner}.", each.type, (*kept, *ours), each.ttl, take_over=foreign))
    return found


def _stays(kind: str, text: str, ours: list[str]) -> bool:
    if text in ours:
        return False
    return kind == "NS" or (kind == "TXT" and not text.lower().startswith((_SPF, '"v=dmarc1')))
