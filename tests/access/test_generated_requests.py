"""Requests that schemathesis makes up from the API's description, to every operation, about real things.

Valid ones are taken or refused for a reason that the description cannot tell; spoiled ones are refused. No
answer is one that is not described. `ROOKERY_TEST_EXAMPLES` asks for more of them than CI does (of each kind,
for each operation), `ROOKERY_TEST_SEED` for others; a failure tells the seed.

What each field does with hostile text and wrong types is in tests.access.test_hostile_api.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import signals
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tenants.dryrun import rehearsal
from tests.access.generated import (
    can_be_spoiled,
    described,
    says_all,
    spoiled_requests,
    valid_requests,
)
from tests.access.operations import IN_A_BROWSER, ROWS
from tests.access.rows import Row
from tests.access.stage import Stage
from tests.access.test_hostile_api import client_for

pytestmark = pytest.mark.one_database

ALL = [*ROWS, *IN_A_BROWSER]
EXAMPLES = int(os.environ.get("ROOKERY_TEST_EXAMPLES", "4"))
SEED = int(os.environ.get("ROOKERY_TEST_SEED", "1"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Fields that are right only together with others, or as things are now: what is refused, and why.
RIGHT_TOGETHER = {
    ("api:domain-aliases", "delivers_to"): "an alias reaches an address of the domain or one elsewhere",
    ("api:public-invitation-requests", "local_part"): "unless the invitation names it",
    ("api:public-decision", "reason"): "for a refusal",
    ("api:invitations", "uses"): "one, where the invitation names the address",
    ("api:hosts", "host"): "unless albatross runs on this machine",
    ("api:host-volumes", "size"): "what is free of the quota",
    ("api:host-firewall-rules", "to_address"): "for a rule that sends on",
    ("api:host-firewall-rule", "to_address"): "for a rule that sends on",
    ("api:host-unikernels", "networks"): "for the devices of the image",
    ("api:host-unikernels", "arguments"): "they name networks and blocks",
    ("api:host-unikernels", "cpuid"): "one of the quota's",
    ("api:unikernel", "cpuid"): "one of the quota's",
    ("api:domain-import", "file"): "the whole body, as CSV",
    ("api:stack", "images"): "an image or a service for each role",
    ("api:stack-plan", "images"): "an image or a service for each role",
    ("api:installation-stack", "services"): "a service for each role that nothing found fills",
    ("api:zone", "repository"): "a repository or a name server",
    ("api:images", "organization"): "in the query beside a file, in the body else",
    ("api:images", "name"): "in the query beside a file, in the body else",
}
# What is valid is refused with these: as things are now, or because of a condition or a key that was sent.
AS_THINGS_ARE = {403, 404, 409, 412, 422}


def test_the_table_is_of_what_is_sent() -> None:
    sent = {(row.name, field) for row in ALL for field in described(row)}
    assert set(RIGHT_TOGETHER) - sent == {("api:domain-import", "file")}


def _named(row: Row) -> str:
    return f"{row.method} {row.name}"


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


@pytest.fixture(autouse=True)
def _in_one_transaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application itself is asked, in the transaction of the stage; nobody works here, so none waits."""
    monkeypatch.setattr("panel.api.waiting._places", threading.Semaphore(0))
    ends = (signals.request_started, signals.request_finished)
    for each in ends:
        each.disconnect(close_old_connections)
    yield
    for each in ends:
        each.connect(close_old_connections)


def _identity(row: Row, stage: Stage) -> dict[str, Any]:
    """Headers and cookies of somebody who may."""
    api = client_for(row, stage)
    cookies = {name: each.value for name, each in api.client.cookies.items()} if row in IN_A_BROWSER else {}
    return {"headers": api.headers, "cookies": cookies}


def _ask(case: Any, who: dict[str, Any]) -> Any:
    note(f"seed {SEED}")
    case.headers = {
        name: value
        for name, value in case.headers.items()
        if name.lower() not in {"authorization", "x-csrftoken", "cookie"}
    }
    case.cookies = {}
    with rehearsal():
        return case.call(**who)


@pytest.mark.parametrize("row", ALL, ids=_named)
def test_what_is_valid_is_answered_as_described(row: Row, stage: Stage) -> None:
    who, fields = _identity(row, stage), described(row)
    proved = {"auth": row.answer("anonymous") != "401" or row in IN_A_BROWSER}

    @seed(SEED)
    @_settings(EXAMPLES)
    @given(made=valid_requests(row, stage))
    def hold(made: tuple[Any, set[str]]) -> None:
        case, made_up = made
        answer = _ask(case, who)
        more = [] if proved["auth"] else [checks.ignored_auth]
        with rehearsal():
            case.validate_response(
                answer, checks=[*CHECKS, *more], headers=who["headers"], transport_kwargs=who
            )
        proved["auth"] |= answer.status_code < 300
        if answer.status_code == 400:
            _for_a_reason(row, case, answer.json(), made_up, fields)
        elif answer.status_code >= 400:
            assert answer.status_code in AS_THINGS_ARE, answer.text[:500]
            assert answer.status_code != 412 or "If-Match" in case.headers

    hold()


def _for_a_reason(
    row: Row, case: Any, told: dict[str, Any], made_up: set[str], fields: dict[str, Any]
) -> None:
    """What is refused was made up, and is something whose rules no description can tell."""
    assert told["code"] == "invalid", told
    sent = dict(case.body) if isinstance(case.body, dict) else {}
    sent |= dict(case.query) | dict(case.headers)
    for each in told["problems"]:
        root = each["field"].partition("[")[0].partition(".")[0]
        if (row.name, root) in RIGHT_TOGETHER:
            continue
        assert root in {*made_up, *case.query, *case.headers}, (each, case.body)
        assert root in sent, f"{root} has to be sent, and the description does not say so"
        assert not says_all(fields[root], sent[root]), (each, sent[root], fields[root])


@pytest.mark.parametrize("row", [row for row in ALL if can_be_spoiled(row)], ids=_named)
def test_what_is_ruled_out_is_refused(row: Row, stage: Stage) -> None:
    who = _identity(row, stage)

    @seed(SEED)
    @_settings(max(1, EXAMPLES // 2))
    @given(case=spoiled_requests(row, stage))
    def hold(case: Any) -> None:
        answer = _ask(case, who)
        case.validate_response(answer, checks=[*CHECKS, checks.negative_data_rejection])

    hold()
