"""Requests made up from the API's description, about things that exist (schemathesis makes them up)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.generation.feedback import NO_FEEDBACK

from tests.access.rows import Row
from tests.access.stage import Stage
from tests.api.client import strict_document, template_of

# What names a row is recognised by its bounds (panel.api.fields.Identifier).
_HIGHEST_ID = 2**63 - 1


@cache
def _schema() -> Any:
    """With no room for fields that are not named, as the API refuses them."""
    schema = schemathesis.openapi.from_dict(copy.deepcopy(strict_document()))
    schema.app = get_wsgi_application()
    return schema


def operation_for(row: Row) -> Any:
    return _schema()[template_of(row.method.lower(), row.any_address)][row.method]


def can_be_spoiled(row: Row) -> bool:
    """Is anything sent but the address, and what may be any text?"""
    return bool(set(described(row)) - {"If-Match", "If-None-Match"})


@st.composite
def valid_requests(draw: Callable[[Any], Any], row: Row, stage: Stage) -> tuple[Any, set[str]]:
    """What the description allows, and which fields of the body are made up: of what is known to be right,
    all are at times, else one or two."""
    made = _requests(row, stage, GenerationMode.POSITIVE)
    case, real = draw(made), row.body(stage.ours)
    if not isinstance(case.body, dict) or not real:
        return case, set(case.body) if isinstance(case.body, dict) else set()
    names = sorted({*real, *case.body})
    every = draw(st.integers(0, 9)) == 0
    made_up = set(names if every else draw(st.lists(st.sampled_from(names), min_size=1, max_size=2)))
    given = dict(case.body)
    kept = {name: value for name, value in real.items() if name not in made_up}
    case.body = kept | {name: value for name, value in given.items() if name in made_up}
    return case, made_up


def spoiled_requests(row: Row, stage: Stage) -> Any:
    """What the description rules out, in one place or more; the address is right."""
    return _requests(row, stage, GenerationMode.NEGATIVE)


def _requests(row: Row, stage: Stage, mode: GenerationMode) -> Any:
    places = {name: str(value) for name, value in row.places(stage.ours).items()}
    return operation_for(row).as_strategy(generation_mode=mode, feedback=NO_FEEDBACK, path_parameters=places)


def says_all(schema: Mapping[str, Any], value: Any) -> bool:
    """Can this part of the description tell what is right? Not of text, which has rules in words, nor of
    ids; a list's emptiness can be told of all."""
    schema = _resolved(schema)
    if value == [] or schema.get("enum"):
        return True
    kind = schema.get("type")
    if kind == "integer":
        return schema.get("maximum") != _HIGHEST_ID
    return kind in {"boolean", "number"}


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = strict_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for joined in ("oneOf", "allOf"):
        if joined in schema:
            return _resolved(schema[joined][0])
    return schema


def described(row: Row) -> dict[str, Mapping[str, Any]]:
    """Everything that is sent beside the address: its name → its schema."""
    operation = strict_document()["paths"][template_of(row.method.lower(), row.any_address)][
        row.method.lower()
    ]
    found = {
        each["name"]: each["schema"]
        for each in operation.get("parameters", [])
        if each["in"] in {"query", "header"}
    }
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return {**found, **(_resolved(body["schema"])["properties"] if body else {})}
