"""The plan of a zone that a conventional server holds: record sets to replace, in messages that fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from tenants.desired_zones import DesiredZone, Key
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.stored import owner_text, set_digest
from tenants.formats.zones.zone import Zone
from tenants.zone_contents import refusals_about
from workers import zone
from workers.plan import Apart, ordered
from workers.zone_plan.decide import (
    DecidedZone,
    changes_between,
    describe_soa,
    identify,
    left_unsafe,
    merged_sets,
    unit_of,
    with_ours,
)
from workers.zone_plan.outside import Written
from workers.zone_plan.plan import ZonePlan

Message = tuple[zone.Change, ...]
_ADDRESSES = {"A", "AAAA"}


@dataclass(frozen=True)
class SeenZone:
    """A zone as its server gave it; without `transferred`, `problem` says in sentences why it did not."""

    origin: Name
    transferred: zone.Transferred | None = field(default=None, repr=False)
    problem: str = ""

    @property
    def sets(self) -> dict[Key, RecordSet]:
        """Its record sets by owner and type as rows name them."""
        known = self.transferred.sets if self.transferred else {}
        return {(owner_text(owner), kind): item for (owner, kind), item in known.items()}


@dataclass(frozen=True)
class UpdatePlan(ZonePlan):
    """Also: what is sent for each zone, by its id; each message is made as a whole or not at all."""

    messages: Mapping[int, tuple[Message, ...]] = field(default_factory=dict, repr=False)


def update_plan(decided: Iterable[tuple[DecidedZone, tuple[Message, ...]]]) -> UpdatePlan:
    """Put the decisions about zones together."""
    decided = tuple(decided)
    zones = tuple(each for each, _ in decided)
    return UpdatePlan(
        ordered([change for each in zones for change in each.changes]),
        tuple(apart for each in zones for apart in each.apart),
        units_observed=sum(len(each.sets) for each in zones),
        zones=zones,
        messages={each.pk: messages for each, messages in decided if messages},
    )


def decide_updates(
    desired: DesiredZone,
    seen: SeenZone,
    *,
    may_overwrite: Callable[[str, str], bool],
    sent: Mapping[str, Collection[str]] | None = None,
) -> tuple[DecidedZone, tuple[Message, ...]]:
    """Decide for one zone, and make the messages. The SOA is the server's own and never sent.

    `sent` has digests of what was sent for each unit since the last proof: what stands like that is ours,
    whose answer was lost.
    """
    if seen.transferred is None:
        apart = Apart(desired.origin.short, "unsafe", seen.problem, None, None, None)
        return DecidedZone(desired.pk, desired.origin, apart=(apart,)), ()
    outside, soa = seen.sets, seen.transferred.soa
    keys = {*outside, *desired.base, *desired.sets} if sent else set()
    stands = {key: set_digest(outside.get(key)) for key in keys}
    ours = {key: digest for key, digest in stands.items() if digest in (sent or {}).get(unit_of(key), ())}
    desired = with_ours(desired, Written(ours), outside)
    sets, left_apart, left = merged_sets(desired, outside, may_overwrite)
    found = DecidedZone(
        desired.pk,
        desired.origin,
        apart=left_apart,
        sets=sets,
        left=left,
        serial=soa.serial,
        soa=describe_soa(soa),
        outside_ids=identify(left_apart, outside, ()),
    )
    if desired.frozen:
        return replace(found, sets=outside), ()
    changes = changes_between(outside, sets)
    changed = [
        key for key in {**outside, **sets} if set_digest(outside.get(key)) != set_digest(sets.get(key))
    ]
    problems = refusals_about(Zone(desired.origin, soa, sets.values()), changed)
    if problems:
        return left_unsafe(found, " ".join(str(each) for each in problems[:3])), ()
    try:
        messages = _messages(desired.origin, [_sent(seen.transferred, outside, sets, key) for key in changed])
    except zone.NotSendable as error:
        return left_unsafe(found, f"{error.sentence} {error.hint}"), ()
    return replace(found, changes=tuple(changes)), messages


def marks_of(plan: UpdatePlan) -> dict[str, str]:
    """Digests by unit of all that the plan sends; "" for what it removes."""
    changes = (change for each in plan.messages.values() for message in each for change in message)
    return {unit_of((owner_text(each.owner), each.type)): set_digest(each.after) for each in changes}


def _sent(
    transferred: zone.Transferred, outside: Mapping[Key, RecordSet], sets: Mapping[Key, RecordSet], key: Key
) -> zone.Change:
    owner = (outside.get(key) or sets[key]).owner
    return zone.Change(owner, key[1], transferred.seen(owner, key[1]), sets.get(key))


def _messages(origin: Name, changes: Sequence[zone.Change]) -> tuple[Message, ...]:
    messages = tuple(zone.batches(in_order(changes)))
    for each in messages:
        zone.require_sendable(origin, each)
    return messages


def in_order(changes: Iterable[zone.Change]) -> list[zone.Change]:
    """Names that get addresses first, those that lose them last: after each message the zone is whole."""
    by_name = sorted(changes, key=lambda change: (change.owner.key, change.type))
    units = [list(found) for _, found in groupby(by_name, key=lambda change: change.owner)]
    return [change for unit in sorted(units, key=_turn) for change in unit]


def _turn(unit: Sequence[zone.Change]) -> int:
    addresses = [change for change in unit if change.type in _ADDRESSES]
    if any(change.after for change in addresses):
        return 0
    return 2 if addresses else 1


def not_taken(wanted: DecidedZone, sets: Mapping[Key, RecordSet]) -> tuple[list[str], list[str]]:
    """Of a zone that was written: the sets that are not as they were sent, and apart from those the ones of
    which only the TTL is another: some servers never change it by itself."""
    sent = {each.unit for each in wanted.changes}
    other: list[str] = []
    kept_ttl: list[str] = []
    for key in {**wanted.sets, **sets}:
        ours, there = wanted.sets.get(key), sets.get(key)
        if unit_of(key) not in sent or set_digest(ours) == set_digest(there):
            continue
        same_data = ours is not None and there is not None and set(ours.data) == set(there.data)
        (kept_ttl if same_data else other).append(unit_of(key))
    return sorted(other), sorted(kept_ttl)
