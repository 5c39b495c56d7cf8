"""The commands: one for each operation of the API, as the table beside this file has them.

The table is written by `manage.py command_table` from the OpenAPI description, and a test holds the two
together; so whatever the API can do, the command line can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("commands.json")


@dataclass(frozen=True)
class Field:
    """One value that a command takes.

    `kind` is `text`, `number`, `switch`, `texts`, `numbers` or `json`. A `secret` is never an argument: it is
    asked for, or read from standard input. `nullable` ones can be given as nothing (`--no-NAME`).
    """

    name: str
    kind: str
    help: str = ""
    required: bool = False
    nullable: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Command:
    """`words` call it; the rest says what is sent, and how the answer is shown.

    `places` are the variables of `path`, `queries` its parameters, `fields` those of the body. `keyed` writes
    are sent with an Idempotency-Key; `takes` names what else it can do: `dry_run`, `wait`, `if_match`.
    """

    words: tuple[str, ...]
    operation: str
    method: str
    path: str
    summary: str
    places: tuple[Field, ...]
    queries: tuple[Field, ...]
    fields: tuple[Field, ...]
    takes: frozenset[str]
    lists: bool
    columns: tuple[str, ...]
    file: str = ""
    example: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def _fields(rows: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    return tuple(Field(**{**row, "choices": tuple(row.get("choices", ()))}) for row in rows)


@cache
def commands() -> dict[tuple[str, ...], Command]:
    """All commands, by their words."""
    found = {}
    for row in json.loads(FILE.read_text("utf-8")):
        words = tuple(row["command"].split())
        found[words] = Command(
            words=words,
            operation=row["operation"],
            method=row["method"],
            path=row["path"],
            summary=row["summary"],
            places=_fields(row["places"]),
            queries=_fields(row["queries"]),
            fields=_fields(row["fields"]),
            takes=frozenset(row["takes"]),
            lists=row["lists"],
            columns=tuple(row["columns"]),
            file=row.get("file", ""),
            example=row.get("example"),
        )
    return found


def find(words: Sequence[str]) -> tuple[Command | None, list[str]]:
    """The command whose words the line begins with, the longest that there is, and what follows them."""
    known = commands()
    for many in range(min(len(words), 4), 0, -1):
        command = known.get(tuple(words[:many]))
        if command is not None:
            return command, list(words[many:])
    return None, list(words)


def beneath(words: Sequence[str]) -> list[Command]:
    """Commands that begin with these words."""
    start = tuple(words)
    return [each for name, each in commands().items() if name[: len(start)] == start]
