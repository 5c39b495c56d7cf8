"""Every operation for every role. The table is complete: a new operation without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from panel.api.schema import openapi
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tests.api.client import Api
from tests.conftest import HASH
from tests.world import CHECKSUM, World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]

ROLES = ("owner", "manager", "viewer", "stranger", "operator", "anonymous")


@dataclass(frozen=True)
class Case:
    """An operation, where it is tried, and the status for each of ROLES in turn."""

    name: str
    method: str
    address: str
    statuses: str
    body: Any = None
    absent: str = ""


OURS = "200 200 200 404 200 401"
OWNERS = "200 403 403 404 200 401"
EDITORS = "200 200 403 404 200 401"
EVERYBODY = "200 200 200 200 200 401"
PUBLIC = "200 200 200 200 200 200"
MADE = "201 403 403 404 201 401"
FREE_HASH = HASH[::-1]

CASES = [
    Case("list_organizations", "get", "organizations/", EVERYBODY),
    Case("create_organization", "post", "organizations/", "403 403 403 403 201 401", {"name": "New one"}),
    Case("get_organization", "get", "organizations/{organization}/", OURS, absent="organizations/999999/"),
    Case(
        "change_organization",
        "patch",
        "organizations/{organization}/",
        "403 403 403 404 200 401",
        {"domain_quota": 4},
        absent="organizations/999999/",
    ),
    Case(
        "list_members",
        "get",
        "organizations/{organization}/members/",
        OURS,
        absent="organizations/9/members/",
    ),
    Case(
        "create_member",
        "post",
        "organizations/{organization}/members/",
        MADE,
        {"email": "new@people.example", "role": "viewer"},
        absent="organizations/999999/members/",
    ),
    Case(
        "put_member",
        "put",
        "organizations/{organization}/members/bob@people.example/",
        OWNERS,
        {"role": "manager"},
        absent="organizations/999999/members/bob@people.example/",
    ),
    Case(
        "delete_member",
        "delete",
        "organizations/{organization}/members/bob@people.example/",
        "204 403 403 404 204 401",
        absent="organizations/{organization}/members/nobody@people.example/",
    ),
    Case("list_domains", "get", "domains/", EVERYBODY),
    Case(
        "create_domain",
        "post",
        "domains/",
        MADE,
        {"organization": "{organization}", "name": "new.example"},
    ),
    Case("get_domain", "get", "domains/example.org/", OURS, absent="domains/nowhere.example/"),
    Case(
        "change_domain",
        "patch",
        "domains/example.org/",
        OWNERS,
        {"requests": "closed", "submission_host": "mail.example.org"},
        absent="domains/nowhere.example/",
    ),
    Case(
        "list_mailboxes",
        "get",
        "domains/example.org/mailboxes/",
        OURS,
        absent="domains/nowhere.example/mailboxes/",
    ),
    Case(
        "create_mailbox",
        "post",
        "domains/example.org/mailboxes/",
        "201 201 403 404 201 401",
        {"local_part": "lovelace", "targets": ["ada@home.example"], "password_hash": FREE_HASH},
        absent="domains/nowhere.example/mailboxes/",
    ),
    Case("get_mailbox", "get", "mailboxes/ada@example.org/", OURS, absent="mailboxes/no@example.org/"),
    Case(
        "change_mailbox",
        "patch",
        "mailboxes/ada@example.org/",
        EDITORS,
        {"note": "Analyst", "enabled": False},
        absent="mailboxes/no@example.org/",
    ),
    Case(
        "delete_mailbox", "delete", "mailboxes/ada@example.org/", EDITORS, absent="mailboxes/no@example.org/"
    ),
    Case(
        "restore_mailbox",
        "post",
        "mailboxes/babbage@example.org/restore/",
        EDITORS,
        absent="mailboxes/no@example.org/restore/",
    ),
    Case(
        "set_passphrase",
        "put",
        "mailboxes/ada@example.org/passphrase/",
        EDITORS,
        {"password_hash": FREE_HASH},
        absent="mailboxes/no@example.org/passphrase/",
    ),
    Case(
        "list_mailbox_targets",
        "get",
        "mailboxes/ada@example.org/targets/",
        OURS,
        absent="mailboxes/no@example.org/targets/",
    ),
    Case(
        "create_mailbox_target",
        "post",
        "mailboxes/ada@example.org/targets/",
        "201 201 403 404 201 401",
        {"address": "third@home.example"},
        absent="mailboxes/no@example.org/targets/",
    ),
    Case(
        "delete_mailbox_target",
        "delete",
        "mailboxes/ada@example.org/targets/second@home.example/",
        EDITORS,
        absent="mailboxes/no@example.org/targets/second@home.example/",
    ),
    Case(
        "ask_target_again",
        "post",
        "mailboxes/ada@example.org/targets/second@home.example/confirmation/",
        "202 202 403 404 202 401",
        absent="mailboxes/no@example.org/targets/second@home.example/confirmation/",
    ),
    Case(
        "get_repository",
        "get",
        "domains/example.org/repository/",
        OURS,
        absent="domains/nowhere.example/repository/",
    ),
    Case(
        "connect_repository",
        "put",
        "domains/bare.example.org/repository/",
        MADE,
        {"host": "git.example.org", "path": "bare.git"},
        absent="domains/nowhere.example/repository/",
    ),
    Case(
        "confirm_host_key",
        "post",
        "domains/example.org/repository/host-key/",
        OWNERS,
        {"fingerprint": "{fingerprint}"},
        absent="domains/nowhere.example/repository/host-key/",
    ),
    Case("list_requests", "get", "requests/", EVERYBODY),
    Case("get_request", "get", "requests/{request}/", OURS, absent="requests/999999/"),
    Case(
        "approve_request", "post", "requests/{request}/approve/", EDITORS, absent="requests/999999/approve/"
    ),
    Case(
        "refuse_request",
        "post",
        "requests/{request}/refuse/",
        EDITORS,
        {"reason": "This name is kept."},
        absent="requests/999999/refuse/",
    ),
    Case(
        "create_public_request",
        "post",
        "public/domains/example.org/requests/",
        "202 202 202 202 202 202",
        {"local_part": "mary", "target": "mary@home.example", "password_hash": FREE_HASH},
    ),
    Case("get_public_request", "get", "public/requests/{page}/", PUBLIC),
    Case("withdraw_public_request", "post", "public/requests/{page}/withdraw/", PUBLIC),
    Case("confirm_public_request", "post", "public/requests/confirm/", PUBLIC, {"token": "{asked}"}),
    Case("confirm_public_target", "post", "public/targets/confirm/", PUBLIC, {"token": "{target_token}"}),
    Case("list_targets", "get", "targets/", EVERYBODY),
    Case("get_target", "get", "targets/{target}/", OURS, absent="targets/999999/"),
    Case(
        "check_target",
        "post",
        "targets/{target}/check/",
        "202 202 403 404 202 401",
        absent="targets/999999/check/",
    ),
    Case(
        "preview_target",
        "post",
        "targets/{target}/preview/",
        "202 202 403 404 202 401",
        absent="targets/999999/preview/",
    ),
    Case(
        "set_drift_mode",
        "put",
        "targets/{target}/drift-mode/",
        OWNERS,
        {"drift_mode": "repair"},
        absent="targets/999999/drift-mode/",
    ),
    Case("list_findings", "get", "targets/{target}/findings/", OURS, absent="targets/999999/findings/"),
    Case(
        "decide_finding",
        "post",
        "targets/{target}/findings/decide/",
        "202 403 403 404 202 401",
        {"decision": "adopt", "units": ["foreign"]},
        absent="targets/999999/findings/decide/",
    ),
    Case(
        "confirm_reload",
        "post",
        "targets/{target}/reload-confirmed/",
        OWNERS,
        absent="targets/999999/reload-confirmed/",
    ),
    Case("list_runs", "get", "runs/", EVERYBODY),
    Case("get_run", "get", "runs/{run}/", OURS, absent="runs/999999/"),
    Case(
        "agree_to_run",
        "post",
        "runs/{run}/agree/",
        OWNERS,
        {"checksum": CHECKSUM},
        absent="runs/999999/agree/",
    ),
    Case("list_events", "get", "events/", EVERYBODY),
    Case("get_account", "get", "account/", EVERYBODY),
    Case("list_tokens", "get", "account/tokens/", EVERYBODY),
]
# What only a person in a browser may do; see test_tokens.
BROWSER_ONLY = {"create_token", "delete_token"}


def places(world: World) -> dict[str, Any]:
    return {
        "organization": world.organization.pk,
        "request": world.request.pk,
        "target": world.target.pk,
        "run": world.run.pk,
        "page": world.page_token,
        "asked": world.asked_token,
        "target_token": world.target_token,
        "fingerprint": world.fingerprint,
    }


def filled(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, str):
        if value.startswith("{") and value.endswith("}"):
            return names[value[1:-1]]
        return value.format(**names)
    return value


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panel.api.targets.LONGEST_LOOK", 0.0)


@pytest.fixture
def everybody(
    api: Callable[..., Api], alice: Actor, mona: Actor, bob: Actor, charlie: Actor, olga: Actor
) -> dict[str, Api]:
    people = (alice, mona, bob, charlie, olga, None)
    return {role: api(person) for role, person in zip(ROLES, people, strict=True)}


def test_the_table_knows_every_operation() -> None:
    described = {
        operation["operationId"] for methods in openapi()["paths"].values() for operation in methods.values()
    }
    assert {case.name for case in CASES} | BROWSER_ONLY == described


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_role(case: Case, world: World, everybody: dict[str, Api]) -> None:
    names = places(world)
    address, body = filled(case.address, names), filled(case.body, names)
    seen = {}
    for role, status in zip(ROLES, case.statuses.split(), strict=True):
        with rehearsal():
            answer = everybody[role].ask(case.method, address, body)
        if status != "???":
            seen[role] = (str(answer.status_code), status, answer.content[:300])
    wrong = {role: found for role, found in seen.items() if found[0] != found[1]}
    assert not wrong


@pytest.mark.parametrize("case", [case for case in CASES if case.absent], ids=lambda case: case.name)
def test_foreign_and_absent_are_told_alike(case: Case, world: World, everybody: dict[str, Api]) -> None:
    names = places(world)
    bodies = []
    for address in (case.address, case.absent):
        answer = everybody["stranger"].ask(case.method, filled(address, names), filled(case.body, names))
        assert answer.status_code == 404
        request_id = answer.json()["request_id"].encode()
        bodies.append(answer.content.replace(request_id, b""))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "address", ["organizations/", "domains/", "requests/", "targets/", "runs/", "events/"]
)
def test_lists_hold_nothing_foreign(address: str, world: World, everybody: dict[str, Api]) -> None:
    assert everybody["owner"].get(address).json()["results"]
    foreign = everybody["stranger"].get(address).json()["results"]
    assert "example.org" not in str(foreign)
    assert "Analytical" not in str(foreign)
