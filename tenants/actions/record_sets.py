"""Record sets: changed one or many in one transaction, after the whole zone was checked as it would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock_kept
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid, Problem
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.merge import written_by_unikernels
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import MAX_TTL
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.rules.sets import set_problems
from tenants.formats.zones.stored import owner_text, set_digest, stored_texts, typed_data, typed_owner
from tenants.models import Event, RecordSet, SyncTarget, Zone
from tenants.zone_contents import dialects_of, is_readable, origin_of, refusals_of

MOST_CHANGES = 1_000
MOST_RECORDS = 500
Key = tuple[str, str]


@dataclass(frozen=True)
class RecordChange:
    """One record set as somebody typed it. Without data, the set is removed.

    `owner` is a name within the zone (“www”, “@”) or in full; `ttl` in seconds, None for the zone's usual.
    `take_over` makes a set ours that others wrote.
    """

    owner: str
    type: str
    data: tuple[str, ...] = ()
    ttl: int | None = None
    take_over: bool = False


@transaction.atomic
def change_record_sets(*, actor: Actor, zone: Zone, changes: Sequence[RecordChange]) -> list[RecordSet]:
    """Set and remove record sets together: all of them or none.

    Refused is what the primary would reject or corrupt, with what to do instead; the zone is checked as a
    whole. Sets that others wrote are kept unless they are taken over; what the mail stack's unikernels write
    is theirs for good. Returns the rows; those of sets that were removed say `absent`.
    """
    access.require(actor, access.Verb.CHANGE, zone)
    if not changes or len(changes) > MOST_CHANGES:
        raise Invalid.of(
            "changes", f"These are {len(changes)} changes.", f"Send from one to {MOST_CHANGES} at once."
        )
    wanted = _read(zone, changes)
    lock_kept(zone)
    if zone.frozen:
        raise Conflict(f"{zone} is frozen. Unfreeze it first.")
    known = {(row.owner, row.type): row for row in zone.record_sets.all()}
    found = Checks()
    for index, (key, _) in enumerate(wanted):
        with found:
            _require_ours(zone, known.get(key), key, changes[index], _field(index, len(changes)))
    found.finish()
    target = SyncTarget.objects.get(pk=zone.target_id)
    outbox.mark([target])
    zone.target, zone.generation, zone.changed_at = target, target.generation, timezone.now()
    zone.save(update_fields=["generation", "changed_at"])
    rows = []
    for index, (key, records) in enumerate(wanted):
        row = known.get(key)
        before = _told(row)
        if records is not None and _says(row, records) and not changes[index].take_over:
            rows.append(row)
            continue
        rows.append(_write(zone, row, key, records, take_over=changes[index].take_over))
        _record(actor, zone, key, before, _told(rows[-1]), taken=changes[index].take_over)
    require_publishable(zone, {key: _field(index, len(wanted)) for index, (key, _) in enumerate(wanted)})
    return [row for row in rows if row is not None]


def set_record_set(
    *, actor: Actor, zone: Zone, owner: str, record_type: str, data: Sequence[str], ttl: int | None = None
) -> RecordSet:
    """Set one record set; see `change_record_sets`."""
    change = RecordChange(owner, record_type, tuple(data), ttl)
    if not data:
        raise Invalid.of(
            "records", "There is no record.", "Write one on each line, or remove the record set."
        )
    return change_record_sets(actor=actor, zone=zone, changes=[change])[0]


def delete_record_set(*, actor: Actor, zone: Zone, owner: str, record_type: str) -> RecordSet:
    """Remove one record set; see `change_record_sets`."""
    return change_record_sets(actor=actor, zone=zone, changes=[RecordChange(owner, record_type)])[0]


@transaction.atomic
def freeze_record_set(*, actor: Actor, zone: Zone, owner: str, record_type: str, frozen: bool) -> RecordSet:
    """Leave one of our sets as it is outside for now, or write it again."""
    access.require(actor, access.Verb.CHANGE, zone)
    (key, _), *_ = _read(zone, [RecordChange(owner, record_type)])
    lock_kept(zone)
    row = zone.record_sets.filter(owner=key[0], type=key[1], absent=False).first()
    if row is None or not row.is_ours:
        raise Invalid.of(
            "owner", f"{key[0]} {key[1]} is not written by Rookery.", "Choose a record set that is."
        )
    holder = RecordSet.Holder.FROZEN if frozen else RecordSet.Holder.MANAGED
    if row.holder == holder:
        return row
    target = SyncTarget.objects.get(pk=zone.target_id)
    outbox.mark([target])
    row.holder, row.generation, row.changed_at = holder, target.generation, timezone.now()
    row.save(update_fields=["holder", "generation", "changed_at"])
    record(
        actor,
        "freeze_record_set",
        f"{key[0]} {key[1]}",
        f"{key[0]} {key[1]} {'is left as it is outside' if frozen else 'is written again'}.",
        domain=zone.domain,
        target=target,
        before={"frozen": not frozen},
        after={"frozen": frozen},
    )
    return row


# reading what was typed ------------------------------------------------------------------------------


def _field(index: int, count: int) -> str:
    return "" if count == 1 else f"changes[{index}]."


def _read(zone: Zone, changes: Sequence[RecordChange]) -> list[tuple[Key, Records | None]]:
    """Each change as key and records. Raises Invalid with every problem, named by its place."""
    found: list[tuple[Key, Records | None]] = []
    problems: list[Problem] = []
    seen: set[Key] = set()
    for index, change in enumerate(changes):
        prefix = _field(index, len(changes))
        try:
            key, records = read_change(zone, change)
        except FormatError as error:
            problems.append(Problem(prefix + error.field, error.problem, error.fix))
            continue
        except Invalid as error:
            problems += [Problem(prefix + each.field, each.problem, each.fix) for each in error.problems]
            continue
        if key in seen:
            text = f"{key[0]} {key[1]} is changed twice."
            problems.append(Problem(f"{prefix}owner", text, "Put all its records into one change."))
        seen.add(key)
        found.append((key, records))
    if problems:
        raise Invalid(problems)
    return found


def read_change(zone: Zone, change: RecordChange) -> tuple[Key, Records | None]:
    """What was typed, as the key of a row and its records; None to remove it. Raises Invalid."""
    origin = origin_of(zone)
    owner, kind, checks = origin, change.type.strip().upper(), Checks()
    with checks:
        owner = typed_owner(change.owner, origin)
    with checks:
        if not kind or kind == "SOA" or not kind.isalnum() or len(kind) > 10:
            raise FormatError(
                "type",
                f"“{printable(kind, 40)}” is no type of a record here.",
                "Choose one, such as A, MX or TXT; an SOA is changed in the zone's settings.",
            )
    ttl = zone.minimum if change.ttl is None else change.ttl
    with checks:
        if not 0 <= ttl <= MAX_TTL:
            raise FormatError("ttl", f"{ttl} is no TTL.", "Give seconds: an hour is 3600, a day 86400.")
    if len(change.data) > MOST_RECORDS:
        checks.problems.append(Problem("records", f"These are {len(change.data)} records.", "Split them up."))
    data: list[Data] = []
    for text in change.data[:MOST_RECORDS]:
        try:
            data.append(typed_data(kind, text, origin))
        except FormatError as error:
            field = "records" if error.field == "data" else error.field
            checks.problems.append(Problem(field, error.problem, error.fix))
    checks.finish()
    records = Records(owner, ttl, data) if data else None
    if records is not None:
        # Before anything is written: a row cannot even hold what no file can say.
        for each in set_problems(records, origin, dialects_of(zone)):
            if each.blocks:
                field = "owner" if each.data is None else "records"
                checks.problems.append(Problem(field, each.problem, each.fix))
        checks.finish()
    return (owner_text(owner), records.type if records else kind), records


def _require_ours(zone: Zone, row: RecordSet | None, key: Key, change: RecordChange, prefix: str) -> None:
    """Raise Invalid for a set that is not ours to change, or that is not there."""
    shown = f"{key[0]} {key[1]}"
    if written_by_unikernels(Name.of(key[0]).labels, key[1]):
        raise Invalid.of(
            f"{prefix}owner",
            f"{shown} is written by a unikernel, which would write it again.",
            "Change the unikernel instead: its key's seed, or the host that asks for a certificate.",
        )
    if row is not None and row.holder == RecordSet.Holder.FROZEN:
        raise Invalid.of(f"{prefix}owner", f"{shown} is frozen.", "Unfreeze it first.")
    external = row is not None and row.holder == RecordSet.Holder.EXTERNAL
    if external and not change.take_over:
        raise Invalid.of(
            f"{prefix}owner",
            f"{shown} was written by somebody else and is kept.",
            "Take it over first; from then on Rookery writes it.",
        )
    if change.take_over and (not external or row is None):
        raise Invalid.of(f"{prefix}owner", f"{shown} is not somebody else's.", "Read the list again.")
    if change.take_over and row is not None and not change.data and not is_readable(row):
        raise Invalid.of(
            f"{prefix}owner", f"{shown} holds bytes that cannot be typed.", "Leave it to whoever wrote it."
        )
    if not change.data and not change.take_over and (row is None or row.absent):
        raise Invalid.of(f"{prefix}owner", f"There is no {shown}.", "Read the list again.")


def require_publishable(zone: Zone, fields: Mapping[Key, str]) -> None:
    """Check the whole zone as its rows say it. Raises Invalid with everything that blocks, by the change that
    it belongs to, if it does to one."""
    problems = []
    for each in refusals_of(zone):
        key = (owner_text(each.owner) if each.owner else "", each.type)
        field = f"{fields[key]}records" if key in fields else "zone"
        problems.append(Problem(field, each.problem, each.fix))
    if problems:
        raise Invalid(problems[:50])


# writing rows ----------------------------------------------------------------------------------------


def insert_record_set(zone: Zone, owner: Name, ttl: int, data: Sequence[Data]) -> RecordSet:
    """The row of a new set of ours, in the generation that the zone is marked with."""
    records = Records(owner, ttl, data)
    return _write(zone, None, (owner_text(owner), records.type), records)


def _write(
    zone: Zone, row: RecordSet | None, key: Key, records: Records | None, *, take_over: bool = False
) -> RecordSet:
    row = row or RecordSet(zone=zone, owner=key[0], type=key[1], ttl=zone.minimum)
    row.holder = RecordSet.Holder.MANAGED
    if records is not None:
        row.ttl, row.data, row.digest = records.ttl, stored_texts(records), set_digest(records)
    row.absent = records is None and not take_over
    row.generation, row.changed_at = zone.generation, zone.changed_at
    row.save()
    return row


def _says(row: RecordSet | None, records: Records) -> bool:
    return row is not None and row.is_ours and not row.absent and row.digest == set_digest(records)


def _told(row: RecordSet | None) -> dict[str, Any]:
    """How a set stands, for an event. One that others wrote is not ours yet, and counts as what it was."""
    if row is None or row.absent:
        return {"ttl": None, "data": []}
    return {"ttl": row.ttl, "data": list(row.data)}


def _record(
    actor: Actor, zone: Zone, key: Key, before: dict[str, Any], after: dict[str, Any], *, taken: bool
) -> None:
    shown = f"{key[0]} {key[1]}"
    verb, what = "set_record_set", "was set" if not before["data"] else "was changed"
    if taken:
        verb, what = "take_over_record_set", "was taken over: Rookery writes it from now on"
    elif not after["data"]:
        verb, what = "delete_record_set", "was removed"
    record(
        actor,
        verb,
        shown,
        f"{shown} {what}.",
        domain=zone.domain,
        target=zone.target,
        before=before,
        after=after,
    )


def _zone_of(event: Event) -> Zone | None:
    return Zone.objects.filter(domain=event.domain_id).select_related("domain", "target").first()


def _row_of(zone: Zone, event: Event) -> RecordSet | None:
    owner, _, kind = event.subject.rpartition(" ")
    return zone.record_sets.filter(owner=owner, type=kind).first()


def _present(zone: Zone, event: Event) -> dict[str, Any]:
    return _told(_row_of(zone, event))


def _restore(actor: Actor, zone: Zone, event: Event) -> object:
    owner, _, kind = event.subject.rpartition(" ")
    data = tuple(event.before["data"])
    change = RecordChange(f"{owner}.", kind, data, event.before["ttl"])
    return change_record_sets(actor=actor, zone=zone, changes=[change])


for _verb in ("set_record_set", "delete_record_set"):
    undoable(
        _verb,
        find=_zone_of,
        present=_present,
        restore=_restore,
        told=lambda zone, event: (
            f"{event.subject} {'becomes what it was' if event.before['data'] else 'is removed'}."
        ),
    )
undoable(
    "freeze_record_set",
    find=_zone_of,
    present=lambda zone, event: {
        "frozen": (row := _row_of(zone, event)) is not None and row.holder == RecordSet.Holder.FROZEN
    },
    restore=lambda actor, zone, event: freeze_record_set(
        actor=actor,
        zone=zone,
        owner=event.subject.rpartition(" ")[0] + ".",
        record_type=event.subject.rpartition(" ")[2],
        frozen=event.before["frozen"],
    ),
    told=lambda zone, event: f"{event.subject} is {'frozen' if event.before['frozen'] else 'written'} again.",
)
final("Remove the record set, or change it: it is Rookery's now.", "take_over_record_set")
