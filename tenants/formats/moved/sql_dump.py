"""Rows of a few tables out of an SQL dump: of mysqldump, phpMyAdmin, PostfixAdmin's own backup, pg_dump
(INSERT or COPY) and SQLite. Nothing is run; what is no row of a wanted table is passed over.

The whole text is read as tokens, so that a statement inside of a string is a string.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tenants.formats.tables import MAX_COLUMNS, MAX_ROWS
from tenants.formats.text import FormatError, printable

_PARTS = r"""
    (?P<blank>(?:\s++|--[^\n]*+|\#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)++)
  | (?P<text>'(?:{inside}|'')*+')
  | (?P<name>`(?:[^`]++|``)*+`|"(?:[^"]++|"")*+")
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*+)
  | (?P<number>[+-]?[0-9]++(?:\.[0-9]++)?)
  | (?P<sign>.)
"""
_WITH_ESCAPES = re.compile(_PARTS.format(inside=r"[^'\\]++|\\."), re.VERBOSE | re.DOTALL)
_WITHOUT = re.compile(_PARTS.format(inside=r"[^']++"), re.VERBOSE | re.DOTALL)
_NO_ESCAPES = re.compile(r"-- PostgreSQL database dump|\A\s*PRAGMA ", re.IGNORECASE)
_BEGINS = re.compile(
    r"\s*(?:--|/\*|\#|(?:BEGIN|COPY|CREATE|DROP|INSERT|LOCK|PRAGMA|REPLACE|SET|START|USE)\b)", re.IGNORECASE
)
_PUTS = re.compile(
    r"\b(?:INSERT|REPLACE)\s++(?:IGNORE\s++)?INTO\s++[`\"\w]|^COPY\s++[`\"\w]", re.IGNORECASE | re.MULTILINE
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}
_NO_COLUMN = frozenset(
    {"PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FULLTEXT", "SPATIAL", "CHECK", "FOREIGN", "EXCLUDE"}
)
_WORDS = {"NULL": None, "TRUE": "1", "FALSE": "0"}


@dataclass(frozen=True)
class DumpRow:
    """`table` without a prefix; `line` where the row begins. Cells may hold secrets."""

    table: str
    line: int
    cells: Mapping[str, str | None] = field(repr=False)


def is_dump(text: str) -> bool:
    """Whether rows are put into tables here; what they are is not looked at."""
    return _BEGINS.match(text) is not None and _PUTS.search(text) is not None


def read_dump(text: str, tables: Collection[str]) -> Iterator[DumpRow]:
    """The rows of `tables`, in order; names before which a prefix stands (`postfix_mailbox`) count as well.

    Raises FormatError (field `file`) with the line for what cannot be read.
    """
    return _Dump(text, tables).rows()


class _Dump:
    def __init__(self, text: str, tables: Collection[str]) -> None:
        self.text, self.tables = text, tables
        self.escapes = _NO_ESCAPES.search(text[:4000]) is None
        self.pattern = _WITH_ESCAPES if self.escapes else _WITHOUT
        self.position = 0
        self.kind = self.value = ""
        self.begins = 0
        self.line_ends = [found.start() for found in re.finditer("\n", text)]
        self.columns: dict[str, tuple[str, ...]] = {}
        self.count = 0

    def rows(self) -> Iterator[DumpRow]:
        while self._next():
            if self.kind != "word":
                continue
            match self.value.upper():
                case "CREATE":
                    self._create()
                case "INSERT" | "REPLACE":
                    yield from self._insert()
                case "COPY":
                    yield from self._copy()

    # Tokens

    def _next(self) -> bool:
        """The next token that is no blank; False at the end."""
        while (found := self.pattern.match(self.text, self.position)) is not None:
            self.kind, self.value = str(found.lastgroup), found[0]
            self.begins, self.position = found.start(), found.end()
            if self.kind == "sign" and self.value in "'`\"":
                raise self._refusal("A quotation mark is opened here and not closed.")
            if self.kind != "blank":
                return True
        self.kind = self.value = ""
        return False

    def _is(self, *words: str) -> bool:
        return self.kind in ("word", "sign") and self.value.upper() in words

    def _line(self, position: int) -> int:
        return bisect_right(self.line_ends, max(position - 1, 0)) + 1 if position else 1

    def _refusal(self, problem: str) -> FormatError:
        return FormatError(
            "file",
            f"Line {self._line(self.begins)}: {problem}",
            "Send the dump as the database wrote it, or only its tables mailbox and alias.",
        )

    def _name(self) -> str:
        """The last part of `a.b`; the token behind it is the current one then."""
        name = self._identifier()
        self._next()
        while self._is("."):
            self._next()
            name = self._identifier()
            self._next()
        return name

    def _identifier(self) -> str:
        if self.kind == "name":
            quote = self.value[0]
            return self.value[1:-1].replace(quote * 2, quote).lower()[:100]
        return self.value.lower()[:100] if self.kind == "word" else ""

    def _wanted(self, name: str) -> str:
        return next((each for each in self.tables if name == each or name.endswith(f"_{each}")), "")

    # Statements

    def _create(self) -> None:
        """Remember the columns of a wanted table, for rows that do not name theirs."""
        self._next()
        if not self._is("TABLE"):
            return
        self._next()
        while self._is("IF", "NOT", "EXISTS"):
            self._next()
        table = self._wanted(self._name())
        if table and self._is("("):
            self.columns[table] = tuple(self._definitions())

    def _definitions(self) -> Iterator[str]:
        depth, first = 1, True
        while depth and self._next():
            if first and (self.kind == "name" or (self.kind == "word" and not self._is(*_NO_COLUMN))):
                yield self._identifier()
            first = depth == 1 and self._is(",")
            depth += self._is("(") - self._is(")")

    def _insert(self) -> Iterator[DumpRow]:
        self._next()
        while self._is("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE"):
            self._next()
        if not self._is("INTO"):
            return
        self._next()
        table = self._wanted(self._name())
        if not table:
            return
        columns = self._named_columns() if self._is("(") else self.columns.get(table, ())
        if not self._is("VALUES"):
            raise self._refusal("Behind the name of the table no VALUES follow.")
        if not columns:
            raise self._refusal(f"The columns of {table} are named nowhere before its rows.")
        while self._next() and self._is("("):
            begins = self.begins
            yield self._row(table, begins, columns, list(self._values()))
            self._next()
            if not self._is(","):
                break

    def _named_columns(self) -> tuple[str, ...]:
        names = []
        while self._next() and not self._is(")"):
            if not self._is(","):
                names.append(self._identifier())
        self._next()
        return tuple(names)

    def _values(self) -> Iterator[str | None]:
        count = 0
        while self._next():
            yield self._value()
            count += 1
            self._next()
            if self._is(")"):
                return
            if not self._is(",") or count >= MAX_COLUMNS:
                break
        raise self._refusal("This row is not a plain list of values.")

    def _value(self) -> str | None:
        if self.kind == "word" and (self.value.startswith("_") or self.value.upper() in ("E", "N")):
            self._next()  # how the text behind it is written
        if self.kind == "text":
            return self._unescaped(self.value[1:-1])
        if self.kind == "name" and self.value[0] == '"':
            return self._unescaped(self.value[1:-1]).replace('""', '"')
        if self.kind == "number":
            return self.value
        if self.kind == "word" and self.value.upper() in _WORDS:
            return _WORDS[self.value.upper()]
        raise self._refusal(f"“{printable(self.value, 20)}” is no plain value.")

    def _unescaped(self, inside: str) -> str:
        if not self.escapes:
            return inside.replace("''", "'")
        return re.sub(
            r"\\(.)|''",
            lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "'",
            inside,
            flags=re.DOTALL,
        )

    def _copy(self) -> Iterator[DumpRow]:
        """Rows of pg_dump: tabs between cells, a line for each row, `\\.` behind the last."""
        self._next()
        table = self._wanted(self._name())
        columns = self._named_columns() if self._is("(") else ()
        while self.kind and not self._is(";"):
            self._next()
        start = self.text.find("\n", self.position) + 1
        while start:
            end = self.text.find("\n", start)
            line = self.text[start:end] if end >= 0 else self.text[start:]
            if line.rstrip("\r") == "\\." or end < 0:
                self.position = end if end >= 0 else len(self.text)
                return
            if table:
                cells = [_of_copy(cell) for cell in line.split("\t")]
                yield self._row(table, start, columns, cells)
            start = end + 1

    def _row(self, table: str, begins: int, columns: tuple[str, ...], cells: list[str | None]) -> DumpRow:
        if len(cells) != len(columns):
            self.begins = begins
            raise self._refusal(f"This row of {table} has {len(cells)} values, the table {len(columns)}.")
        self.count += 1
        if self.count > MAX_ROWS:
            raise FormatError(
                "file", f"The file has more than {MAX_ROWS:,} rows.", "Cut it into several files."
            )
        return DumpRow(table, self._line(begins), dict(zip(columns, cells, strict=True)))


def _of_copy(cell: str) -> str | None:
    if cell == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), cell)
