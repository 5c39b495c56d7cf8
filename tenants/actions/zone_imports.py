"""A zone from elsewhere, as text: what each of its lines would do here, and doing exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from tenants import access
from tenants.actions.record_sets import MOST_CHANGES, RecordChange, change_record_sets
from tenants.actor import Actor
from tenants.errors import Invalid, Problem
from tenants.formats.text import FormatError
from tenants.formats.zones.bind.importing import ImportedLine, Outcome, Present, import_bind
from tenants.formats.zones.merge import written_by_unikernels
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import Key
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.stored import owner_text, set_digest, stored_texts
from tenants.models import RecordSet, Zone
from tenants.zone_contents import content_of, dialects_of, origin_of, soa_of

_MOST_PROBLEMS = 50
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class ZoneText:
    """What a text would do: its lines, one by one, and the changes of record sets that they come to.

    `obstacles` are what keeps the zone from being served then, and no line is to blame for.
    """

    lines: tuple[ImportedLine, ...]
    changes: tuple[RecordChange, ...]
    obstacles: tuple[Problem, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(line.outcome is outcome for line in self.lines)

    def refused(self) -> list[Problem]:
        """Each refused line as a problem of the field `text`."""
        found = (line for line in self.lines if line.outcome is Outcome.REFUSED)
        return [Problem("text", f"Line {line.first}: {' '.join(line.reasons)}", _FIX) for line in found]


_FIX = "Mend the line, or leave out what is refused."


def read_zone_text(*, actor: Actor, zone: Zone, text: str, remove_others: bool = False) -> ZoneText:
    """Say what importing a BIND zone would do to this one; nothing is written.

    The zone keeps its SOA, its name servers and their addresses, and what others write. With `remove_others`,
    Rookery's other record sets go. Raises Invalid for a text that is too long or says nothing.
    """
    access.require(actor, access.Verb.CHANGE, zone)
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise Invalid.of("text", "There is no zone.", "Paste its lines, or choose a file.")
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise Invalid.of("text", f"Line {line} has a character that cannot be seen.", "Remove it.")
    rows = {(row.owner, row.type): row for row in zone.record_sets.filter(absent=False)}
    present = Present(content_of(zone, rows.values()).sets, holding(zone, rows), whole=remove_others)
    try:
        read = import_bind(text, origin_of(zone), soa_of(zone), dialects_of(zone), present)
    except FormatError as error:
        raise Invalid.of(error.field, error.problem, error.fix) from error
    changes, wanted = [], set()
    for item in read.zone.sets:
        key = (owner_text(item.owner), item.type)
        wanted.add(key)
        if key not in rows or rows[key].digest != set_digest(item):
            changes.append(RecordChange(f"{key[0]}.", key[1], tuple(stored_texts(item)), item.ttl))
    gone = [key for key, row in rows.items() if remove_others and row.is_ours and key not in wanted]
    changes += [RecordChange(f"{owner}.", kind) for owner, kind in gone]
    obstacles = [Problem("zone", each.problem, each.fix) for each in blocking(read.problems)]
    return ZoneText(read.lines, tuple(changes), tuple(obstacles))


def require_importable(read: ZoneText, *, leave_out_refused: bool) -> None:
    """Raise Invalid for what stands in the way of doing it."""
    problems = [] if leave_out_refused else read.refused()
    problems += read.obstacles
    if len(read.changes) > MOST_CHANGES:
        text = f"It changes {len(read.changes)} record sets; {MOST_CHANGES} are possible at once."
        problems.append(Problem("text", text, "Import it in parts."))
    if problems:
        raise Invalid(problems[:_MOST_PROBLEMS])


@transaction.atomic
def import_zone(
    *, actor: Actor, zone: Zone, text: str, remove_others: bool = False, leave_out_refused: bool = False
) -> tuple[ZoneText, list[RecordSet]]:
    """Import a BIND zone: all that `read_zone_text` says, or nothing.

    Where lines are refused, nothing is done unless they are to be left out. Returns what was read, and the
    rows that changed.
    """
    read = read_zone_text(actor=actor, zone=zone, text=text, remove_others=remove_others)
    require_importable(read, leave_out_refused=leave_out_refused)
    if not read.changes:
        return read, []
    return read, change_record_sets(actor=actor, zone=zone, changes=read.changes)


def holding(zone: Zone, rows: dict[tuple[str, str], RecordSet]) -> Callable[[Key], str]:
    """Why a record set stays as it is, whatever is imported."""
    servers = rows.get((zone.name, "NS"))
    hosts = {target.removesuffix(".") for target in servers.data} if servers is not None else set()

    def held(key: tuple[Name, str]) -> str:
        owner, kind = owner_text(key[0]), key[1]
        row = rows.get((owner, kind))
        if written_by_unikernels(key[0].labels, kind):
            return "A unikernel writes this itself, and would write it again."
        if row is not None and row.holder == RecordSet.Holder.FROZEN:
            return "This record set is frozen. Unfreeze it first."
        if row is not None and not row.is_ours:
            return "Somebody else wrote this, and it is kept. Take it over first, in the list of records."
        if (owner, kind) == (zone.name, "NS"):
            return "The zone keeps its own name servers. Change them under Name servers."
        if kind in {"A", "AAAA"} and owner in hosts:
            return "The addresses of the zone's name servers stay. Change this record by itself."
        return ""

    return held
