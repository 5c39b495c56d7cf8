"""A secret of our own sent in every field that takes one, and a look wherever it could come out."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from secrets import token_bytes, token_hex
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.forms import PasswordInput
from django.test import Client

from panel.api.command_table import rows as commands
from panel.api.schema import openapi
from panel.logs import JsonLines
from panel.web.fields import Secret
from tenants.dryrun import rehearsal
from tenants.models import OutgoingMail
from tenants.secrets import Opener, Purpose
from tenants.tokens import new_token
from tests.access import operations, pages
from tests.access.doors import FORMS, SISTERS, all_forms
from tests.access.planted import LOOKS_SECRET, OPEN_COLUMNS, OPEN_FIELDS, WORKERS, columns, secret_fields
from tests.access.rows import Row
from tests.access.stage import Stage, only_reading
from tests.access.test_hostile_api import client_for
from tests.api.client import operation_of

pytestmark = pytest.mark.one_database


def _base64() -> str:
    return base64.b64encode(token_bytes(32)).decode()


# A field's name → a secret for it, and how that is written there (`{}` is the secret).
MAKE: dict[str, tuple[Callable[[], str], str]] = {
    "password_hash": (lambda: token_hex(64), "{}"),
    "password": (lambda: f"ferry lantern {token_hex(12)}", "{}"),
    "key": (_base64, "canary.keys.example:SHA256:{}"),
    "root_key": (_base64, "canary._update:SHA256:{}"),
    "seed": (_base64, "{}"),
    "secrets": (lambda: token_hex(20), "seed={}"),
    "token": (lambda: token_hex(20), "{}"),
    "authority_key": (lambda: token_hex(40), "{}"),
    "code": (new_token, "{}"),
}
# What is made up is no link of a mail, no key of an export, no PEM and no offer's code: it is refused, and
# not told again.
NEVER_RIGHT = {("api:hosts", "authority_key"), ("api:domain-export-fetch", "key"), ("way-out-fetch", "key")}
NEVER_RIGHT |= {("api:organization-import", "key"), ("organization-import", "key")}
NEVER_RIGHT |= {("api:organization-take-over", "code"), ("take-over", "code")}


def test_every_secret_that_is_sent_is_said_to_be_one() -> None:
    """In the API's description; the command line takes none of them as a word, and takes no other so."""
    shapes = openapi()["components"]["schemas"]
    sent = [name for name in shapes if name.endswith("Request")]
    fields = {(name, field): schema for name in sent for field, schema in shapes[name]["properties"].items()}
    said = {place for place, schema in fields.items() if schema.get("writeOnly")}
    looks = {(name, field) for name, field in fields if LOOKS_SECRET.search(field)} - {
        place for place in fields if place[1] in OPEN_FIELDS
    }
    assert said == looks
    hidden = {
        (row["operation"], field["name"])
        for row in commands(openapi())
        for field in (*row["fields"], *row["queries"], *row["places"])
        if field.get("secret")
    }
    in_addresses = {
        (row["operation"], field["name"])
        for row in commands(openapi())
        for field in row["places"]
        if field["name"] in {"token", "page_token"}
    }
    described = {
        (operation["operationId"], field)
        for methods in openapi()["paths"].values()
        for operation in methods.values()
        for field in _sent_by(operation)
    }
    assert {each for each in hidden if each not in in_addresses} == described


def _sent_by(operation: dict[str, Any]) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not content:
        return set()
    shape = openapi()["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return {name for name, schema in shape["properties"].items() if schema.get("writeOnly")}


def test_every_column_with_a_secret_is_planted(planted: dict[bytes, str]) -> None:
    assert {f"{model.__name__}.{field.name}" for model, field in columns()} == set(planted.values())
    named = {f"{model.__name__}.{each.name}" for model in apps.get_models() for each in model._meta.fields}
    assert named >= OPEN_COLUMNS


# Sent, and looked for ------------------------------------------------------------------------------------


def _by_program() -> Iterator[tuple[Row, str]]:
    for row in operations.ROWS:
        operation = operation_of(row.method.lower(), row.any_address)
        for field in sorted(_sent_by(operation or {})):
            yield row, field


def _by_form() -> Iterator[tuple[Row, str]]:
    for row in pages.ROWS:
        if row.method == "POST" and row.name in FORMS:
            for field in sorted(secret_fields(FORMS[row.name])):
                yield row, field


SENT = [*_by_program(), *_by_form()]
# Codes and passkeys' answers are used up by the sign-in; hosts with TLS are a form beside that of the table.
ELSEWHERE = {"CodeForm", "AnswerForm", "AgainForm", "AgainCodeForm", "FirstCodeForm", "PasskeyForm"}
ELSEWHERE |= {"PasswordForm", "TlsHostForm", "ApplyForm"}


def test_every_form_with_a_secret_is_sent() -> None:
    assert {form.__name__ for form in SISTERS if secret_fields(form)} == ELSEWHERE
    tried = {(row.name, field) for row, field in SENT}
    forms = {(name, field) for name, form in FORMS.items() for field in secret_fields(form)}
    assert forms <= tried


def test_no_field_shows_a_secret_again() -> None:
    """However a form is refused. Hashes are made by scripts; codes are used up, or worth nothing soon."""
    shown = {
        (form.__name__, name)
        for form in all_forms()
        for name in secret_fields(form) - {"password_hash", "code", "again_code", "answer"}
        if not isinstance(form.base_fields[name], Secret)
        and not isinstance(form.base_fields[name].widget, PasswordInput)
    }
    assert shown == set()
    assert Secret(label="Key").prepare_value("canary") is None


@contextmanager
def overheard() -> Iterator[io.StringIO]:
    """All that is logged, as a program reads it."""
    said, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(said)
    handler.setFormatter(JsonLines())
    names = ("", "django.request", "django.security.csrf")
    before = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _written(writes: list[str]) -> str:
    """Every row, in the clear, of the tables that were written: events, deliveries to webhooks, all of them.

    Mails are opened as a worker opens them.
    """
    found: list[Any] = []
    for model in apps.get_models():
        if any(f'"{model._meta.db_table}"' in sql for sql in writes):
            found += [{**row, "of": model.__name__} for row in model.objects.values()]
    if any("outgoingmail" in sql for sql in writes):
        opener = Opener(WORKERS)
        bodies = OutgoingMail.objects.exclude(sealed_body=None).values_list("sealed_body", flat=True)
        found += [opener.open(Purpose.MAIL_BODY, bytes(body)) for body in bodies]
    return repr(found)


def _break(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")):
        raise RuntimeError("the disk is full")
    return execute(sql, parameters, many, context)


@pytest.mark.parametrize(("row", "field"), SENT, ids=lambda each: getattr(each, "name", each))
def test_what_is_sent_comes_out_nowhere(row: Row, field: str, stage: Stage) -> None:
    """Not when it is taken, nor refused, nor when we break while we write it."""
    make, written = MAKE[field]
    secret = make()
    value, spoiled = written.format(secret), written.format(f"{secret}\0")
    if field == "secrets" and row.name.startswith("api:"):
        value, spoiled = {"seed": secret}, {"seed": f"{secret}\0"}  # type: ignore[assignment]
    with overheard() as said:
        taken, held = _send(row, stage, {field: value})
        refused, _ = _send(row, stage, {field: spoiled})
        with connection.execute_wrapper(_break):
            broken, _ = _send(row, stage, {field: value})
    if field == "token" or (row.name, field) in NEVER_RIGHT:
        assert taken.status_code in {400, 404, 409}, taken.content[:500]
    else:
        assert taken.status_code in {200, 201, 202, 204, 302}, taken.content[:500]
        assert broken.status_code == 500
    # A panel password is taken as it is, whatever is in it.
    assert refused.status_code in {400, 404, 409} or field == "password", refused.content[:300]
    where = {"logs": said.getvalue(), "database": held}
    for answer in (taken, refused, broken):
        where[f"answer {answer.status_code}"] = answer.content.decode() + str(answer.headers)
    assert [name for name, text in where.items() if secret in text] == []


def _send(row: Row, stage: Stage, changed: dict[str, Any]) -> tuple[Any, str]:
    """The answer, and what was written; it is taken back."""
    body = {**row.body(stage.ours), **changed}
    with rehearsal(), only_reading() as writes:
        if row.name.startswith("api:"):
            api = client_for(row, stage)
            client, headers = Client(raise_request_exception=False), api.headers
            answer: Any = client.generic(
                row.method,
                row.address(stage.ours),
                json.dumps(body),
                content_type="application/json",
                headers=headers,
            )
        else:
            person = stage.people["alice" if row.answer("owner") != "403" else "hanna"]
            person.browser.raise_request_exception = False
            answer = person.ask("POST", row.address(stage.ours), body)
        return answer, _written(writes) if answer.status_code < 500 else ""
