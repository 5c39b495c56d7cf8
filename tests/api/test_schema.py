"""The description: valid, complete, with examples that hold; and the page made of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from openapi_spec_validator import validate as validate_document

from panel.api.errors import CODES
from panel.api.reference import describe_type
from panel.api.schema import NULL, openapi
from tests.api.client import strict_document, validate

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]

UNDESCRIBED = {"schema", "docs", "nowhere"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (address, method, operation)
        for address, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def routes(resolver: URLResolver) -> list[URLPattern]:
    found = []
    for each in resolver.url_patterns:
        found += routes(each) if isinstance(each, URLResolver) else [each]
    return found


def test_the_document_is_openapi() -> None:
    validate_document(openapi())


def test_every_route_and_method_is_described() -> None:
    described = {(operation["operationId"]) for _, _, operation in operations()}
    assert len(described) == len(operations())
    served = 0
    for route in routes(get_resolver("tests.api.urls")):
        if route.name not in UNDESCRIBED:
            served += len(set(route.callback.actions) - {"head"})  # type: ignore[attr-defined]
    assert served == len(described)


@pytest.mark.parametrize("part", operations(), ids=lambda each: "")
def test_each_operation_is_complete(part: tuple[str, str, dict[str, Any]]) -> None:
    address, method, operation = part
    assert operation["summary"]
    answers = operation["responses"]
    assert {"400", "401", "404", "406", "429", "500", "503"} <= set(answers)
    assert [status for status in answers if status.startswith("2")]
    if method == "get":
        assert "requestBody" not in operation
    else:
        assert {"403", "409", "413", "415"} <= set(answers)
        assert "200" in answers, "a dry run answers 200"
        assert "dry_run" in {each["name"] for each in operation["parameters"]}
    public = address.startswith("/api/v1/public/")
    assert ({} in operation.get("security", [{}])) is public


def bodies() -> set[str]:
    """The shapes that are sent."""
    return {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, _, operation in operations()
        if "requestBody" in operation
    }


def test_every_example_holds() -> None:
    sent, schemas = bodies(), strict_document()["components"]["schemas"]
    assert {name for name in sent if "example" not in schemas[name]} == set()
    for name, schema in schemas.items():
        if "example" in schema:
            validator = OAS30WriteValidator if name in sent else OAS30ReadValidator
            validate({"$ref": f"#/components/schemas/{name}"}, schema["example"], validator)
    for answer in strict_document()["components"]["responses"].values():
        for example in answer["content"]["application/problem+json"]["examples"].values():
            validate({"$ref": "#/components/schemas/Problem"}, example["value"])


def test_it_is_served_to_anybody_and_kept() -> None:
    answer = Client().get("/api/v1/schema/")
    assert answer.json() == openapi()
    assert answer["Cache-Control"] == "public, max-age=300"


def test_no_shape_has_a_hash_or_a_private_key() -> None:
    for name, schema in openapi()["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            if name not in bodies():
                assert not re.search(r"hash|sealed|digest|private|passw", field), f"{name}.{field}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.styles: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.styles += [given["href"] or ""] if tag == "link" else []
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def test_the_reference_is_one_page_without_scripts() -> None:
    answer = Client().get("/api/v1/docs/", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    page = _Page()
    page.feed(answer.content.decode())
    assert not {"script", "style", "iframe", "img"} & set(page.tags)
    assert page.inline == []
    assert page.styles == ["/static/favicon.svg", "/static/rookery.css", "/static/api/reference.css"]
    assert finders.find("api/reference.css")
    assert len(page.ids) == len(set(page.ids))
    wanted = {operation["operationId"] for _, _, operation in operations()}
    wanted |= {f"problem-{code}" for code in CODES}
    wanted |= {f"shape-{name}" for name in openapi()["components"]["schemas"]}
    assert wanted <= set(page.ids)
    missing = [link for link in page.links if link.startswith("#") and link[1:] not in page.ids]
    assert missing == []
    assert all(link.startswith(("#", "/")) for link in page.links)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "nullable": True}, "string or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Mailbox"}}, "list of Mailbox"),
        ({"type": "string", "enum": ["on", "off"]}, "one of: on, off"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"oneOf": [{"$ref": "#/x/Token"}, NULL]}, "Token or null"),
        ({}, "anything"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert describe_type(schema) == words
