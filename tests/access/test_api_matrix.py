"""Every operation of the API × method × role × own or another's organization, by key, by session, by neither.

Each answer is also held against the API's own description (tests.api.client).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tenants.actions import accounts
from tenants.dryrun import rehearsal
from tests.access.operations import ABOUT, BY_A_TOKEN, IN_A_BROWSER, NOWHERE, ROWS
from tests.access.rows import METHODS, ROUTES, Row
from tests.access.stage import Person, Stage, after_writes, comparable, only_reading, taken_back
from tests.api.client import Api

pytestmark = pytest.mark.one_database

NAMES = [name for name in ROUTES if name.startswith("api:")]
BY_KEY, BY_SESSION = [*ROWS, *BY_A_TOKEN], [*ROWS, *IN_A_BROWSER]
OF_ROUTE = {name: [row for row in [*BY_SESSION, *ABOUT] if row.name == name] for name in NAMES}
READS = {"GET", "HEAD", "OPTIONS"}


def named(row: Row) -> str:
    return f"{row.method} {row.name}"


def test_the_table_knows_every_operation() -> None:
    assert {row.name for row in [*BY_KEY, *BY_SESSION, *ABOUT]} == set(NAMES) - {NOWHERE}
    for name in set(NAMES) - {NOWHERE}:
        methods = [row.method for row in OF_ROUTE[name]]
        assert sorted(methods) == sorted(ROUTES[name].methods), name
    assert sorted(map(named, BY_KEY)) == sorted(map(named, BY_SESSION))


def by_key(person: Person) -> Api:
    return Api(person.key)


def by_session(person: Person) -> Api:
    """The panel's own pages: with a cookie, and the CSRF token beside it."""
    client = person.strict_browser(rookery_csrf="a" * 32)
    return Api(client=client, **{"X-CSRFToken": "a" * 32})


@pytest.mark.parametrize("row", BY_KEY, ids=named)
def test_each_role_by_key(row: Row, stage: Stage, before: dict[str, str]) -> None:
    _hold(row, stage, list(stage.people.values()), by_key, before)


@pytest.mark.parametrize("row", BY_SESSION, ids=named)
def test_each_role_by_session(row: Row, stage: Stage, before: dict[str, str]) -> None:
    """The same table; only how somebody proves who they are is different."""
    _hold(row, stage, stage.some("nobody", "charlie", "bob", "alice"), by_session, before)


def _hold(
    row: Row, stage: Stage, people: list[Person], sign_in: Callable[[Person], Api], before: dict[str, str]
) -> None:
    wrong = []
    for person in people:
        api = sign_in(person)
        absent = _absent(row, stage, person, api)
        for name, relation in person.relations.items():
            if person.name == "hanna" and name == "theirs" and not row.absent_address:
                continue
            world, wanted = stage.worlds[name], row.answer(relation)
            answer, wrote = _ask(api, row.method, row.address(world), row.body(world), before)
            where = f"{row.method} {row.address(world)} for {person.name}"
            if str(answer.status_code) != wanted:
                wrong.append(f"{where}: {answer.status_code}, not {wanted}: {answer.content[:300]}")
            if wrote and (row.method == "GET" or answer.status_code >= 400):
                wrong.append(f"{where} wrote {wrote}")
            if wanted == "404" and absent is not None and comparable(answer) != comparable(absent):
                wrong.append(f"{where} is told otherwise than when it is absent")
    assert not wrong


def _absent(row: Row, stage: Stage, person: Person, api: Api) -> Any:
    if not row.absent_address or person.name in {"bob", "mona"}:
        return None
    with rehearsal():
        answer = api.ask(row.method, row.absent_address, row.body(stage.ours) or None)
    usual = row.answer(person.relations["ours"])
    assert str(answer.status_code) == ("401" if usual == "401" else "404"), row.absent_address
    return answer


def _ask(
    api: Api, method: str, address: str, data: dict[str, Any], before: dict[str, str]
) -> tuple[Any, list[str]]:
    with rehearsal():
        with only_reading() as writes:
            answer = api.ask(method, address, data or None)
        changed = after_writes(before, writes)
    return answer, [*writes, *changed] if method == "GET" else changed


@pytest.mark.parametrize("row", ABOUT, ids=named)
def test_anybody_may_read_how_to_ask(row: Row, stage: Stage) -> None:
    with only_reading() as writes:
        for person in stage.people.values():
            assert person.ask("GET", row.address(stage.ours)).status_code == 200
    assert writes == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != NOWHERE])
def test_other_methods_are_refused(name: str, stage: Stage) -> None:
    rows = OF_ROUTE[name]
    served = {row.method for row in rows} | ({"HEAD"} if any(row.method == "GET" for row in rows) else set())
    address, is_public = rows[0].address(stage.ours), rows[0].answer("anonymous") != "401"
    with only_reading() as writes:
        for method in set(METHODS) - served:
            assert by_key(stage.people["alice"]).ask(method, address).status_code == 405
            assert (
                by_key(stage.people["nobody"]).ask(method, address).status_code == 405 if is_public else 401
            )
    assert writes == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=named)
def test_head_is_get_without_a_body(row: Row, stage: Stage) -> None:
    with only_reading() as writes:
        for person in stage.some("nobody", "charlie", "alice"):
            head = by_key(person).ask("HEAD", row.address(stage.ours))
            assert (str(head.status_code), head.content) == (row.answer(person.relations["ours"]), b"")
    assert writes == []


@pytest.mark.parametrize("method", METHODS)
def test_nowhere_is_nowhere_for_everybody(method: str, stage: Stage) -> None:
    for person in stage.people.values():
        for path in ("/api/v1/nothing/", "/api/", "/api/v2/domains/", "/api/v1/domains"):
            assert by_key(person).ask(method, path).status_code == 404


# A plan of what is chosen; and nothing here is suspended.
ONLY_LOOKS = {
    "api:organization-lift",
    "api:stack-plan",
    "api:stack-upgrade-plan",
    "api:stack-release-plan",
    "api:installation-plan",
}


@pytest.mark.parametrize("row", [row for row in ROWS if row.method != "GET"], ids=named)
def test_a_dry_run_answers_as_if(row: Row, stage: Stage, before: dict[str, str]) -> None:
    """It changes nothing, also not what it only looked at; the same without it changes something."""
    # What belongs to a person alone, no operator does.
    who = "olga" if row.answer("operator") != "403" else "hanna"
    operator = by_key(stage.people[who])
    address, body = row.address(stage.ours), row.body(stage.ours) or None
    with only_reading() as writes:
        answer = operator.ask(row.method, f"{address}?dry_run=true", body)
    assert (answer.status_code, answer["Rookery-Dry-Run"]) == (200, "true")
    assert "Location" not in answer
    assert after_writes(before, writes) == []
    with rehearsal(), only_reading() as writes:
        assert operator.ask(row.method, address, body).status_code < 300
        assert after_writes(before, writes) or row.name in ONLY_LOOKS


# Keys that may less than their person ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrowed(stage: Stage) -> Api:
    """An operator's key that may act in charlie's organization only."""
    olga = stage.people["olga"].actor
    assert olga is not None
    _, key = accounts.create_token(actor=olga, name="narrow", organization=stage.theirs.organization)
    return Api(key)


OF_THE_INSTALLATION = {
    "api:organizations", "api:build-servers", "api:build-server", "api:targets-let-all-go",
}  # fmt: skip


@pytest.fixture(scope="module")
def reading(stage: Stage) -> Api:
    alice = stage.people["alice"].actor
    assert alice is not None
    _, key = accounts.create_token(actor=alice, name="reading", read_only=True)
    return Api(key)


@pytest.fixture(scope="module")
def before(narrowed: Api, reading: Api, before: dict[str, str]) -> dict[str, str]:
    """With the keys of this file."""
    return before


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_narrowed_key_is_a_stranger_elsewhere(row: Row, stage: Stage, narrowed: Api) -> None:
    for name, relation in (("ours", "stranger"), ("theirs", "operator")):
        wanted = row.answer(relation)
        if row.name in OF_THE_INSTALLATION and row.method != "GET":
            wanted = "403"  # outside of every organization
        if row.name in {"api:host-shares", "api:host-unshare", "api:domain-hand-over"}:
            wanted = "404"  # with another organization, which is not there for this key
        if row.name == "api:target-let-go" and relation == "operator":
            wanted = "403"  # what came out of a backup is a matter of the whole installation
        world = stage.worlds[name]
        with rehearsal():
            answer = narrowed.ask(row.method, row.address(world), row.body(world) or None)
        assert str(answer.status_code) == wanted, f"{row.address(world)}: {answer.content[:300]}"


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_reading_key_only_reads(row: Row, stage: Stage, reading: Api) -> None:
    """It is told so before anything is looked for: also where it would find nothing."""
    is_public = row.answer("anonymous") != "401"
    wanted = row.answer("owner") if is_public or row.method == "GET" else "403"
    with rehearsal():
        answer = reading.ask(row.method, row.address(stage.ours), row.body(stage.ours) or None)
    assert str(answer.status_code) == wanted
    if wanted == "403":
        assert "only read" in answer.json()["detail"]


@pytest.mark.parametrize("row", [row for row in BY_SESSION if row.method not in READS], ids=named)
def test_a_browser_without_its_csrf_token_writes_nothing(
    row: Row, stage: Stage, before: dict[str, str]
) -> None:
    client = stage.people["olga"].strict_browser()
    is_public = row.answer("anonymous") != "401"
    for token in ({}, {"X-CSRFToken": "b" * 32}):
        with taken_back(before) as changed:
            answer = Api(client=client, **token).ask(
                row.method, row.address(stage.ours), row.body(stage.ours) or None
            )
            # Public operations use no session, so there is nothing to borrow.
            assert answer.status_code == (int(row.answer("anonymous")) if is_public else 403)
            assert is_public or (not changed() and "CSRF" in answer.json()["detail"])


# What is of two organizations at once ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("PUT", "organizations/{organization}/members/{email}/", {"role": "owner"}),
        ("DELETE", "organizations/{organization}/members/{email}/", None),
        ("POST", "domains/", {"organization": "{organization}", "name": "new.example"}),
    ],
)
def test_ids_of_both_organizations(
    method: str, address: str, body: dict[str, Any] | None, stage: Stage, before: dict[str, str]
) -> None:
    """Alice names charlie's things in addresses and bodies that begin with her own."""
    theirs = stage.theirs.names
    mixed = {**theirs, "organization": stage.ours.organization.pk} if "{email}" in address else theirs
    filled = json.loads(json.dumps(body).replace('"{organization}"', str(mixed["organization"])))
    with taken_back(before) as changed:
        answer = by_key(stage.people["alice"]).ask(method, address.format(**mixed), filled)
        # She may let anybody into her own.
        let_in = {"Membership", "Event", "OutgoingMail", "SignInLink"}
        assert (answer.status_code, changed()) == ((200, let_in) if method == "PUT" else (404, set()))


@pytest.mark.parametrize(
    "address",
    [
        "domains/?organization={organization}",
        "targets/?organization={organization}",
        "events/?organization={organization}",
        "events/?domain={domain}",
        "events/?mailbox=ada@{domain}",
        "events/?target={target}",
        "requests/?domain={domain}",
        "runs/?domain={domain}",
        "runs/?target={target}",
        "organizations/",
        "domains/",
        "requests/",
        "targets/",
        "runs/",
        "events/",
        "account/",
        "account/tokens/",
    ],
)
def test_lists_and_filters_show_nothing_foreign(address: str, stage: Stage) -> None:
    shown = by_key(stage.people["alice"]).get(address.format(**stage.theirs.names)).content.decode()
    assert stage.theirs.domain.name not in shown
    assert stage.theirs.organization.name not in shown
    if "?" in address:
        assert by_key(stage.people["charlie"]).get(address.format(**stage.theirs.names)).json()["results"]
        assert json.loads(shown)["results"] == []
