"""Pages of a list by its own order: no counting, no skipping, stable while rows come and go."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from tenants.bounded import first_of_each, rows_after
from tenants.errors import Invalid

DEFAULT_LIMIT = 100
Position = list[str | int]
Parts = Sequence[QuerySet[Any]]


def write_cursor(order: str, position: Position) -> str:
    said = json.dumps([order, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The position behind a cursor; raises Invalid for one that we did not make, or for another order."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        said = json.loads(raw.decode("ascii"))
        if isinstance(said, list) and said[:1] == [order] and len(said) == len(kinds) + 1:
            return [_read(value, kind) for value, kind in zip(said[1:], kinds, strict=True)]
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise Invalid.of(
        "cursor", "This cursor is not one of this list.", "Take it from `next`, or start without."
    )


def _read(value: Any, kind: type) -> Any:
    if kind is int and type(value) is int and 0 <= value < 2**63:
        return value
    if kind is str and type(value) is str and value.isprintable():
        return value
    if kind is datetime and type(value) is str:
        return datetime.fromisoformat(value)
    raise ValueError(value)


def _kind_of(rows: QuerySet[Any], name: str) -> type:
    if name == "pk":
        return int
    field = rows.model._meta.get_field(name)
    if isinstance(field, DateTimeField):
        return datetime
    return int if "Integer" in field.get_internal_type() or "AutoField" in field.get_internal_type() else str


class CursorPagination(BasePagination):
    """Keyset pages. An order is one or two columns, the last of them unique (`-` in front: descending).

    `view.orders` names those of a list; the first is taken where the query says none.
    """

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None, parts: Parts = ()
    ) -> list[Any]:
        """The rows of one page. `parts` are the same in pieces of which an index has each in order."""
        given: dict[str, Any] = getattr(view, "given", {})
        limit = given.get("limit", DEFAULT_LIMIT)
        orders = view.orders
        order = given.get("order") or next(iter(orders))
        names = [name.lstrip("-") for name in orders[order]]
        is_down = orders[order][0].startswith("-")
        rows: QuerySet[Any] = queryset.order_by(*orders[order])
        parts = [part.order_by(*orders[order]) for part in parts]
        if given.get("cursor"):
            position = read_cursor(given["cursor"], order, [_kind_of(rows, name) for name in names])
            later = rows_after(names, position, is_down)
            rows, parts = rows.filter(later), [part.filter(later) for part in parts]
        if parts:
            rows = rows.filter(pk__in=first_of_each(parts, limit + 1))
        found = list(rows[: limit + 1])
        self.next_link = None
        if len(found) > limit:
            found.pop()
            here = request.build_absolute_uri()
            self.next_link = replace_query_param(
                here, "cursor", write_cursor(order, [_value(found[-1], name) for name in names])
            )
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next_link})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "The address of the next page; null on the last.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return []  # PageQuery says them


def _value(row: Any, name: str) -> str | int:
    value = row[name] if isinstance(row, dict) else getattr(row, name)
    return value.isoformat() if isinstance(value, datetime) else value
