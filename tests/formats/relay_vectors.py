"""The recorded verdicts of ptt's own code: one row each of `values.tsv`, whose columns are case id, file
name(s) and content(s) as JSON, verdict, what was understood as JSON, and a note."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIGEST_OF_FOO = (
    "ca002330e69d3e6b84a46a56a6533fd79d51d97a3bb7cad6c2ff43b354185d6d"
    "c1e723fb3db4ae0737e120378424c714bb982d9dc5bbd7a0ab318240ddd18f8d"
)
VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "ptt" / "values.tsv"


@dataclass(frozen=True)
class Row:
    """One case; `names` and `contents` have several items in look-ups among several files."""

    case: str
    names: tuple[bytes, ...]
    contents: tuple[bytes | None, ...]
    verdict: str
    understood: Any
    note: str

    @property
    def kind(self) -> str:
        """Which part of ptt gave the verdict."""
        if self.case.startswith("look-"):
            return "recipient" if self.note.startswith("RCPT") else "login"
        if self.case.startswith(("writer", "adduser")):
            return self.case.partition("-")[0]
        return "value"


def rows(kind: str) -> list[Row]:
    """Every row of one kind; none of another kind is left over (see the test that counts them)."""
    return [row for row in all_rows() if row.kind == kind]


def all_rows() -> list[Row]:
    lines = VECTORS.read_text(encoding="utf-8").split("\n")
    return [_row(line) for line in lines[1:] if line]


def _row(line: str) -> Row:
    case, names, contents, verdict, understood, note = line.split("\t")
    name, content = json.loads(names), json.loads(contents)
    if not isinstance(name, list):
        name, content = [name], [content]
    return Row(
        case,
        tuple(_bytes(text) for text in name),
        tuple(None if text is None else _bytes(text) for text in content),
        verdict,
        json.loads(understood),
        note,
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def big_content(case: str) -> bytes:
    """The contents that are too long for the table, made as their notes say."""
    makers: dict[str, Callable[[], list[str]]] = {
        "big-1MB-32k-targets": lambda: [f"user{i:06d}@d{i % 1000:05d}.example.net" for i in range(32000)],
        "big-same-domain-3k": lambda: [f"user{i:06d}@example.net" for i in range(3000)],
        "big-1MB-one-string": lambda: ["a" * 1_000_000 + "@b.tld"],
        "big-name-1MB": lambda: ['"' + "n" * 1_000_000 + '" <a@b.tld>'],
        "big-ws-1MB": lambda: ["a@b.tld"],
        "big-deep-nest": list,
    }
    targets = makers[case]()
    text = json.dumps({"targets": targets, "password": DIGEST_OF_FOO}, separators=(",", ":"))
    if case == "big-deep-nest":
        text = text.replace("[]", "[" * 100_000 + "]" * 100_000)
    return (" " * 1_000_000 if case == "big-ws-1MB" else "").encode() + text.encode()
