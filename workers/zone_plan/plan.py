"""The plan of a whole zone repository: one commit for many zones, and when a person looks first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tenants.formats.zones.keyfile import key_file_name
from tenants.formats.zones.names import Name
from workers.plan import Action, Limits, Plan, ordered
from workers.zone_plan.decide import TAKE_UP, DecidedZone, unit_of
from workers.zone_plan.keys import DecidedKeys

MOST_FILE = 64 << 20
"""Bytes of a zone's file that are read."""


@dataclass(frozen=True)
class ZonePlan(Plan):
    """Also: the files to write (None removes one), and the zones that were decided about."""

    files: Mapping[bytes, bytes | None] = field(default_factory=dict, repr=False)
    zones: tuple[DecidedZone, ...] = field(default=(), repr=False)

    @property
    def outside_ids(self) -> dict[str, str]:
        """What stands outside in the place of each unit that was left alone."""
        return {unit: found for each in self.zones for unit, found in each.outside_ids.items()}

    @property
    def to_serve(self) -> tuple[DecidedZone, ...]:
        """Zones whose serial has to be proved after this."""
        return tuple(each for each in self.zones if each.changes and each.serial is not None)

    @property
    def to_end(self) -> tuple[DecidedZone, ...]:
        """Zones for which nothing may answer after this."""
        return tuple(each for each in self.zones if each.is_leaving)


def zone_plan(zones: Sequence[DecidedZone], keys: Iterable[DecidedKeys]) -> ZonePlan:
    """Put the decisions about zones and key files together."""
    keys = tuple(keys)
    files: dict[bytes, bytes | None] = {file_of(each.origin): each.content for each in zones if each.content}
    files |= {file_of(each.origin): None for each in zones if each.is_leaving and each.leaves != "-"}
    files |= {each.file: each.content or None for each in keys if each.content is not None}
    return ZonePlan(
        ordered([*(c for each in zones for c in each.changes), *(c for each in keys for c in each.changes)]),
        (*(a for each in zones for a in each.apart), *(a for each in keys for a in each.apart)),
        units_observed=sum(len(each.sets) for each in zones),
        files=files,
        zones=tuple(zones),
    )


def file_of(origin: Name) -> bytes:
    """The file of a zone: its name in lower case without a last dot."""
    return str(origin.lower).removesuffix(".").encode("latin-1")


@dataclass(frozen=True)
class ZoneLimits(Limits):
    """Also asks before a zone loses all the name servers that it had."""

    def objections(self, plan: Plan) -> Sequence[str]:
        found = list(super().objections(_without_leaving(plan)))
        for zone in plan.zones if isinstance(plan, ZonePlan) else ():
            servers = unit_of((str(zone.origin.lower).removesuffix("."), "NS"))
            for change in zone.changes:
                if change.unit == servers and _loses_all(change.before, change.after):
                    found.append(f"{zone.origin.short} would lose all its name servers.")
            real = [each for each in zone.changes if not each.unit.endswith(TAKE_UP)]
            gone = sum(each.action is Action.DELETE for each in real)
            if gone > 1 and gone >= len(zone.sets):
                found.append(f"It would remove {gone} of the record sets of {zone.origin.short}.")
        return list(dict.fromkeys(found))


def _without_leaving(plan: Plan) -> Plan:
    """Whoever removed a zone typed its name: neither it nor its keys are asked about again."""
    ends = plan.to_end if isinstance(plan, ZonePlan) else ()
    meant = {change.unit for each in ends for change in each.changes}
    files = tuple(f"{key_file_name(each.origin)}: " for each in ends)
    left = [each for each in plan.changes if each.unit not in meant and not each.unit.startswith(files)]
    return replace(plan, changes=tuple(left)) if ends else plan


def _loses_all(before: str | None, after: str | None) -> bool:
    old = {line.split()[-1] for line in (before or "").splitlines() if line.split()}
    new = {line.split()[-1] for line in (after or "").splitlines() if line.split()}
    return bool(old) and not old & new
