"""Verdicts of the primary's own parser and checks (ocaml-dns 10.2.5 and 6.4.1), recorded on 181 files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW, OLD, Dialect

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"


@dataclass(frozen=True)
class Recorded:
    """One file and what one generation of the primary made of it; `why` in the words of its log."""

    case: str
    origin: Name
    data: bytes
    dialect: Dialect
    accepted: bool
    why: str
    written_back: bytes | None
    survives: bool

    def __str__(self) -> str:
        return f"{self.dialect.name}: {self.case}"


@cache
def all_recorded() -> tuple[Recorded, ...]:
    cases = json.loads((VECTORS / "zones" / "grammar.json").read_text())["cases"]
    found = (("parser_10_2_5", NEW), ("parser_6_4_1", OLD))
    return tuple(_recorded(case, case[key], dialect) for case in cases for key, dialect in found)


def _recorded(case: dict[str, Any], verdict: dict[str, Any], dialect: Dialect) -> Recorded:
    written = verdict.get("written_back")
    return Recorded(
        case["case"],
        Name.of(case["file"]),
        case["text"].encode("latin-1"),
        dialect,
        verdict["accepted"],
        verdict.get("why", ""),
        None if written is None else written.encode("latin-1"),
        verdict.get("written_back_accepted", False),
    )
