"""What is outside: the file in git and the zone that the primary serves, put together. Pure.

The primary writes back what others changed, by a push that may be refused; then only a transfer shows it.
And a transfer never shows glue. So neither is the truth alone: each record set is taken from the side that
changed it since it was last proved. Where both did, the newer serial wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenants.desired_zones import Key
from tenants.formats.zones.merge import complete
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.serial import newer
from tenants.formats.zones.stored import owner_text, set_digest
from tenants.formats.zones.zone import Soa, Zone

_ANY_SOA = Soa(ROOT, ROOT, 0)


@dataclass(frozen=True)
class Written:
    """What Rookery itself wrote since the last proof: digests of record sets as it left them, "" for those
    that it took away; and the SOA, "" if that stayed."""

    sets: Mapping[Key, str] = field(default_factory=dict, repr=False)
    soa: str = ""


@dataclass(frozen=True)
class ObservedZone:
    """One zone outside. `file` is None where there is none, or (`problem` says why) it cannot be read;
    `served` is the serial that the primary answers with, None when it does not serve the zone;
    `transferred` are the sets that it serves, None when it was not asked or did not tell."""

    origin: Name
    blob: str = ""
    file: Zone | None = field(default=None, repr=False)
    problem: str = ""
    served: int | None = None
    transferred: Mapping[tuple[Name, str], RecordSet] | None = field(default=None, repr=False)
    written: Written = Written()


def by_key(zone: Zone | None) -> dict[Key, RecordSet]:
    """Record sets by owner and type as rows name them."""
    return {(owner_text(item.owner), item.type): item for item in (zone.sets if zone else ())}


def outside_sets(observed: ObservedZone, base: Mapping[Key, str]) -> dict[Key, RecordSet]:
    """Every record set outside; `base` identifies what was last proved."""
    file = by_key(observed.file)
    if observed.transferred is None:
        return file
    served = {(owner_text(owner), kind): item for (owner, kind), item in observed.transferred.items()}
    zone = observed.file or Zone(observed.origin, _ANY_SOA, observed.transferred.values())
    names = {(owner_text(item.owner), item.type): item.owner for item in zone.sets}
    theirs = complete(file, served, is_glue=lambda key: zone.is_glue(names[key], key[1]))
    file_is_newer = (
        observed.file is not None
        and observed.served is not None
        and newer(observed.file.soa.serial, observed.served)
    )
    found: dict[Key, RecordSet] = {}
    for key in dict.fromkeys((*file, *theirs)):
        taken = _pick(file.get(key), theirs.get(key), base.get(key, ""), file_is_newer=file_is_newer)
        if taken is not None:
            found[key] = taken
    return found


def _pick(
    file: RecordSet | None, served: RecordSet | None, base: str, *, file_is_newer: bool
) -> RecordSet | None:
    in_file, in_service = set_digest(file), set_digest(served)
    if in_file in {in_service, base}:
        return served
    if in_service == base:
        return file
    return file if file_is_newer else served
