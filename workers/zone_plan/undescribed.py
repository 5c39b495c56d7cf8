"""Files of a zone repository that nobody here described: what Rookery would make of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenants.formats.text import printable
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import Problem, blocking
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import read_zone
from tenants.zone_contents import is_held
from workers.zone_plan.decide import shown

_MOST_REFUSALS, _MOST_SETS, _MOST_TEXT = 3, 60, 6_000


@dataclass(frozen=True)
class Undescribed:
    """What a file holds: `zone` is None where it cannot be read or kept, `sentence` says why, or what is in
    it and what Rookery would refuse; `text` are its record sets, the first of them."""

    zone: Zone | None = field(repr=False)
    sentence: str
    text: str | None = field(default=None, repr=False)


def describe_file(origin: Name, content: bytes, dialects: tuple[Dialect, ...]) -> Undescribed:
    """Say what a zone's file holds."""
    name = origin.short
    try:
        zone = read_zone(content, origin)
    except ZoneFileError as error:
        reason = printable(str(error), 250)
        return Undescribed(None, f"{name} cannot be read, so the primary does not serve it: {reason}")
    text = "\n".join(filter(None, (shown(item) for item in list(zone.sets)[:_MOST_SETS])))[:_MOST_TEXT]
    if not is_held(zone.soa):
        sentence = (
            f"{name} can be read, but its SOA has names that Rookery cannot write. Correct it there first."
        )
        return Undescribed(None, sentence, text)
    count = len(zone.sets)
    holds = f"{name} is a zone with {count} record set{'s' if count != 1 else ''}, serial {zone.soa.serial}."
    refused = blocking(check_zone(zone, dialects))
    if not refused:
        return Undescribed(zone, f"{holds} Rookery can keep all of it.", text)
    more = f" And {len(refused) - _MOST_REFUSALS} more." if len(refused) > _MOST_REFUSALS else ""
    reasons = " ".join(_told(each) for each in refused[:_MOST_REFUSALS])
    sentence = (
        f"{holds} Rookery would refuse: {printable(reasons, 330)}{more} Correct that with the first change."
    )
    return Undescribed(zone, sentence, text)


def _told(problem: Problem) -> str:
    where = f"{problem.owner.short} {problem.type}: " if problem.owner else ""
    return f"{where}{problem.problem}"
