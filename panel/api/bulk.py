"""Several operations in one request: all of them are done, or none.

Each goes through the very view that serves its address, so it is checked, authorized, recorded and described
as if it had come alone; here they only share one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.errors import MEDIA_TYPE, AnswerWith, NotAll
from panel.api.fields import Choice, Shape, Text
from panel.api.schema import operation
from tenants.errors import Invalid, Problem

MOST = 100
PREFIX = "/api/v1/"
_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_PATH = re.compile(r"[\x21-\x7e]{1,1000}")


class Anything(serializers.JSONField):
    """A JSON value; the operation itself says which."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class OperationWish(Shape):
    method = Choice(choices=[(name, name) for name in _METHODS])
    path = Text(max_length=1000, help_text="Below /api/v1/, e.g. mailboxes/ada@example.org/; no query.")
    body = Anything(required=False, help_text="What is sent to that address.")
    if_match = Text(required=False, max_length=1000, help_text="As the header If-Match.")


class Operations(serializers.ListField):
    """What is to be done, in this order."""

    child = OperationWish()
    default_error_messages = {
        "required": "This field is missing.\nSend a list of operations.",
        "null": "This is null.\nSend a list of operations.",
        "not_a_list": "This is not a list.\nSend a JSON array of operations.",
        "empty": "There is nothing to do here.\nSend at least one operation.",
        "max_length": "There are more than {max_length} operations here.\nSend them in several requests.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty=False, max_length=MOST, **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) > MOST:
            self.fail("max_length", max_length=MOST)
        return super().to_internal_value(data)


class BulkWish(Shape):
    operations = Operations(help_text=f"1 to {MOST}; each sees what those before it did.")

    example = {
        "operations": [
            {
                "method": "POST",
                "path": "domains/example.org/mailboxes/",
                "body": {"local_part": "ada", "targets": ["ada@home.example"]},
            },
            {"method": "PATCH", "path": "mailboxes/bob@example.org/", "body": {"enabled": False}},
        ]
    }


class DoneSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField(help_text="What the operation alone would have been answered.")
    location = serializers.CharField(allow_null=True, help_text="Where what it made is.")
    etag = serializers.CharField(allow_null=True)
    body = serializers.JSONField(allow_null=True, help_text="As the operation's own answer.")


class BulkSerializer(serializers.Serializer[Any]):
    results = DoneSerializer(many=True, help_text="One for each operation, in its order.")


@dataclass(frozen=True)
class Step:
    """One operation and the view that serves its address."""

    index: int
    view: Any
    kwargs: dict[str, Any]
    path: str
    wish: dict[str, Any]


class Bulk(ApiView):
    noun, plural, tag = "bulk", "bulk", "Bulk"

    @operation(
        "Do several operations in one transaction: all of them, or none",
        request=BulkWish,
        responses=BulkSerializer,
    )
    def do_all(self, request: Request) -> Response:
        steps = _steps(self.body(BulkWish)["operations"])
        return self.act(lambda: self._do(steps), lambda results: {"results": results})

    @transaction.atomic
    def _do(self, steps: Sequence[Step]) -> list[dict[str, Any]]:
        """Each step in a savepoint of its own, so that all that is wrong can be told at once."""
        results, problems = [], list[Problem]()
        for step in steps:
            with transaction.atomic():
                answer = step.view(self._inner(step), **step.kwargs)
                if answer.status_code >= HTTPStatus.BAD_REQUEST:
                    transaction.set_rollback(True)
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise AnswerWith(Response(answer.data, status=answer.status_code, content_type=MEDIA_TYPE))
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                problems += _problems(step.index, answer)
            results.append(
                {
                    "status": answer.status_code,
                    "location": answer.headers.get("Location"),
                    "etag": answer.headers.get("ETag"),
                    "body": answer.data,
                }
            )
        if problems:
            raise NotAll(problems)
        return results

    def _inner(self, step: Step) -> HttpRequest:
        """The request that the operation alone would have been, by the same caller."""
        outer: Any = self.request._request
        inner: Any = HttpRequest()
        inner.method, inner.path = step.wish["method"], step.path
        inner.path_info = step.path
        inner.META = {
            name: value
            for name, value in outer.META.items()
            if name in {"SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "REMOTE_ADDR"}
        }
        if "body" in step.wish:
            inner._body = msgspec.json.encode(step.wish["body"])
            inner.META |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(inner._body))}
        if "if_match" in step.wish:
            inner.META["HTTP_IF_MATCH"] = step.wish["if_match"]
        if self.dry:
            inner.GET = inner.GET.copy()
            inner.GET["dry_run"] = "true"
        inner.in_bulk, inner._read_started = True, True
        inner._force_auth_user, inner._force_auth_token = self.request.user, self.request.auth
        inner.client_ip = getattr(outer, "client_ip", None)
        inner.request_id = getattr(outer, "request_id", "")
        return inner  # type: ignore[no-any-return]


def _steps(wishes: Sequence[dict[str, Any]]) -> list[Step]:
    """The views behind the operations; raises Invalid for what cannot be one of several."""
    found, problems = list[Step](), list[Problem]()
    for index, wish in enumerate(wishes):
        step = _step(index, wish)
        if isinstance(step, Step):
            found.append(step)
        else:
            problems.append(step)
    if problems:
        raise Invalid(problems)
    return found


def _step(index: int, wish: dict[str, Any]) -> Step | Problem:
    field, path = f"operations[{index}].path", PREFIX + wish["path"].removeprefix(PREFIX)
    if not _PATH.fullmatch(path) or "?" in path:
        return Problem(
            field, "This is no address without a query.", "Send it as in mailboxes/ada@example.org/."
        )
    try:
        match = resolve(path)
    except Resolver404:
        return Problem(
            field, "There is no such address.", "Take one from the reference; it ends with a slash."
        )
    view: Any = match.func
    kind = getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    if kind is None or wish["method"].lower() not in actions or not issubclass(kind, ApiView):
        return Problem(field, f"{wish['method']} is not served here.", "Take both from the reference.")
    if not kind.keyed or kind.shown_once or kind is Bulk:
        return Problem(
            field, "This cannot be one of several operations.", "Ask for it in a request of its own."
        )
    return Step(index, view, dict(match.kwargs), path, wish)


def _problems(index: int, answer: Response) -> Iterator[Problem]:
    """What is wrong with one operation, each problem under its place in the request."""
    place, told = f"operations[{index}]", answer.data
    if not told["problems"]:
        yield Problem(place, told["detail"], f"See {told['code']} in the reference.")
    for each in told["problems"]:
        field = f".{each['field']}" if each["field"] else ""
        inner = field if field == ".If-Match" else f".body{field}" if field else ""
        yield Problem(f"{place}{inner}", each["problem"], each["fix"])
