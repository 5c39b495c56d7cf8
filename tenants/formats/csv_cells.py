"""Cells of CSV files that a spreadsheet takes for text, and back again.

A spreadsheet runs a cell that begins with one of a few characters as a formula (OWASP, "CSV Injection"). An
apostrophe in front makes it text; reading takes exactly that apostrophe off again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

# As typed, and as the wide forms that some spreadsheets read like them.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def to_cell(text: str) -> str:
    """`text` as a cell that is no formula; `from_cell` gives `text` back."""
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(cell: str) -> str:
    """What `to_cell` was given, or somebody typed."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class _Line:
    """What csv.writer writes to: keeps the last line only."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows as lines of CSV (RFC 4180) with harmless cells, one at a time."""
    line = _Line()
    writer = csv.writer(line)
    for row in rows:
        writer.writerow([to_cell(cell) for cell in row])
        yield line.text
