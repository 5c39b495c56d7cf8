"""Tables that people upload, CSV or JSON, as rows of cells: bounded, decoded strictly, nothing guessed at.

What is wrong with the file as a whole raises FormatError (field `file`); what is wrong with one row is kept
beside that row, so that a preview can show it in its place.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tenants.formats.csv_cells import from_cell
from tenants.formats.text import FormatError, printable

MAX_BYTES = 10 << 20
MAX_ROWS = 20_000
MAX_COLUMNS = 50
_FIELD = "file"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?\n?", re.IGNORECASE)
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
_AS_UTF8 = "Save it again as UTF-8: in Excel choose “CSV UTF-8”, in LibreOffice the character set UTF-8."


@dataclass(frozen=True)
class Row:
    """One row: where it stands (`line` of a CSV file, `row` of a JSON list, from 1) and its cells by header.

    `problem` says why the row as such cannot be read; then it has no cells. Cells may hold secrets.
    """

    place: int
    cells: Mapping[str, Any] = field(repr=False)
    problem: FormatError | None = None


@dataclass(frozen=True)
class Table:
    """`kind` is "csv" or "json"; headers as written, each once."""

    kind: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=False)


def read_table(
    content: bytes, check_headers: Callable[[Sequence[str]], None] = lambda headers: None
) -> Table:
    """The rows of a CSV file (comma, semicolon or tab; the first line names the columns) or of JSON (a list
    of objects).

    `check_headers` may raise FormatError for headers as written, before any cell is looked at. Raises
    FormatError for what is no table: too large, not UTF-8, with a NUL, without a header or a row.
    """
    text = decode(content)
    if not text.strip():
        raise FormatError(_FIELD, "The file is empty.", "The first line of a CSV file names its columns.")
    if text.lstrip()[0] in "[{":
        return _read_json(text, check_headers)
    return _read_csv(text, check_headers)


def decode(content: bytes) -> str:
    """The text of a file. Raises FormatError for what is too large, not UTF-8, or has a NUL."""
    if len(content) > MAX_BYTES:
        raise FormatError(
            _FIELD,
            f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are read.",
            "Cut it into several files.",
        )
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            raise FormatError(_FIELD, f"The file is written in {name}.", _AS_UTF8)
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise FormatError(
            _FIELD,
            f"There is a NUL character in line {line}; no text file has one.",
            "Send the table itself, not a spreadsheet document or an archive.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FormatError(
            _FIELD,
            f"Line {line} is not UTF-8; the file may be written in Windows-1252 or Latin-1.",
            _AS_UTF8,
        ) from None


# CSV --------------------------------------------------------------------------------------------------


def _read_csv(text: str, check_headers: Callable[[Sequence[str]], None]) -> Table:
    text, separator, skipped = _separator(text)
    lines = _lines(text, separator, skipped)
    first = next(lines, None)
    if first is None:
        raise FormatError(_FIELD, "The file has no header.", "The first line names the columns.")
    _, header = first
    names = tuple(name.strip() for name in header)
    if len(names) > MAX_COLUMNS:
        raise FormatError(
            _FIELD, f"The header has {len(names)} columns; at most {MAX_COLUMNS} are read.", "Leave some out."
        )
    _require_distinct(names)
    check_headers(names)
    rows = [_csv_row(place, names, cells) for place, cells in lines]
    if not rows:
        raise FormatError(_FIELD, "The file has a header and no row.", "Add a line for each address.")
    return Table("csv", names, tuple(rows))


def _csv_row(place: int, names: tuple[str, ...], cells: list[str]) -> Row:
    if len(cells) != len(names):
        problem = FormatError(
            "row",
            f"This line has {_amount(len(cells), 'cell')}; the header has {len(names)}.",
            "Put quotation marks around a cell that holds the separator, and keep empty cells.",
        )
        return Row(place, {}, problem)
    return Row(place, {name: from_cell(cell) for name, cell in zip(names, cells, strict=True)})


def _separator(text: str) -> tuple[str, str, int]:
    """The text without a `sep=` line of Excel, its separator, and how many lines were skipped."""
    declared = _SEPARATOR_LINE.match(text)
    if declared is not None:
        return text[declared.end() :], declared[1], 1
    header = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    bare = re.sub(r'"[^"]*"', "", header)
    return text, max(",;\t", key=bare.count), 0


def _lines(text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first line; blank ones are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    count = 0
    while True:
        place = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _refuse_line(place, error)
        if not any(cell.strip() for cell in cells):
            continue
        if count > MAX_ROWS:
            _refuse_count()
        count += 1
        yield place, cells


def _refuse_line(place: int, error: csv.Error) -> NoReturn:
    if "field larger" in str(error) or "unexpected end" in str(error):
        raise FormatError(
            _FIELD,
            f"A quotation mark is opened in line {place} or after it and not closed.",
            "Close it, or write two of them where one is meant.",
        ) from None
    raise FormatError(
        _FIELD,
        f"Line {place} cannot be read: something stands behind a closing quotation mark.",
        "Write two quotation marks inside a cell where one is meant.",
    ) from None


def _require_distinct(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for number, name in enumerate(names, start=1):
        if not name:
            raise FormatError(
                _FIELD, f"Column {number} has no name.", "Name it in the first line, or take it out."
            )
        if name.lower() in seen:
            raise FormatError(
                _FIELD, f"The column “{printable(name, 60)}” is there twice.", "Take one of the two out."
            )
        seen.add(name.lower())


# JSON -------------------------------------------------------------------------------------------------


def _read_json(text: str, check_headers: Callable[[Sequence[str]], None]) -> Table:
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise FormatError(
            _FIELD,
            f"Line {error.lineno} is not JSON: {error.msg}.",
            "Send a list of objects: [{“address”: …}, …].".replace("“", '"').replace("”", '"'),
        ) from None
    except RecursionError:
        raise FormatError(_FIELD, "The file is nested too deeply.", "Send a list of flat objects.") from None
    except ValueError:  # a number of thousands of digits, or NaN
        raise FormatError(_FIELD, "The file holds a number that is none.", "Write text or true.") from None
    if isinstance(found, _Object) and isinstance(found.cells.get("addresses"), list):
        found = found.cells["addresses"]
    if not isinstance(found, list):
        raise FormatError(_FIELD, "The file holds no list.", 'Send a list of objects: [{"address": …}, …].')
    if not found:
        raise FormatError(_FIELD, "The list is empty.", "Add an object for each address.")
    if len(found) > MAX_ROWS:
        _refuse_count()
    return _json_table(found, check_headers)


def _json_table(found: list[Any], check_headers: Callable[[Sequence[str]], None]) -> Table:
    headers: dict[str, None] = {}
    rows = []
    for place, each in enumerate(found, start=1):
        if not isinstance(each, _Object):
            problem = FormatError("row", "This is no object.", 'Send an object: {"address": …}.')
            rows.append(Row(place, {}, problem))
            continue
        if each.twice:
            problem = FormatError(
                "row", f"“{printable(each.twice, 60)}” is in this object twice.", "Take one of the two out."
            )
            rows.append(Row(place, {}, problem))
            continue
        rows.append(Row(place, each.cells))
        headers |= dict.fromkeys(each.cells)
        if len(headers) > MAX_COLUMNS:
            raise FormatError(
                _FIELD, f"The objects have more than {MAX_COLUMNS} different names.", "Leave some out."
            )
    if headers:
        check_headers(tuple(headers))
    return Table("json", tuple(headers), tuple(rows))


@dataclass(frozen=True)
class _Object:
    cells: dict[str, Any] = field(repr=False)
    twice: str


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    cells: dict[str, Any] = {}
    twice = ""
    for name, value in pairs:
        if name in cells:
            twice = twice or name
        cells[name] = value
    return _Object(cells, twice)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_count() -> NoReturn:
    raise FormatError(_FIELD, f"The file has more than {MAX_ROWS:,} rows.", "Cut it into several files.")


def _amount(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
