"""The plan of a zone that is to be gone: its file, and that the primary answers for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.formats.zones.names import Name
from workers.plan import Action, Change
from workers.zone_plan.decide import TAKE_UP, DecidedZone, pair


@dataclass(frozen=True)
class LeavingZone:
    """One zone outside that is to be gone: its file's blob, "" for none, and the serial that is served, None
    when the primary does not answer for it (or cannot be asked)."""

    pk: int
    origin: Name
    blob: str
    served: int | None


def decide_leaving(zone: LeavingZone) -> DecidedZone:
    """Remove the file; without one, the primary has only to be told."""
    name = zone.origin.short
    before = "its file is in git" if zone.served is None else f"serial {zone.served} is served"
    unit = f"{name} (whole zone)" if zone.blob else name + TAKE_UP
    change = Change(
        Action.DELETE if zone.blob else Action.UPDATE,
        unit,
        zone.blob or str(zone.served),
        "",
        texts=lambda: pair(before, "not served"),
    )
    needed = bool(zone.blob) or zone.served is not None
    return DecidedZone(zone.pk, zone.origin, changes=(change,) if needed else (), leaves=zone.blob or "-")
