"""Answers on a terminal. What a server sends is hostile text: nothing of it gets there unescaped."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from panel.cli.failures import Failure, Refused
from tenants.formats.text import printable

WIDEST = 60
_MOST_TEXT = 100_000


def out(line: str) -> None:
    """A line of the answer; what came from outside is escaped before."""
    sys.stdout.write(f"{line}\n")


def as_json(value: Any) -> None:
    """Pure ASCII: JSON escapes whatever a terminal could act on."""
    out(json.dumps(value, indent=2))


def cell(value: Any, widest: int = _MOST_TEXT) -> str:
    """One value in a word or a few, safe for a terminal."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return printable(", ".join(map(str, value)) or "-", widest)
    if isinstance(value, list | dict):
        return printable(json.dumps(value), widest)
    return printable(str(value), widest)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows under their columns; of none it is said."""
    if not rows:
        out("None.")
        return
    shown = [list(columns)] + [[cell(row.get(name), WIDEST) for name in columns] for row in rows]
    widths = [max(len(line[index]) for line in shown) for index in range(len(columns))]
    shown[0] = [name.upper().replace("_", " ") for name in columns]
    for line in shown:
        padded = (word.ljust(width) for word, width in zip(line, widths, strict=True))
        out("  ".join(padded).rstrip())


def single(value: Mapping[str, Any]) -> None:
    """One thing, a line for each of its fields."""
    widest = max((len(name) for name in value), default=0)
    for name, each in value.items():
        label = printable(str(name).replace("_", " "), WIDEST)
        if isinstance(each, str) and "\n" in each:
            out(f"{label}:")
            for line in each.splitlines():
                out(f"  {printable(line, _MOST_TEXT)}")
        else:
            out(f"{label.ljust(widest)}  {cell(each)}")


def failure(error: Failure) -> None:
    """Sentence by sentence on standard error: what, which field, why, and the fix."""
    say(f"rookery: {error}")
    if isinstance(error, Refused):
        for each in error.problems:
            field, problem, fix = (str(each.get(name, "")) for name in ("field", "problem", "fix"))
            say(f"  {field}: {problem} {fix}".rstrip())
        if request := error.document.get("request_id"):
            say(f"  (request {request})")


def say(sentence: str) -> None:
    """A line for the person, beside what programs read."""
    sys.stderr.write(f"{printable(sentence, 4000)}\n")
