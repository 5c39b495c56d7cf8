"""Recorded bytes of real albatrosses: messages of running 2.7.2 daemons (`recorded.json`), and values
that the codecs of eight releases wrote (`codec.tsv`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "albatross"


@dataclass(frozen=True)
class Recorded:
    """One recorded piece; `body` is without the length in front, `raw` as it was on the connection."""

    name: str
    group: str
    step: str
    direction: str
    socket: str
    connection: int
    raw: bytes
    framed: bool
    meaning: str

    @property
    def body(self) -> bytes:
        return self.raw[4:] if self.framed else self.raw


@dataclass(frozen=True)
class Written:
    """One value that a release's own codec wrote."""

    release: str
    label: str
    kind: str
    body: bytes

    @property
    def id(self) -> str:
        return f"{self.release}-{self.label}"


@cache
def recorded() -> tuple[Recorded, ...]:
    known = json.loads((FOLDER / "recorded.json").read_text(encoding="utf-8"))
    return tuple(
        Recorded(
            row["name"],
            row["group"],
            row["step"],
            row["direction"],
            row["socket"],
            row["connection"],
            bytes.fromhex(row["hex"]),
            row["framed"],
            row["meaning"],
        )
        for row in known["vectors"]
    )


@cache
def written() -> tuple[Written, ...]:
    rows = (FOLDER / "codec.tsv").read_text(encoding="utf-8").splitlines()
    cells = (row.split("\t") for row in rows if row and not row.startswith("#"))
    return tuple(Written(release, label, kind, bytes.fromhex(body)) for release, label, kind, body in cells)
