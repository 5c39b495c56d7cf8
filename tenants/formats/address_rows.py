"""Rows of a table as wishes about addresses of one domain: which columns there are and what a cell means.

Only the form of cells is judged here (a yes is a yes, a list is a list). What an address, a target or a note
may be is decided where single addresses are made, by the same code.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.formats.addresses import MAX_ADDRESS, MAX_TARGETS, split_address
from tenants.formats.passphrase import shell_line
from tenants.formats.tables import Row, Table, read_table
from tenants.formats.text import FormatError, is_whole, printable

LONGEST_CELL = 10_000
_SEPARATORS = re.compile(r"[\s,;]+")
_YES = frozenset({"yes", "true", "on", "1", "y", "enabled", "active"})
_NO = frozenset({"no", "false", "off", "0", "n", "disabled", "inactive"})
_PLAIN = frozenset(
    {"password", "passphrase", "passwd", "pass", "pwd", "pw", "secret", "plaintext", "kennwort", "passwort"}
)


@dataclass(frozen=True)
class Column:
    """One thing that a row can say; `also` are other headers for it, in lower case."""

    name: str
    meaning: str
    read: Callable[[Any], Any] = field(repr=False)
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What one row asks for. `None` leaves that as it is, and means nothing for a new address.

    `values` are by the name of their column; `problems` say why the row cannot be read, `remarks` what is
    worth knowing about one that can.
    """

    place: int
    shown: str
    local_part: str
    values: Mapping[str, Any] = field(repr=False)
    problems: tuple[FormatError, ...] = ()
    remarks: tuple[str, ...] = ()

    def value(self, name: str) -> Any:
        return self.values.get(name)


def read_wishes(content: bytes, *, domain: str) -> tuple[Table, list[Wish]]:
    """The rows of a file as wishes about addresses of `domain`, in order.

    Raises FormatError for a file that is no table of addresses. An address that several rows name is refused
    in each of them: which one holds is nothing to guess.
    """
    table = read_table(content, check_headers)
    columns = {header: _BY_HEADER[_plain(header)] for header in table.headers}
    wishes = [_wish(row, columns, domain.lower()) for row in table.rows]
    unit = "Line" if table.kind == "csv" else "Row"
    return table, _without_doubles(wishes, unit)


def check_headers(headers: Sequence[str]) -> None:
    """Raise FormatError for a header that is unknown, a passphrase in clear, twice there, or missing."""
    named: dict[str, str] = {}
    if not any(_is_near(_plain(header)) for header in headers):
        # Perhaps there is none, and these are somebody's cells: none of them is repeated.
        raise FormatError(
            "file",
            "The file names no column that is known.",
            f"Put their names into the first line: {_names()}. Only address is needed.",
        )
    for header in headers:
        plain = _plain(header)
        if plain in _PLAIN:
            raise FormatError(
                "file",
                f"The column “{printable(header, 60)}” holds passphrases. Rookery takes none in clear, and"
                " nothing of this file was kept.",
                f"Send their BLAKE2b fingerprints in a column “password_hash”. A shell makes one:"
                f" {shell_line()}",
            )
        column = _BY_HEADER.get(plain)
        if column is None:
            raise FormatError("file", f"The column “{printable(header, 60)}” is not known.", _nearest(plain))
        if column.name in named:
            first = printable(named[column.name], 60)
            raise FormatError(
                "file",
                f"The columns “{first}” and “{printable(header, 60)}” mean the same.",
                "Take one of the two out.",
            )
        named[column.name] = header
    if ADDRESS.name not in named:
        raise FormatError("file", "No column is called “address”.", f"Known are: {_names()}.")


def _is_near(plain: str) -> bool:
    return bool(difflib.get_close_matches(plain, [*_BY_HEADER, *_PLAIN], n=1, cutoff=0.6))


def _nearest(plain: str) -> str:
    near = difflib.get_close_matches(plain, [*_BY_HEADER, *sorted(_PLAIN)], n=1, cutoff=0.6)
    if near and near[0] in _BY_HEADER:
        return f"Perhaps “{_BY_HEADER[near[0]].name}” is meant. Known are: {_names()}."
    return f"Take it out, or rename it. Known are: {_names()}."


def _names() -> str:
    return ", ".join(column.name for column in COLUMNS)


def _plain(header: str) -> str:
    return re.sub(r"[\s_-]+", "_", header.strip().lower())[:100]


def _wish(row: Row, columns: Mapping[str, Column], domain: str) -> Wish:
    if row.problem is not None:
        return Wish(row.place, "", "", {}, (row.problem,))
    values: dict[str, Any] = {}
    problems = []
    shown = ""
    for header, cell in row.cells.items():
        column = columns[header]
        if column is ADDRESS and isinstance(cell, str):
            shown = printable(cell.strip(), 120)
        try:
            values[column.name] = column.read(cell)
        except FormatError as error:
            problems.append(error)
    local_part = ""
    if not problems or values.get(ADDRESS.name):
        try:
            local_part = _local_part(values.pop(ADDRESS.name, None), domain)
        except FormatError as error:
            problems.append(error)
    return Wish(row.place, shown, local_part, values, tuple(problems))


def _local_part(text: str | None, domain: str) -> str:
    if not text:
        raise FormatError("address", "The address is empty.", "Write “anna”, or “anna@" + domain + "”.")
    if len(text) > MAX_ADDRESS:
        raise FormatError(
            "address", f"“{printable(text, 60)}” is {len(text)} characters long.", "Check it for a mistake."
        )
    if "@" not in text:
        return text
    local_part, host = split_address(text)
    if host.lower() != domain:
        raise FormatError(
            "address",
            f"“{printable(text, 120)}” is not in {domain}.",
            "Import it into its own domain, or write only the part before the @.",
        )
    return local_part


def _without_doubles(wishes: list[Wish], unit: str) -> list[Wish]:
    counts = Counter(wish.local_part for wish in wishes if wish.local_part)
    places: dict[str, list[int]] = {}
    for wish in wishes:
        if counts[wish.local_part] > 1:
            places.setdefault(wish.local_part, []).append(wish.place)
    return [
        _double(wish, places[wish.local_part], unit) if wish.local_part in places else wish for wish in wishes
    ]


def _double(wish: Wish, places: list[int], unit: str) -> Wish:
    others = [str(place) for place in places if place != wish.place][:3]
    problem = FormatError(
        "address",
        f"{unit} {' and '.join(others)} {'has' if len(others) == 1 else 'have'} the same address.",
        "Keep one of them.",
    )
    return Wish(wish.place, wish.shown, "", {}, (*wish.problems, problem))


# Cells: text of a CSV file, or a value of JSON ----------------------------------------------------------


def _text(name: str, cell: Any) -> str | None:
    if cell is None:
        return None
    if not isinstance(cell, str):
        raise FormatError(name, f"This is {_kind(cell)}, not text.", "Send a string.")
    if len(cell) > LONGEST_CELL:
        raise FormatError(name, f"This is longer than {LONGEST_CELL:,} characters.", "Shorten it.")
    if "\0" in cell or not is_whole(cell):
        raise FormatError(name, "This holds a NUL or half of a character.", "Write it again.")
    return cell.strip() or None


def _texts(name: str, cell: Any) -> tuple[str, ...] | None:
    if isinstance(cell, list):
        if len(cell) > 10 * MAX_TARGETS:
            raise FormatError(name, f"There are {len(cell)} in the list.", f"Send at most {MAX_TARGETS}.")
        found = [_text(f"{name}[{index}]", each) for index, each in enumerate(cell)]
        return tuple(each for each in found if each) or None
    text = _text(name, cell)
    return tuple(part for part in _SEPARATORS.split(text) if part) if text else None


def _switch(name: str, cell: Any) -> bool | None:
    if isinstance(cell, bool):
        return cell
    text = _text(name, cell)
    if text is None:
        return None
    if text.lower() in _YES or text.lower() in _NO:
        return text.lower() in _YES
    raise FormatError(name, f"“{printable(text, 40)}” is neither yes nor no.", "Write yes or no.")


def _kind_word(name: str, cell: Any) -> str | None:
    text = _text(name, cell)
    if text is None or text.lower() in {"mailbox", "alias"}:
        return text.lower() if text else None
    raise FormatError(name, f"“{printable(text, 40)}” is no kind.", "Write mailbox or alias.")


def _kind(cell: object) -> str:
    if isinstance(cell, bool):
        return "true or false"
    return (
        "a number" if isinstance(cell, int | float) else "a list" if isinstance(cell, list) else "an object"
    )


def _reading(read: Callable[[str, Any], Any], name: str) -> Callable[[Any], Any]:
    return lambda cell: read(name, cell)


def _column(name: str, meaning: str, read: Callable[[str, Any], Any], *also: str) -> Column:
    return Column(name, meaning, _reading(read, name), also)


ADDRESS = _column("address", "“anna” or “anna@example.org”.", _text, "local_part", "email", "mailbox")
TARGETS = _column(
    "targets",
    "Who gets the mail: one or several addresses, with spaces or commas between them.",
    _texts,
    "target",
    "goto",
    "forward_to",
    "destination",
    "destinations",
)
PASSWORD_HASH = _column(
    "password_hash",
    "The passphrase's BLAKE2b-512 fingerprint, 128 hex digits. Without one, a new address is an alias.",
    _text,
    "passphrase_hash",
    "hash",
    "blake2b",
)
NOTE = _column("note", "For you and your team.", _text, "comment", "description", "remark")
ENABLED = _column("enabled", "yes or no; a new address is switched on.", _switch, "on", "active")
KIND = _column("kind", "mailbox or alias, to be sure that none becomes the other.", _kind_word, "type")

COLUMNS = (ADDRESS, TARGETS, PASSWORD_HASH, NOTE, ENABLED, KIND)
_BY_HEADER = {name: column for column in COLUMNS for name in (column.name, *column.also)}
