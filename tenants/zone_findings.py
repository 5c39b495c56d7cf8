"""Record sets of a zone that others changed, as workers found them."""

from __future__ import annotations

from tenants.actions.record_sets import RecordChange
from tenants.errors import Conflict
from tenants.models import Finding, Zone


def changed_outside(zone: Zone) -> list[Finding]:
    """What is told of this zone: its repository may hold others."""
    found = zone.target.findings.filter(kind__in=Finding.REPAIRABLE, unit__contains=zone.name)
    return [each for each in found if _is_within(each.unit.partition(" ")[0], zone)]


def outside_change(zone: Zone, unit: str) -> RecordChange:
    """Return the change that makes a record set of ours what it was last seen to be outside.

    Raises Conflict where nothing is told of it (any more), and where no such change can be made.
    """
    owner, _, kind = unit.rpartition(" ")
    told = zone.target.findings.filter(unit=unit, kind__in=Finding.REPAIRABLE)
    found = told.first() if _is_within(owner, zone) and "\0" not in unit else None
    if found is None:
        raise Conflict("There is nothing left to decide about it. Read the list again.")
    data: list[str] = []
    ttl = None
    for line in found.outside.split("\n") if found.outside else ():
        # As the finding shows it: owner, TTL, IN, type and data.
        words = line.split(" ", 4)
        if len(words) < 5 or (words[0], words[2], words[3]) != (f"{owner}.", "IN", kind):
            raise Conflict(f"{unit} stands outside in a way that cannot be taken over. Write it by hand.")
        ttl = int(words[1])
        data.append(words[4])
    return RecordChange(f"{owner}.", kind, tuple(data), ttl)


def _is_within(owner: str, zone: Zone) -> bool:
    return owner == zone.name or owner.endswith(f".{zone.name}")
