"""Every page and every operation × how far somebody is with a second factor, over the same tables.

- *lacking*: an organization, or Rookery of its operators, asks for one, and there is none yet.
- *between*: the first step of signing in was passed, the second was not.
- *complete*: it is asked for, and it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from itertools import cycle
from typing import Any

import pytest
from django.test import Client
from django.utils.http import urlencode

from tenants.actions.service_tokens import create_service_token
from tenants.actions.token_rows import Wish
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.models import Account, Organization
from tests.access import operations, pages
from tests.access.rows import ROUTES, Row
from tests.access.stage import Person, Stage, only_reading, told
from tests.api.client import Api
from tests.conftest import account
from tests.web import entrances
from tests.web.test_needed_factors import set_up
from tests.world import add_member

pytestmark = pytest.mark.one_database

BY_KEY = [*operations.ROWS, *operations.BY_A_TOKEN]
BY_SESSION = [*operations.ROWS, *operations.IN_A_BROWSER]

SETTING_UP = "/account/second-factors"
# What is left to whoever lacks one: setting one up, looking at and closing their sessions, signing out.
OPEN = {
    "account-factors", "account-code-app", "account-code-app-remove", "account-recovery-codes",
    "account-passkey-add", "account-passkey-remove", "account-passkey-rename",
    "account-sessions", "account-session-close",
    "api:sessions", "api:session", "api:sessions-others",
}  # fmt: skip
OPEN_READS = {"api:account"}


def is_open(row: Row) -> bool:
    """Whether it is for whoever lacks one; what is for strangers is for them, too."""
    if row.name in OPEN or (row.name in OPEN_READS and row.method == "GET"):
        return True
    return row.answer("anonymous") not in {"in", "401"} or row.name in {"second-step", "sign-out"}


def in_browser(client: Client) -> Api:
    return Api(client=client, **{"X-CSRFToken": "a" * 32})


@pytest.fixture(scope="module")
def dora(stage: Stage) -> Actor:
    """An owner like alice, with an authenticator app."""
    actor = Actor(account=add_member(stage.ours.organization, account("dora").email, "owner").account)
    set_up(actor)
    return actor


@pytest.fixture(scope="module")
def ruth(stage: Stage) -> Person:
    """A postmaster of one domain of alice's organization, and no member of it."""
    email = f"ruth-of-{stage.ours.domain.name}@people.example"
    return Person("ruth", {}, Actor(account=Account.objects.get(email=email)))


@pytest.fixture
def asked(stage: Stage, settings: Any) -> Iterator[None]:
    """Alice's organization asks its people, and Rookery its operators."""
    settings.STAFF_SECOND_FACTOR = True
    ours = Organization.objects.filter(pk=stage.ours.organization.pk)
    ours.update(second_factor_required=True)
    yield
    ours.update(second_factor_required=False)


def test_what_stays_open_is_there() -> None:
    assert set(ROUTES) >= OPEN | OPEN_READS


def test_whoever_lacks_one_gets_nowhere_else(stage: Stage, ruth: Person, asked: None) -> None:
    """Each page and each operation, by people, keys and sessions in turns: all stand at the same gate."""
    people = [*stage.some("alice", "olga"), ruth]
    keys = [Api(person.key) for person in people]
    sessions = [in_browser(person.strict_browser(rookery_csrf="a" * 32)) for person in people]
    wrong = [each for row, turn in zip(pages.ROWS, cycle(people)) for each in _by_page(row, stage, turn)]
    wrong += [each for row, api in zip(BY_KEY, cycle(keys)) for each in _by_operation(row, stage, api)]
    for row, api in zip(operations.IN_A_BROWSER + operations.ROWS[::7], cycle(sessions)):
        wrong += _by_operation(row, stage, api)
    assert not wrong


def _by_page(row: Row, stage: Stage, person: Person) -> list[str]:
    address = row.address(stage.ours)
    with rehearsal(), only_reading() as writes:
        answer = person.ask(row.method, address, row.body(stage.ours))
    is_led = told(answer) == "to" and answer["Location"] == SETTING_UP
    # Some of the pages about factors lead there, too, after they did something.
    return _wrong(row, address, person.name, is_led, writes) if is_led or not is_open(row) else []


def _by_operation(row: Row, stage: Stage, api: Api) -> list[str]:
    address = row.address(stage.ours)
    with rehearsal(), only_reading() as writes:
        answer = api.ask(row.method, address, row.body(stage.ours) or None)
    is_told = answer.status_code == 403 and answer.json()["code"] == "second_factor_needed"
    return _wrong(row, address, "a program", is_told, writes)


def _wrong(row: Row, address: str, name: str, is_stopped: bool, writes: list[str]) -> list[str]:
    where = f"{row.method} {address} for {name}"
    if is_open(row):
        return [f"{where} is shut"] if is_stopped and not row.name.startswith("account-") else []
    return [f"{where} is open"] if not is_stopped else [f"{where} wrote {writes}"] if writes else []


def test_between_two_steps_somebody_is_nobody(stage: Stage, dora: Actor) -> None:
    assert dora.account is not None
    client, wrong = Client(), []
    assert entrances.by_password(client, dora.account)["Location"] == "/second-step"
    cookies = client.cookies.output(header="", sep=";")
    for row in [*pages.ROWS, *BY_SESSION]:
        address, body = row.address(stage.ours), row.body(stage.ours)
        if row.name in {"second-step", "sign-in", "sign-out"}:
            continue  # see tests.web.test_second_step
        client.cookies = SimpleCookie(cookies)
        with rehearsal():
            if row.name.startswith("api:"):
                client.cookies["rookery_csrf"] = "a" * 32
                answer = in_browser(client).ask(row.method, address, body or None)
            else:
                answer = client.generic(
                    row.method,
                    address,
                    urlencode(body, doseq=True) if row.method == "POST" else "",
                    content_type="application/x-www-form-urlencoded",
                )
        if told(answer) != row.answer("anonymous"):
            wrong.append(f"{row.method} {address}: {told(answer)}, not {row.answer('anonymous')}")
    assert not wrong
    client.cookies = SimpleCookie(cookies)
    assert client.get("/second-step").status_code == 200  # it was so all the time


def test_with_one_everything_is_as_in_the_tables(stage: Stage, dora: Actor, asked: None) -> None:
    """The gate opens wholly. A program has no second factor; whoever made its key has."""
    person = Person("dora", {"ours": "owner"}, dora)
    _, key = create_service_token(
        actor=dora, organization=stage.ours.organization, role="owner", wish=Wish("robot")
    )
    wrong = []
    for row in [row for row in pages.ROWS if row.method == "GET"][::9]:
        if told(person.ask("GET", row.address(stage.ours))) != row.answer("owner"):
            wrong.append(row.address(stage.ours))
    for row in [row for row in operations.ROWS if row.method == "GET"][::9]:
        for api in (Api(person.key), Api(key)):
            if (code := api.get(row.address(stage.ours)).status_code) != int(row.answer("owner")):
                wrong.append(f"{row.address(stage.ours)}: {code}")
    assert not wrong
