"""The plan of one zone: three-way per record set, then the whole file, checked as the primary will. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from tenants.desired_zones import DesiredZone, Key
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.merge import Holder, Why, merge, written_by_unikernels
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.serial import newer, next_serial
from tenants.formats.zones.stored import set_digest, stored_texts
from tenants.formats.zones.zone import Soa, Zone
from tenants.formats.zones.zone_file import emit
from workers.plan import Action, Apart, Change, Texts
from workers.zone_plan.outside import ObservedZone, Written, by_key, outside_sets

_REASONS = {
    Why.DRIFT: "{unit} was {what} outside.",
    Why.CONFLICT: "{unit} was {what} outside, and Rookery has something else for it.",
    Why.FROZEN: "{unit} is frozen, and stands otherwise outside.",
}
TAKE_UP = " (take up)"


@dataclass(frozen=True)
class DecidedZone:
    """What becomes of one zone. `content` is the new file, None where it stays; `serial` the one that has to
    be served in the end; `sets` are what is outside then, and `left` what was left as it was found."""

    pk: int
    origin: Name
    changes: tuple[Change, ...] = ()
    apart: tuple[Apart, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    before: bytes | None = field(default=None, repr=False)
    serial: int | None = None
    sets: Mapping[Key, RecordSet] = field(default_factory=dict, repr=False)
    left: frozenset[Key] = frozenset()
    identity: str = ""
    soa: str = ""
    outside_ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    leaves: str = ""

    @property
    def is_leaving(self) -> bool:
        """Is it to be gone outside? `leaves` is the blob of its file then, "-" where that is gone already."""
        return bool(self.leaves)


def drifted(zone: DecidedZone) -> dict[Key, RecordSet | None]:
    """Sets of ours that others alone changed, as they stand outside; None for those that are gone."""
    units = {each.unit for each in zone.apart if each.reason == Why.DRIFT.value}
    return {key: zone.sets.get(key) for key in zone.left if unit_of(key) in units}


def unit_of(key: Key) -> str:
    """What people call a record set, at most 200 characters."""
    shown = f"{key[0]} {key[1]}"
    if len(shown) <= 190:
        return shown
    return f"{shown[:150]}… {hashlib.sha256(shown.encode()).hexdigest()[:12]} {key[1]}"


def decide_zone(
    desired: DesiredZone,
    observed: ObservedZone,
    *,
    proved_soa: str = "",
    push_again: bool = False,
    may_overwrite: Callable[[str, str], bool],
) -> DecidedZone:
    """Decide for one zone. `may_overwrite` says of a unit and the digest of what is there whether ours
    replaces what others wrote. With `push_again` the primary was told in vain to read what is in git: it gets
    a new version, since it never reads a commit that is dated before the one that it has."""
    name = desired.origin.short
    if observed.problem and not may_overwrite(name, observed.blob):
        sentence = f"The file of {name} cannot be read, so the primary does not serve it: {observed.problem}"
        return DecidedZone(
            desired.pk,
            desired.origin,
            apart=(Apart(name, "conflict", sentence, None, None, None),),
            outside_ids={name: observed.blob},
        )
    outside = outside_sets(observed, desired.base)
    if desired.returning is not None and observed.file is None and observed.transferred is None:
        # Nothing of it is there any more: all of it is written as it was, what others had written too.
        desired = replace(desired, base={}, holders=dict.fromkeys(desired.holders, Holder.MANAGED))
        outside = dict(desired.returning or {})
    desired = with_ours(desired, observed.written, outside)
    sets, apart, left = merged_sets(desired, outside, may_overwrite)
    soa, soa_apart = _soa(desired, observed, proved_soa, may_overwrite)
    file = by_key(observed.file)
    found = DecidedZone(
        desired.pk,
        desired.origin,
        apart=(*apart, *soa_apart),
        sets=sets,
        left=left,
        soa=describe_soa(soa),
        outside_ids=identify(apart, outside, soa_apart),
    )
    if desired.frozen:
        return replace(found, sets=outside, serial=observed.served)
    changes = [*changes_between(file, sets), *_soa_change(name, observed.file, soa)]
    behind = (
        observed.file and observed.served is not None and newer(observed.served, observed.file.soa.serial)
    )
    unread = push_again and observed.file is not None and observed.served != observed.file.soa.serial
    if not changes and not behind and not unread:
        return _taken_up(found, observed)
    return _written(found, desired, observed, Zone(desired.origin, soa, sets.values()), changes)


def with_ours(desired: DesiredZone, written: Written, outside: Mapping[Key, RecordSet]) -> DesiredZone:
    """What we wrote without seeing the proof and what stands like that is nobody else's change: it is what
    the next change goes from, and goes where it is not wanted any more."""
    stands = {key: digest for key, digest in written.sets.items() if set_digest(outside.get(key)) == digest}
    if not stands:
        return desired
    forgotten = {key: Holder.MANAGED for key in stands if key not in desired.holders}
    base = {key: digest for key, digest in {**desired.base, **stands}.items() if digest}
    return replace(desired, base=base, holders={**forgotten, **desired.holders})


def merged_sets(
    desired: DesiredZone, outside: Mapping[Key, RecordSet], may_overwrite: Callable[[str, str], bool]
) -> tuple[dict[Key, RecordSet], tuple[Apart, ...], frozenset[Key]]:
    now = {key: set_digest(item) for key, item in outside.items()}
    ours = {key: set_digest(item) for key, item in desired.sets.items()}
    base = {key: digest for key, digest in desired.base.items() if key in desired.holders}

    def holder(key: Key) -> Holder:
        if written_by_unikernels(Name.of(key[0]).labels, key[1]):
            return Holder.EXTERNAL
        return Holder.FROZEN if desired.frozen else desired.holders.get(key, Holder.EXTERNAL)

    merged = merge(
        base,
        ours,
        now,
        holder=holder,
        may_overwrite=lambda key: may_overwrite(unit_of(key), now.get(key, "")),
    )
    sets = {
        key: desired.sets[key] if ours.get(key) == digest else outside[key]
        for key, digest in merged.sets.items()
    }
    apart = tuple(
        Apart(
            unit_of(each.key),
            each.why.value,
            _REASONS[each.why].format(unit=unit_of(each.key), what=_what(each.base, each.outside)),
            shown(outside.get(each.key)),
            shown(desired.sets.get(each.key)),
            each.base,
        )
        for each in merged.apart
    )
    return sets, apart, frozenset(each.key for each in merged.apart)


def identify(
    apart: tuple[Apart, ...], outside: Mapping[Key, RecordSet], soa: tuple[Apart, ...]
) -> dict[str, str]:
    """What a decision about each unit that was left apart is bound to."""
    units = {each.unit for each in apart}
    known = {unit_of(key): set_digest(item) for key, item in outside.items() if unit_of(key) in units}
    return {**known, **{each.unit: each.outside or "" for each in soa}}


def _what(base: str | None, outside: str | None) -> str:
    return "removed" if outside is None else "changed" if base else "added"


def describe_soa(soa: Soa) -> str:
    """How a zone is kept, without its serial."""
    times = (soa.refresh, soa.retry, soa.expire, soa.minimum)
    return " ".join((str(soa.primary.lower), str(soa.mailbox.lower), *map(str, times)))


def _soa(
    desired: DesiredZone,
    observed: ObservedZone,
    proved: str,
    may_overwrite: Callable[[str, str], bool],
) -> tuple[Soa, tuple[Apart, ...]]:
    """Ours, unless somebody else changed it since it was proved and may."""
    if observed.file is None:
        return desired.soa, ()
    there, ours = describe_soa(observed.file.soa), describe_soa(desired.soa)
    unit = f"{desired.origin.short} SOA"
    if not proved or there in {ours, proved, observed.written.soa} or may_overwrite(unit, there):
        return desired.soa, ()
    reason = "drift" if ours == proved else "conflict"
    apart = Apart(unit, reason, f"{unit} was changed outside.", there, ours, proved)
    return observed.file.soa, (apart,)


def _soa_change(name: str, file: Zone | None, soa: Soa) -> list[Change]:
    before, after = describe_soa(file.soa) if file else "", describe_soa(soa)
    if before == after:
        return []
    action = Action.UPDATE if file else Action.CREATE
    return [Change(action, f"{name} SOA", before, after, texts=partial(pair, before or None, after))]


def pair(before: str | None, after: str | None) -> Texts:
    return before, after


def changes_between(before: Mapping[Key, RecordSet], after: Mapping[Key, RecordSet]) -> list[Change]:
    found = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        old_id, new_id = set_digest(old), set_digest(new)
        if old_id == new_id:
            continue
        action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
        found.append(Change(action, unit_of(key), old_id, new_id, texts=partial(_texts, old, new)))
    return found


def _texts(old: RecordSet | None, new: RecordSet | None) -> Texts:
    return shown(old), shown(new)


def shown(item: RecordSet | None) -> str | None:
    """A record set as people read it, a line for each record."""
    if item is None:
        return None
    return "\n".join(f"{item.owner.short}. {item.ttl} IN {item.type} {text}" for text in stored_texts(item))


def _taken_up(found: DecidedZone, observed: ObservedZone) -> DecidedZone:
    """The file is as it should be; the primary may not have read it yet."""
    if observed.file is None:
        return found
    serial = observed.file.soa.serial
    if observed.served == serial:
        return replace(found, serial=serial)
    before = "not served" if observed.served is None else f"serial {observed.served} is served"
    name = found.origin.short
    change = Change(
        Action.UPDATE,
        name + TAKE_UP,
        str(observed.served),
        str(serial),
        texts=partial(pair, before, f"serial {serial} is served"),
    )
    return replace(found, changes=(change,), serial=serial)


def _written(
    found: DecidedZone, desired: DesiredZone, observed: ObservedZone, zone: Zone, changes: list[Change]
) -> DecidedZone:
    name = desired.origin.short
    seen = [desired.known_serial, observed.served, observed.file.soa.serial if observed.file else None]
    try:
        serial = next_serial(*(each for each in seen if each is not None))
    except FormatError as error:
        return left_unsafe(found, str(error))
    zone = zone.with_soa(zone.soa.with_serial(serial))
    problems = blocking(check_zone(zone, desired.dialects))
    if problems:
        return left_unsafe(found, " ".join(str(each) for each in problems[:3]))
    identity = hashlib.sha256(emit(zone.with_soa(zone.soa.with_serial(0)))).hexdigest()
    if identity == desired.dropped:
        sentence = "The primary took the zone off the air when it had exactly this. Change it."
        return left_unsafe(found, sentence)
    if not changes:
        texts = partial(pair, f"serial {observed.served} is served", f"serial {serial} is served")
        changes = [Change(Action.UPDATE, name + TAKE_UP, str(observed.served), str(serial), texts=texts)]
    return replace(
        found,
        changes=tuple(changes),
        content=emit(zone),
        before=emit(observed.file) if observed.file else None,
        serial=serial,
        identity=identity,
    )


def left_unsafe(found: DecidedZone, reason: str) -> DecidedZone:
    name = found.origin.short
    sentence = f"{name} is not written: {printable(reason, 400)}"
    apart = (*found.apart, Apart(name, "unsafe", sentence, None, None, None))
    return DecidedZone(found.pk, found.origin, apart=apart, soa=found.soa, outside_ids=found.outside_ids)
