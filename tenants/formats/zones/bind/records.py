"""One record of a BIND file: from words to owner, TTL and data, with what was changed on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import dns.exception
import dns.name

from tenants.formats.text import FormatError, printable
from tenants.formats.zones.bind.lines import Statement
from tenants.formats.zones.bind.rdata import data_from_rdata, name_from_dnspython, rdata_from_text
from tenants.formats.zones.data.digests import Generic
from tenants.formats.zones.data.services import SVCB
from tenants.formats.zones.data.simple import CAA, CNAME, MX, NS, PTR, SRV, TXT, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import DEFAULT_TTL, MAX_TTL
from tenants.formats.zones.zone import Soa

__all__ = ["BindReader", "BindRecord", "seconds_of"]

_TTL = re.compile(r"(?:[0-9]++[WDHMSwdhms]?+)++")
_UNIT = re.compile(r"([0-9]+)([WDHMSwdhms]?)")
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}


@dataclass(frozen=True)
class BindRecord:
    """A record that was understood; `notes` are sentences about what Rookery writes otherwise."""

    owner: Name
    ttl: int
    data: Data | Soa
    notes: tuple[str, ...] = ()


@dataclass
class BindReader:
    """Reads statements in order: the origin, TTL and owner of one hold for those after it."""

    origin: Name
    ttl: int | None = None
    last_ttl: int | None = None
    owner: Name | None = field(default=None)

    def read(self, statement: Statement) -> BindRecord | str:
        """Return the record, or what a directive does, as a sentence. Raises FormatError."""
        if statement.problem:
            raise FormatError("line", statement.problem, "Correct the line.")
        word = statement.words[0]
        if word.startswith("$") and not statement.indented:
            return self._directive(word.upper(), statement.words[1:])
        return self._record(statement)

    def _directive(self, name: str, words: tuple[str, ...]) -> str:
        if name == "$ORIGIN" and len(words) == 1:
            self.origin = self._name(words[0])
            return f"Names that follow end in {self.origin.short}."
        if name == "$TTL" and len(words) == 1:
            self.ttl = seconds_of(words[0])
            return f"Records that follow are kept for {self.ttl} seconds."
        if name == "$INCLUDE":
            raise FormatError("line", "Another file cannot be included.", "Paste its lines here.")
        if name == "$GENERATE":
            raise FormatError("line", "Lines cannot be generated.", "Write out each of them.")
        raise FormatError("line", f"{printable(name, 40)} is not understood like this.", "Remove the line.")

    def _record(self, statement: Statement) -> BindRecord:
        words = list(statement.words)
        notes: list[str] = []
        if not statement.indented:
            self.owner = None  # if this name is refused, the records that go on with it are too
            self.owner = self._name(words.pop(0))
        if self.owner is None:
            raise FormatError("owner", "The line has no name, nor has any before.", "Begin it with a name.")
        ttl = self._ttl(words, notes)
        if not words:
            raise FormatError("type", "The line has no type and no data.", "Complete it, or remove it.")
        record_type = words.pop(0).upper()
        data = data_from_rdata(rdata_from_text(record_type, " ".join(words), self.origin))
        data, changes = _adapted(data, self.owner, words, record_type)
        if self.owner.labels != self.owner.lower.labels:
            notes.append("The name is written in lower case.")
        return BindRecord(self.owner.lower, ttl, data, (*notes, *changes))

    def _ttl(self, words: list[str], notes: list[str]) -> int:
        """Take TTL and class, in either order, off the words, and return the record's TTL in seconds."""
        given: int | None = None
        for _ in range(2):
            if len(words) > 1 and words[0].upper() in {"IN", "CH", "CS", "HS", "NONE", "CLASS1"}:
                if words.pop(0).upper() not in {"IN", "CLASS1"}:
                    raise FormatError("class", "Only the class IN is served.", "Remove the line.")
            elif len(words) > 1 and given is None and _TTL.fullmatch(words[0]):
                word = words.pop(0)
                given = seconds_of(word)
                if not word.isdigit():
                    notes.append(f"The TTL {printable(word, 30)} is written as {given} seconds.")
        self.last_ttl = self.last_ttl if given is None else given
        for ttl in (given, self.ttl, self.last_ttl):
            if ttl is not None:
                return ttl
        notes.append(f"No TTL is given; {DEFAULT_TTL} seconds are used.")
        return DEFAULT_TTL

    def _name(self, text: str) -> Name:
        try:
            origin = dns.name.Name((*self.origin.labels, b""))
            return name_from_dnspython(dns.name.from_text(text, origin))
        except (dns.exception.DNSException, ValueError, UnicodeError) as error:
            problem = f"{printable(text, 80)} is not a name: {printable(str(error), 160)}"
            raise FormatError("owner", problem, "Correct the name.") from None


def seconds_of(text: str) -> int:
    """Return a TTL such as 3600, 1h or 1w2d in seconds. Raises FormatError."""
    if len(text) > 40 or not text.isascii() or not _TTL.fullmatch(text):
        raise FormatError("ttl", f"{printable(text, 40)} is not a TTL.", "Write seconds, or such as 1h30m.")
    seconds = sum(int(count) * _SECONDS[unit.lower()] for count, unit in _UNIT.findall(text))
    if seconds > MAX_TTL:
        problem = f"{printable(text, 40)} is more than {MAX_TTL} seconds."
        raise FormatError("ttl", problem, "Write a shorter TTL.")
    return seconds


def _adapted(
    data: Data | Soa, owner: Name, words: list[str], record_type: str
) -> tuple[Data | Soa, list[str]]:
    """Return the data as the primary can serve them, and what that changes."""
    notes: list[str] = []
    if isinstance(data, CNAME | MX | NS | PTR | SRV):
        data = replace(data, target=data.target.lower)
    if isinstance(data, SVCB) and not data.target.labels and data.priority:
        notes.append(f"The target “.” is written as {owner.short}, which means the same.")
        return replace(data, target=owner.lower), notes
    if isinstance(data, Generic) and not record_type.startswith("TYPE"):
        notes.append(f"The primary does not know {record_type}; it is written by number, as {data.type}.")
    if isinstance(data, TXT) and len(words) > 1:
        notes.append("The strings are joined into one; readers of TXT do the same.")
    if isinstance(data, TXT | CAA) and any("\\" in word for word in words):
        notes.append("Escapes are replaced by what they stand for.")
    if isinstance(data, CAA) and words[0] not in {"0", "128"}:
        notes.append("Only the flag 128 is kept.")
    if isinstance(data, Soa) and not all(word.isdigit() for word in words[2:]):
        notes.append("Its times are written in seconds.")
    return data, notes
