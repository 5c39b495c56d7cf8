"""Addresses of a domain as a table that an import takes back unchanged. It holds no secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tenants.formats.address_rows import ADDRESS, ENABLED, KIND, NOTE, TARGETS
from tenants.formats.csv_cells import csv_lines


@dataclass(frozen=True)
class Exported:
    address: str
    kind: str
    targets: Sequence[str]
    note: str
    enabled: bool


HEADERS = tuple(column.name for column in (ADDRESS, KIND, TARGETS, NOTE, ENABLED))


def as_csv(rows: Iterable[Exported]) -> Iterator[str]:
    """CSV (RFC 4180), UTF-8, in which no cell is a formula."""
    return csv_lines(_cells(rows))


def _cells(rows: Iterable[Exported]) -> Iterator[Sequence[str]]:
    yield HEADERS
    for row in rows:
        yield (row.address, row.kind, " ".join(row.targets), row.note, "yes" if row.enabled else "no")


def as_json(rows: Iterable[Exported]) -> Iterator[str]:
    """A list of objects with the same names."""
    opening = "["
    for row in rows:
        values = (row.address, row.kind, list(row.targets), row.note, row.enabled)
        yield f"{opening}\n{json.dumps(dict(zip(HEADERS, values, strict=True)), ensure_ascii=False)}"
        opening = ","
    yield "[]\n" if opening == "[" else "\n]\n"
