"""The description of the API: as OpenAPI for programs, as one plain page for people, both from one source."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api import errors
from panel.api.base import ApiView
from panel.api.schema import NULL, openapi

_METHODS = ("get", "post", "put", "patch", "delete")
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class Description(ApiView):
    """The OpenAPI document. Anybody may read how to ask."""

    noun, tag = "schema", "About"
    authentication_classes = []
    permission_classes = []
    schema = None  # type: ignore[assignment]

    def retrieve(self, request: Request) -> Response:
        return Response(openapi(), headers={"Cache-Control": "public, max-age=300"})


class Reference(ApiView):
    """The reference: one page without scripts, readable offline."""

    noun, tag = "reference", "About"
    authentication_classes = []
    permission_classes = []
    schema = None  # type: ignore[assignment]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)

    def retrieve(self, request: Request) -> HttpResponse:
        response = HttpResponse(_page())
        response["Content-Security-Policy"] = _POLICY
        response["Cache-Control"] = "public, max-age=300"
        return response


@cache
def _page() -> str:
    document = openapi()
    return render_to_string(
        "api/reference.html",
        {
            "title": document["info"]["title"],
            "introduction": [
                _pieces(paragraph) for paragraph in document["info"]["description"].split("\n\n")
            ],
            "groups": _groups(document),
            "shapes": [
                {"name": name, "note": shape.get("description", ""), "fields": _fields(shape)}
                for name, shape in sorted(document["components"]["schemas"].items())
            ],
            "codes": [
                {"code": code, "status": status, "title": title, "meaning": meaning}
                for code, (status, title, meaning) in errors.CODES.items()
            ],
        },
    )


def _pieces(paragraph: str) -> list[tuple[bool, str]]:
    """Text and code (between backticks) in turn; the first of each pair says whether it is code."""
    return [(index % 2 == 1, piece) for index, piece in enumerate(paragraph.split("`"))]


def _groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                described = _operation(address, method, methods[method])
                groups.setdefault(methods[method]["tags"][0], []).append(described)
    return [{"name": name, "operations": found} for name, found in sorted(groups.items())]


def _operation(address: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "address": address,
        "summary": operation.get("summary", ""),
        "public": not operation.get("security") or {} in operation["security"],
        "parameters": [
            {
                "name": parameter["name"],
                "place": parameter["in"],
                "type": describe_type(parameter["schema"]),
                "note": parameter.get("description", ""),
                "required": parameter.get("required", False),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": describe_type(body["schema"]) if body else "",
        "example": _example(body),
        "answers": [_answer(status, answer) for status, answer in operation["responses"].items()],
    }


def _answer(status: str, answer: dict[str, Any]) -> dict[str, str]:
    if "$ref" in answer:
        return {"status": status, "type": "Problem", "note": ""}
    content = answer.get("content", {}).get("application/json")
    shape = describe_type(content["schema"]) if content else ""
    return {"status": status, "type": shape, "note": answer.get("description", "")}


def _example(body: dict[str, Any]) -> str:
    for example in body.get("examples", {}).values():
        return json.dumps(example["value"], indent=2, ensure_ascii=False)
    return ""


def _fields(shape: dict[str, Any]) -> list[dict[str, Any]]:
    required = shape.get("required", [])
    return [
        {
            "name": name,
            "type": describe_type(field),
            "note": field.get("description", ""),
            "required": name in required,
        }
        for name, field in shape.get("properties", {}).items()
    ]


def describe_type(schema: dict[str, Any]) -> str:
    """A schema in a few words: `string or null`, `list of Mailbox`, `one of: on, off`."""
    if schema == NULL:
        return "null"
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "allOf" in schema:
        words = " and ".join(describe_type(each) for each in schema["allOf"])
    elif "oneOf" in schema:
        words = " or ".join(describe_type(each) for each in schema["oneOf"])
    elif "enum" in schema:
        words = "one of: " + ", ".join(str(each) for each in schema["enum"] if each is not None)
    elif schema.get("type") == "array":
        words = f"list of {describe_type(schema.get('items', {}))}"
    else:
        kind, form = schema.get("type", "anything"), schema.get("format")
        words = f"{kind} ({form})" if form and form not in {"int64"} else str(kind)
    return f"{words} or null" if schema.get("nullable") else words
