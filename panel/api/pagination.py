"""Pages of a list by its own order: no counting, no skipping, stable while rows come and go."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from tenants.errors import Invalid

if TYPE_CHECKING:
    from rest_framework.views import APIView

DEFAULT_LIMIT = 100


def write_cursor(position: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str, kind: type[str] | type[int]) -> str | int:
    """The position behind a cursor; raises Invalid for one that we did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        position = json.loads(raw.decode("ascii"))
    except (binascii.Error, ValueError, RecursionError):
        position = None
    if type(position) is int and kind is int and 0 <= position < 2**63:
        return position
    if type(position) is str and kind is str and position.isprintable():
        return position
    raise Invalid.of("cursor", "This cursor is not one of ours.", "Take it from `next`, or start without.")


class CursorPagination(BasePagination):
    """Keyset pages over one unique column, `view.ordering` (`-` in front: newest first)."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        ordering: str = getattr(view, "ordering", "pk")
        given: dict[str, Any] = getattr(view, "given", {})
        name, limit = ordering.lstrip("-"), given.get("limit", DEFAULT_LIMIT)
        rows: QuerySet[Any] = queryset.order_by(ordering)
        if given.get("cursor"):
            after = read_cursor(given["cursor"], int if name == "pk" else str)
            rows = rows.filter(**{f"{name}__{'lt' if ordering.startswith('-') else 'gt'}": after})
        found = list(rows[: limit + 1])
        self.next_link = None
        if len(found) > limit:
            found.pop()
            last = found[-1]
            position = last[name] if isinstance(last, dict) else getattr(last, name)
            here = request.build_absolute_uri()
            self.next_link = replace_query_param(here, "cursor", write_cursor(position))
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
