"""What a program of somebody's was promised within /api/v1 stays (docs/api.md, “What stays as it is”)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from panel.api.schema import openapi
from tests.api.promises import broken, given_by, promised


def test_nothing_that_was_promised_is_broken() -> None:
    assert broken(promised(), given_by(openapi())) == [], (
        "A program that works by this would fail. Bring it back beside what is new, or say in docs/api.md and"
        " CHANGELOG.md what changes and run `python -m tests.api.promises --break`: after the first release"
        " only after its notice."
    )


def test_what_is_new_is_promised_too() -> None:
    assert promised() == given_by(openapi()), "Run `python -m tests.api.promises` and commit promises.json."


def test_nothing_is_on_its_way_out_without_a_word() -> None:
    """The first one that is shall say so in its answers: Deprecation (RFC 9745), Sunset (RFC 8594)."""
    methods = [each for path in openapi()["paths"].values() for each in path.values()]
    for operation in (each for each in methods if each.get("deprecated")):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                assert {"Deprecation", "Sunset"} <= set(answer.get("headers", {})), operation["operationId"]


OLD: dict[str, Any] = {
    "operations": {
        "PUT /a/": {
            "query": {"wait": "integer"},
            "takes": {"application/json": "#ARequest"},
            "answers": {"200": {"application/json": "#A"}},
        }
    },
    "shapes": {
        "ARequest": {"!name": "string", "kind": "=x|y", "note": "string?", "rows": "[#Row]"},
        "A": {"!name": "string", "!kind": "=x|y", "!size": "integer", "!rows": "[#Row]"},
        "Row": {"!at": "string"},
    },
}


def _change(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *way, last = path
        for step in way:
            document = document[step]
        document.pop(last.lstrip("!"), None)
        document.pop(f"!{last}", None)
        if to is not None:
            document[last] = to

    return change


TAKES, ANSWERS = ("shapes", "ARequest"), ("shapes", "A")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_change("operations", "PUT /a/", to=None), "PUT /a/ is gone."),
        (_change("operations", "PUT /a/", "query", "wait", to=None), "wait is gone."),
        (_change("operations", "PUT /a/", "query", "!new", to="string"), "new is new, and has to be sent."),
        (_change("operations", "PUT /a/", "query", "wait", to="=1|2"), "wait was integer and is =1|2."),
        (_change("operations", "PUT /a/", "answers", "200", to=None), "does not answer 200 any more."),
        (_change(*TAKES, "note", to=None), "note is gone."),
        (_change(*TAKES, "!note", to="string?"), "note has to be sent now."),
        (_change(*TAKES, "note", to="string"), "note cannot be null any more."),
        (_change(*TAKES, "!more", to="string"), "more is new, and has to be sent."),
        (_change(*TAKES, "kind", to="=x"), "kind does not take y any more."),
        (_change(*TAKES, "kind", to="string"), ""),
        (_change(*TAKES, "more", to="string"), ""),
        (_change(*TAKES, "name", to="string"), ""),
        (_change(*ANSWERS, "size", to=None), "size is gone."),
        (_change(*ANSWERS, "size", to="integer"), "size may be missing now."),
        (_change(*ANSWERS, "!size", to="integer?"), "size may be null now."),
        (_change(*ANSWERS, "!size", to="number"), "size was integer and is number."),
        (_change(*ANSWERS, "!kind", to="=x|y|z"), ""),
        (_change(*ANSWERS, "!more", to="string"), ""),
        (_change("shapes", "Row", "!at", to="integer"), "at was string and is integer."),
    ],
)
def test_what_breaks_a_program_is_seen(change: Callable[[dict[str, Any]], None], said: str) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    found = broken(OLD, new)
    assert bool(found) == bool(said)
    assert all(each.endswith(said) for each in found)
