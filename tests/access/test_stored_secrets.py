"""What is secret in the database, and a look at all that comes out: each page and each operation, answered,
written and broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.models import BinaryField
from django.test import Client

from tenants.dryrun import rehearsal
from tenants.models import Event, Notice, OutgoingMail, StoredAnswer, WebhookDelivery
from tenants.secrets import Opener, Purpose
from tests.access import operations, pages
from tests.access.planted import WORKERS, columns, opened, told_of
from tests.access.rows import Row
from tests.access.stage import Stage
from tests.access.test_hostile_api import client_for
from tests.access.test_planted_secrets import overheard
from tests.api.client import Api

pytestmark = pytest.mark.one_database

READS = [row for row in (*pages.ROWS, *operations.ROWS, *operations.IN_A_BROWSER) if row.method == "GET"]
WRITES = [row for row in (*pages.ROWS, *operations.ROWS, *operations.IN_A_BROWSER) if row.method != "GET"]
# (page or operation, column): why it may be told there, to those who are asked for.
TOLD = dict.fromkeys(
    [
        ("api:organization-export-fetch", "Export.archive"),
        ("organization-export-fetch", "Export.archive"),
    ],
    "It has no secrets, and is what was asked for.",
) | {
    (
        "account-code-app",
        "CodeApp.sealed_seed, opened",
    ): "To its person, until a first code shows that it is kept."
}


@pytest.fixture(scope="module")
def secrets(planted: dict[bytes, str]) -> dict[bytes, str]:
    return {**opened(), **planted}


def _who(row: Row) -> list[str]:
    """An owner and an operator, or the holder where nobody else may."""
    may = {"alice": row.answer("owner"), "olga": row.answer("operator")}
    return [name for name, answer in may.items() if answer not in {"401", "403", "404"}] or ["hanna"]


def _ask(row: Row, stage: Stage, name: str) -> Any:
    cache.clear()  # nobody has asked too often
    person, body = stage.people[name], row.body(stage.ours)
    person.browser.raise_request_exception = False
    if not row.name.startswith("api:"):
        return person.ask(row.method, row.address(stage.ours), body)
    if row in operations.IN_A_BROWSER:
        api = client_for(row, stage)
        api.client.raise_request_exception = False
        return api.ask(row.method, row.address(stage.ours), body or None)
    key = person.key if row.answer("anonymous") == "401" else ""
    api = Api(key, Client(raise_request_exception=False))
    return api.ask(row.method, row.address(stage.ours), body or None)


def _answered(answer: Any) -> bytes:
    """All that goes out; of what never ends, the beginning."""
    if not answer.streaming:
        body = answer.content
    elif answer.is_async:
        body = async_to_sync(_first)(answer.streaming_content)
    else:
        body = b"".join(islice(answer.streaming_content, 3))
        answer.close()
    return str(answer.headers).encode() + body


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    return await anext(pieces)


def _leaks(secrets: dict[bytes, str], row: Row, stage: Stage, where: str, content: bytes) -> list[str]:
    """What is told besides what was asked with, such as the token of a link."""
    address = row.address(stage.ours).encode()
    foreign = {secret: column for secret, column in secrets.items() if secret not in address}
    found = told_of(foreign, content)
    if b"%" in content:
        found |= told_of(foreign, unquote_to_bytes(content))
    return [f"{where} {row.method} {row.name}: {each}" for each in found if (row.name, each) not in TOLD]


# Sealed to who asked for it; the workers cannot open it.
NEVER_OPENED = {"Export.sealed_archive"}


def test_what_is_sealed_is_looked_for_in_the_clear(secrets: dict[bytes, str]) -> None:
    sealed = {
        f"{model.__name__}.{field.name}"
        for model, field in columns()
        if isinstance(field, BinaryField) and field.name.startswith("sealed_")
    }
    assert {f"{each}, opened" for each in sealed - NEVER_OPENED} <= set(secrets.values())
    for secret, column in secrets.items():
        assert column in told_of(secrets, b'{"a": "' + secret + b'"}')


def test_no_answer_tells_what_is_stored(stage: Stage, secrets: dict[bytes, str]) -> None:
    wrong: list[str] = []
    with overheard() as said:
        for row in READS:
            for name in _who(row):
                with rehearsal():
                    answer = _ask(row, stage, name)
                    wrong += _leaks(secrets, row, stage, name, _answered(answer))
                if answer.status_code >= 500:
                    wrong.append(f"{name} {row.method} {row.name} is broken")
    assert wrong == [], "\n".join(wrong)
    assert told_of(secrets, said.getvalue().encode()) == set()


def test_what_is_written_tells_nothing_that_is_stored(stage: Stage, secrets: dict[bytes, str]) -> None:
    """Neither the answer nor events, notices, kept answers, deliveries to webhooks, mails or the log."""
    wrong: list[str] = []
    made: set[str] = set()
    with overheard() as said:
        for row in WRITES:
            for name in _who(row):
                with rehearsal():
                    before = {kind: _newest(kind) for kind in TOLD_IN}
                    answer = _ask(row, stage, name)
                    wrong += _leaks(secrets, row, stage, name, _answered(answer))
                    for kind, show in TOLD_IN.items():
                        rows = kind.objects.filter(pk__gt=before[kind])
                        text = "\n".join(show(each) for each in rows)
                        made |= {kind.__name__} if text else set()
                        wrong += _leaks(secrets, row, stage, f"{kind.__name__} of", text.encode())
    assert wrong == [], "\n".join(wrong)
    assert told_of(secrets, said.getvalue().encode()) == set()
    assert made >= {"Event", "WebhookDelivery", "OutgoingMail", "Notice"}


def _newest(kind: Any) -> int:
    return int(kind.objects.order_by("-pk").values_list("pk", flat=True).first() or 0)


def _mail(row: OutgoingMail) -> str:
    assert row.sealed_body is not None
    return f"{row.recipient} {row.subject} {Opener(WORKERS).open(Purpose.MAIL_BODY, bytes(row.sealed_body))}"


def _values(row: Any) -> str:
    return repr({name: value for name, value in vars(row).items() if name != "_state"})


TOLD_IN: dict[Any, Callable[[Any], str]] = {
    Event: _values,
    Notice: _values,
    StoredAnswer: _values,
    WebhookDelivery: _values,
    OutgoingMail: _mail,
}


class _Breaks:
    """The database goes away at the question of this number, when rows with secrets were read already."""

    def __init__(self, at: int = -1) -> None:
        self.asked, self.at = 0, at

    def __call__(self, execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            self.asked += 1
            if self.asked == self.at:
                raise OperationalError("the disk is full")
        return execute(sql, parameters, many, context)


def test_what_breaks_tells_nothing_that_is_stored(
    stage: Stage, secrets: dict[bytes, str], settings: Any
) -> None:
    """A page of an error, and the log of it: at the last thing that was looked up."""
    assert settings.DEBUG is False
    wrong: list[str] = []
    whole = set()
    with overheard() as said:
        for row in READS:
            if row.name.endswith("-live"):
                continue
            name = _who(row)[0]
            with rehearsal(), connection.execute_wrapper(counts := _Breaks()):
                _answered(_ask(row, stage, name))
            # The second time some asks less: what is done once a minute was done.
            for at in range(counts.asked, 0, -1):
                with rehearsal(), connection.execute_wrapper(_Breaks(at)):
                    answer = _ask(row, stage, name)
                    wrong += _leaks(secrets, row, stage, "broken", _answered(answer))
                if answer.status_code >= 500:
                    break
            else:
                whole.add(row.name)
    assert wrong == [], "\n".join(wrong)
    assert whole == set()
    assert told_of(secrets, said.getvalue().encode()) == set()
