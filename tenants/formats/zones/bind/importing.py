"""A zone pasted from elsewhere: line by line what is accepted, changed or refused, and the zone it makes.

Refused records are left out, and so is what would break without them, until the rest is a zone that the
primary serves. Nothing is applied here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from tenants.formats.text import FormatError, printable
from tenants.formats.zones.bind.lines import Statement, statements
from tenants.formats.zones.bind.records import BindReader, BindRecord
from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW, Dialect
from tenants.formats.zones.record_set import Key, RecordSet
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import Problem, blocking
from tenants.formats.zones.zone import Soa, Zone

__all__ = ["MAX_CHARACTERS", "BindImport", "ImportedLine", "Outcome", "Present", "import_bind"]

MAX_CHARACTERS = 4_000_000
_MAX_STATEMENTS = 50_000
_MAX_ROUNDS = 12


class Outcome(Enum):
    """What becomes of a line. Empty lines and comments are not reported."""

    ACCEPTED = "accepted"
    CHANGED = "changed"
    REFUSED = "refused"
    DIRECTIVE = "directive"


@dataclass(frozen=True)
class ImportedLine:
    """Lines `first` to `last` (from 1) of the pasted text; `text` is their beginning on one line.

    `reasons` are sentences: what was changed, or why not; `key` names the record set it went into.
    """

    first: int
    last: int
    text: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    key: Key | None = None


@dataclass(frozen=True)
class BindImport:
    """The report. `zone` is what may be applied; `problems` stand between it and the primary: advice, or, if
    they block, things that no leaving out of lines could mend (mostly a missing name server)."""

    lines: tuple[ImportedLine, ...]
    zone: Zone
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Present:
    """The zone that a text is imported into: its sets, and why one must stay as it is ("" if it need not).

    Sets that the text does not mention stay, too, unless the text is the `whole` zone.
    """

    sets: tuple[RecordSet, ...] = ()
    held: Callable[[Key], str] = lambda _: ""
    whole: bool = False


def import_bind(
    text: str,
    origin: Name,
    soa: Soa | None = None,
    dialects: tuple[Dialect, ...] = (NEW,),
    present: Present | None = None,
) -> BindImport:
    """Read a BIND zone file for `origin`, as pasted or decoded from an upload.

    With `soa`, that one is used and the file's is ignored; without, the file must have one. With `present`,
    the zone is what that becomes. Raises FormatError for text that is too long and for a missing SOA; never
    for a bad line.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormatError("text", f"This is longer than {MAX_CHARACTERS} characters.", "Import it in parts.")
    work = _Import(origin, soa, present or Present())
    for count, statement in enumerate(statements(text.removeprefix("\ufeff"))):
        if count >= _MAX_STATEMENTS:
            raise FormatError(
                "text", f"There are more than {_MAX_STATEMENTS} lines.", "Import them in parts."
            )
        work.add(statement)
    if work.soa is None:
        raise FormatError(
            "text", f"There is no SOA record for {origin.short}.", "Paste the whole zone, with its SOA."
        )
    return work.finish(work.soa, dialects)


class _Import:
    """Lines so far, and the record each of them gave."""

    def __init__(self, origin: Name, soa: Soa | None, present: Present) -> None:
        self.origin = origin
        self.soa = soa
        self._given = soa is not None
        self._reader = BindReader(origin)
        self._lines: list[ImportedLine] = []
        self._records: dict[int, tuple[BindRecord, Data]] = {}
        self._ttls: dict[Key, int] = {}
        self._present = {(item.owner, item.type): item for item in present.sets}
        self._held, self._whole = present.held, present.whole
        self._mentioned: set[Key] = set()
        self._unread: set[Name | None] = set()

    def add(self, statement: Statement) -> None:
        line = ImportedLine(statement.first, statement.last, _shown(statement), Outcome.ACCEPTED)
        try:
            found = self._reader.read(statement)
        except FormatError as error:
            line = replace(line, outcome=Outcome.REFUSED, reasons=(str(error),))
            self._unread.add(self._reader.owner)  # nobody knows which of its sets was meant
        else:
            if isinstance(found, str):
                line = replace(line, outcome=Outcome.DIRECTIVE, reasons=(found,))
            elif isinstance(found.data, Soa):
                line = self._add_soa(line, found, found.data)
            else:
                line = self._add_record(line, found, found.data)
        self._lines.append(line)

    def finish(self, soa: Soa, dialects: tuple[Dialect, ...]) -> BindImport:
        """Leave out sets that block the zone until none does, or nothing more can be left out."""
        zone = Zone(self.origin, soa, self._sets())
        problems = check_zone(zone, dialects)
        for _ in range(_MAX_ROUNDS):
            if not self._refuse(blocking(problems)):
                break
            zone = Zone(self.origin, soa, self._sets())
            problems = check_zone(zone, dialects)
        return BindImport(tuple(self._lines), zone, problems)

    def _add_soa(self, line: ImportedLine, record: BindRecord, soa: Soa) -> ImportedLine:
        key = (record.owner, "SOA")
        if record.owner != self.origin:
            reason = "A zone has one SOA, at its own name. Import the other zone by itself."
            return replace(line, outcome=Outcome.REFUSED, reasons=(reason,), key=key)
        if self._given:
            reason = "Rookery keeps the zone's own SOA."
            return replace(line, outcome=Outcome.CHANGED, reasons=(reason,), key=key)
        if self.soa is not None:
            reason = "The zone has an SOA already, above. Remove one of them."
            return replace(line, outcome=Outcome.REFUSED, reasons=(reason,), key=key)
        self.soa = replace(soa, primary=soa.primary.lower, mailbox=soa.mailbox.lower)
        outcome = Outcome.CHANGED if record.notes else Outcome.ACCEPTED
        return replace(line, outcome=outcome, reasons=record.notes, key=key)

    def _add_record(self, line: ImportedLine, record: BindRecord, data: Data) -> ImportedLine:
        key = (record.owner, data.type)
        self._mentioned.add(key)
        stays = self._held(key)
        if stays and key in self._present and data in self._present[key].data:
            return replace(line, reasons=("It is there already.",), key=key)
        if stays:
            return replace(line, outcome=Outcome.REFUSED, reasons=(stays,), key=key)
        notes = list(record.notes)
        ttl = self._ttls.setdefault(key, record.ttl)
        if ttl != record.ttl:
            notes.append(f"All {data.type} records of a name share one TTL: {ttl} seconds, as in the first.")
        self._records[len(self._lines)] = record, data
        outcome = Outcome.CHANGED if notes else Outcome.ACCEPTED
        return replace(line, outcome=outcome, reasons=tuple(notes), key=key)

    def _sets(self) -> Iterable[RecordSet]:
        grouped: dict[Key, list[Data]] = {}
        for record, data in self._records.values():
            grouped.setdefault((record.owner, data.type), []).append(data)
        new = {key: RecordSet(key[0], self._ttls[key], items) for key, items in grouped.items()}
        return ({key: item for key, item in self._present.items() if self._stays(key)} | new).values()

    def _stays(self, key: Key) -> bool:
        mentioned = key in self._mentioned or key[0] in self._unread
        return not self._whole or mentioned or bool(self._held(key))

    def _refuse(self, problems: tuple[Problem, ...]) -> bool:
        """Turn the lines of these records and sets into refused ones; say whether there were any."""
        reasons: dict[tuple[Name | None, str, Data | None], list[str]] = {}
        for problem in problems:
            reasons.setdefault((problem.owner, problem.type, problem.data), []).append(str(problem))
        gone = False
        for index, (record, data) in list(self._records.items()):
            keys = [(record.owner, data.type, which) for which in (None, data)]
            found = [reason for key in keys for reason in reasons.get(key, ())]
            if found:
                reason = tuple(dict.fromkeys(found))
                self._lines[index] = replace(self._lines[index], outcome=Outcome.REFUSED, reasons=reason)
                del self._records[index]
                gone = True
        return gone


def _shown(statement: Statement) -> str:
    return printable(" ".join(statement.words)[:400], 200)
