"""PostfixAdmin: its tables `mailbox`, `alias` and `alias_domain`, as an SQL dump or as CSV.

It offers a backup as SQL (MySQL only; other databases have their own dump) and its lists as CSV. A mailbox
has a row in `alias`, too: where its mail goes, its own address among it when the mail is kept. An absence
notice is an address `anna#example.org@autoreply.example.org` there (PostfixAdmin, VIRTUAL_VACATION).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tenants.formats.moved.found import FoundAddress, scheme_of
from tenants.formats.moved.sql_dump import DumpRow, is_dump, read_dump
from tenants.formats.tables import read_table

TABLES = ("mailbox", "alias_domain", "alias")
_BETWEEN = re.compile(r"[\s,]+")
_OFF = frozenset({"0", "f", "false", "no", "n", "off"})


def is_postfixadmin(text: str) -> bool:
    return is_dump(text) or _table_of(_first_cells(text)) != ""


def read_postfixadmin(content: bytes, text: str) -> tuple[str, list[FoundAddress]]:
    """What the rows are called (`row`, or `line` in CSV) and the rows. Raises FormatError."""
    if is_dump(text):
        rows = enumerate(read_dump(text, TABLES), start=1)
        return "row", [_found(place, row) for place, row in rows]
    table = _table_of(_first_cells(text))
    lines = read_table(content).rows
    return "line", [
        _found(
            row.place,
            DumpRow(table, row.place, {_plain(name): str(cell) for name, cell in row.cells.items()}),
        )
        for row in lines
        if row.problem is None
    ]


def _first_cells(text: str) -> list[str]:
    first = next(iter(text.lstrip("\ufeff\r\n")[:2000].splitlines()), "")
    return [_plain(cell.strip().strip('"')) for cell in re.split(r"[,;\t]", first)]


_LISTED = {"alias": "address", "to": "goto", "email": "username"}


def _plain(header: str) -> str:
    name = header.strip().lower()
    return _LISTED.get(name, name)


def _table_of(headers: Sequence[str]) -> str:
    """Which table has these columns, or which of its lists; empty for none."""
    names = set(headers)
    if "username" in names and names & {"maildir", "local_part", "quota", "modified", "last modified"}:
        return "mailbox"
    if {"address", "goto"} <= names and names & {"domain", "created", "modified", "last modified"}:
        return "alias"
    return "alias_domain" if {"alias_domain", "target_domain"} <= names else ""


def _found(place: int, row: DumpRow) -> FoundAddress:
    cells = {name: value or "" for name, value in row.cells.items()}
    enabled = cells.get("active", "1").strip().lower() not in _OFF
    if row.table == "alias_domain":
        return FoundAddress(
            place, f"@{cells.get('alias_domain', '')}", stands_for=cells.get("target_domain", "") or "?"
        )
    if row.table == "alias":
        goto = tuple(_targets(cells.get("goto", "")))
        return FoundAddress(place, cells.get("address", "").strip(), goto, enabled=enabled)
    return FoundAddress(
        place,
        cells.get("username", "").strip(),
        keeps_mail=True,
        scheme=scheme_of(cells["password"]) if cells.get("password") else "",
        quota=_quota(cells),
        note=cells.get("name", ""),
        enabled=enabled,
    )


def _targets(goto: str) -> Iterator[str]:
    return (part for part in _BETWEEN.split(goto) if part)


def _quota(cells: Mapping[str, str]) -> str:
    """Bytes in the table; 0 and less stand for none."""
    text = cells.get("quota", "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1 << 20:
        return ""
    return f"{int(text) >> 20:,} MiB"
