"""A client that holds every answer against the OpenAPI document before a test sees it."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator

from panel.api.schema import openapi


@cache
def strict_document() -> dict[str, Any]:
    """The document with no room for fields that it does not name."""
    document = copy.deepcopy(openapi())
    _close(document["components"]["schemas"])
    return document


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            _close(inner)
    elif isinstance(part, list):
        for inner in part:
            _close(inner)


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for template in strict_document()["paths"]:
        pattern = re.sub(r"\\\{(target_address|email)\\\}", ".+@[^/]+", re.escape(template))
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        found.append((re.compile(pattern), template))
    return sorted(found, key=lambda each: each[1].count("{"))


def template_of(method: str, address: str) -> str | None:
    """The address in the document that this is one of, if that has the method."""
    path = urlsplit(address).path
    for pattern, template in _templates():
        if pattern.fullmatch(path):
            return template if method in strict_document()["paths"][template] else None
    return None


def operation_of(method: str, address: str) -> dict[str, Any] | None:
    template = template_of(method, address)
    return dict(strict_document()["paths"][template][method]) if template else None


def validate(schema: dict[str, Any], value: Any, validator: Any = OAS30ReadValidator) -> None:
    validator({**schema, "components": strict_document()["components"]}).validate(value)


def check(method: str, address: str, response: Any) -> None:
    """Raise when `response` is not as the document says."""
    if method == "head":
        return  # it has no body to hold against anything
    status = str(response.status_code)
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json", response.content
        validate({"$ref": "#/components/schemas/Problem"}, response.json())
        assert response.json()["status"] == response.status_code
        assert response.json()["request_id"] == response["X-Request-Id"]
    operation = operation_of(method, address)
    if operation is None:
        refusals = {401, 404, 405, 429}
        assert response.status_code in refusals, f"{method} {address} is not described"
        return
    assert status in operation["responses"], f"{operation['operationId']} does not describe {status}"
    answer = operation["responses"][status]
    if "$ref" in answer:
        answer = strict_document()["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    for name in ("ETag", "Link", "Idempotency-Replayed", "Rookery-Withheld", "Rookery-Observed"):
        described = name in answer.get("headers", {})
        assert described or name not in response, f"{operation['operationId']} does not describe {name}"
        assert name in response or not (described and method == "get"), f"{name} is missing"
    content = answer.get("content")
    if not content:
        assert response.content == b""
        return
    media_type = response["Content-Type"].partition(";")[0]
    validate(content[media_type]["schema"], response.json())


@cache
def shared_client() -> Client:
    """One for all requests without cookies: loading the middleware takes its time."""
    return Client()


class Api:
    """Speaks JSON with a token, or without one; addresses are below /api/v1/."""

    def __init__(self, key: str = "", client: Client | None = None, **headers: str) -> None:
        self.client = client or shared_client()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.headers |= headers

    def ask(self, method: str, address: str, body: Any = None, **extra: Any) -> Any:
        address = f"/api/v1/{address}" if not address.startswith(("/", "http")) else address
        data = b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method.upper(),
            address,
            data,
            content_type="application/json" if body is not None else "application/octet-stream",
            headers=self.headers | extra.pop("headers", {}),
            **extra,
        )
        check(method.lower(), address, response)
        if response.status_code < 300 and body is not None:
            self._check_body(method.lower(), address, body)
        return response

    def _check_body(self, method: str, address: str, body: Any) -> None:
        """What was taken must also be what the document says can be sent."""
        operation = operation_of(method, address)
        assert operation is not None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validate(schema, body, OAS30WriteValidator)

    def get(self, address: str, **extra: Any) -> Any:
        return self.ask("get", address, **extra)

    def post(self, address: str, body: Any = None, **extra: Any) -> Any:
        return self.ask("post", address, body, **extra)

    def put(self, address: str, body: Any = None, **extra: Any) -> Any:
        return self.ask("put", address, body, **extra)

    def patch(self, address: str, body: Any = None, **extra: Any) -> Any:
        return self.ask("patch", address, body, **extra)

    def delete(self, address: str, **extra: Any) -> Any:
        return self.ask("delete", address, **extra)
