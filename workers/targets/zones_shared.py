"""What the kinds of targets that hold zones share: names of runs, taking over, and the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.actions.zone_proofs import ProvedZone, adopt_record_sets, record_removed, record_zones
from tenants.actor import Actor
from tenants.desired_zones import DesiredZone, ZoneName, desired_zones
from tenants.models import SyncTarget
from workers.plan import Plan
from workers.targets.base import Pass
from workers.zone_plan.decide import DecidedZone, drifted
from workers.zone_plan.plan import ZonePlan, file_of

_MOST_SERIALS, _MOST_TOLD = 20, 5


@dataclass(frozen=True)
class Published:
    """The zones of a target: all that are `published`, what is `desired` of those that may differ from what
    was proved, and the names of all others (`steady`)."""

    published: Sequence[ZoneName]
    desired: dict[int, DesiredZone] = field(repr=False)
    steady: frozenset[str]


def only_looks(target: SyncTarget, observed: Published, files: Iterable[bytes]) -> bool:
    """Zones of others are there, and none that Rookery keeps: not even its own key is put beside them."""
    ours = observed.published or target.proof.get("zones")
    if ours or target.drift_mode != SyncTarget.DriftMode.REPORT:
        return False
    return any(not name.endswith(b"_keys") and b"." in name.strip(b".") for name in files)


def run_title(where: str, plan: Plan | None) -> str:
    """One sentence that names a run about zones at `where`."""
    if plan is None:
        return f"Bring {where} into agreement"
    names = [each.origin.short for each in plan.zones if each.changes] if isinstance(plan, ZonePlan) else []
    whose = names[0] if len(names) == 1 else f"{len(names)} zones" if names else "keys"
    count = len(plan.changes)
    if not count:
        return f"Compare {where}"
    return f"Write {count} change{'s' if count != 1 else ''} of {whose} to {where}"


def adopt_drift(current: Pass, observed: Published, plan: Callable[[], ZonePlan]) -> str:
    """Where that is the mode: what others made of our record sets becomes ours."""
    if current.target.drift_mode != SyncTarget.DriftMode.ADOPT:
        return ""
    wanted = {each.pk: found for each in plan().zones if (found := drifted(each))}
    if not wanted:
        return ""
    with current.write():
        count = adopt_record_sets(actor=Actor.rookery(), target=current.target, zones=wanted)
    observed.desired.update(desired_zones(current.target, list(wanted)))
    return f"Took over {count} record set{'s' if count != 1 else ''} from outside."


def record_proved(
    current: Pass,
    observed: Published,
    zones: Sequence[DecidedZone],
    prove: Callable[[DecidedZone], ProvedZone],
) -> None:
    """Write what was proved of each zone; inside `current.write()`."""
    proved = {each.pk: prove(each) for each in zones if each.serial is not None}
    ended = [each.pk for each in zones if each.is_leaving]
    steady = [each.pk for each in observed.published if each.origin.short in observed.steady]
    record_zones(actor=Actor.rookery(), target=current.target, zones=proved, seen_again=steady)
    record_removed(actor=Actor.rookery(), target=current.target, zone_ids=ended)


def kept_proofs(target: SyncTarget, observed: Published) -> dict[str, Any]:
    """What stays proved of the zones that were not looked at closely."""
    known = target.proof.get("zones", {})
    return {name: known[name] for name in observed.steady if name in known}


def told_serials(zones: Sequence[DecidedZone], how: str) -> tuple[dict[str, str], str]:
    """The serials as evidence, and in a sentence."""
    serials = {each.origin.short: str(each.serial) for each in zones if each.serial is not None}
    evidence = {f"Serial of {name}"[:40]: serial for name, serial in list(serials.items())[:_MOST_SERIALS]}
    ended = [each.origin.short for each in zones if each.is_leaving]
    if ended:
        evidence["Not served any more"] = ", ".join(ended)[:300]
    told = ", ".join(f"{name} {serial}" for name, serial in list(serials.items())[:_MOST_TOLD])
    told = ", ".join([*([told] if told else []), *(f"{name} gone" for name in ended[:_MOST_TOLD])])
    return evidence, f"{how}: {told}." if told else f"{how}."


def is_steady(
    each: ZoneName, files: Mapping[bytes, str], served: int | None, proved: Mapping[str, Any]
) -> bool:
    """Is everything outside as it was proved?"""
    known = proved.get(each.origin.short)
    if known is None:
        return False
    return bool(known["blob"] == files.get(file_of(each.origin), "") and known["serial"] == served)


def named(plan: ZonePlan) -> list[str]:
    """The zones of a commit, for its title."""
    names = [each.origin.short for each in plan.zones if each.content or each.is_leaving]
    return [*names[:3], f"{len(names) - 3} more"] if len(names) > 4 else names
