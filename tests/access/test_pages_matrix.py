"""Every page × method × role × own or another's organization, against the table in tests.access.pages."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.dryrun import rehearsal
from tests.access.inline import unsafe
from tests.access.pages import ROWS
from tests.access.rows import METHODS, ROUTES, Row
from tests.access.stage import Stage, after_writes, comparable, only_reading, told

pytestmark = pytest.mark.one_database

NAMES = [name for name in ROUTES if not name.startswith("api:")]
OF_ROUTE = {name: {row.method: row for row in ROWS if row.name == name} for name in NAMES}
# What says no; nothing may be written then.
DENIED = {"in", "400", "401", "403", "404", "405"}


def test_the_table_knows_every_page_and_method() -> None:
    assert {row.name for row in ROWS} == set(NAMES)
    assert len(ROWS) == sum(len(rows) for rows in OF_ROUTE.values())
    for name, rows in OF_ROUTE.items():
        if ROUTES[name].methods:
            assert set(rows) == ROUTES[name].methods, name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_each_role(row: Row, stage: Stage, before: dict[str, str]) -> None:
    """The answer is the table's; who is told no has written nothing; foreign and absent are told alike.

    Looking (GET and HEAD) writes nothing for anybody.
    """
    wrong = []
    for person in stage.people.values():
        absent = _absent(row, stage, person)
        for name, relation in person.relations.items():
            if person.name == "hanna" and name == "theirs" and not row.absent_address:
                continue
            world, wanted = stage.worlds[name], row.answer(relation)
            address = row.address(world)
            answer, wrote = _ask(person, row.method, address, row.body(world), before)
            where = f"{row.method} {address} for {person.name}"
            if told(answer) != wanted:
                wrong.append(f"{where}: {told(answer)}, not {wanted}")
            if faults := unsafe(answer):
                wrong.append(f"{where} is served with {faults}")
            if wrote and (row.method == "GET" or wanted in DENIED) and row.name != "sign-out":
                wrong.append(f"{where} wrote {wrote}")
            if wanted == "404" and absent is not None and comparable(answer) != comparable(absent):
                wrong.append(f"{where} is told otherwise than when it is absent")
    assert not wrong


def _absent(row: Row, stage: Stage, person: Any) -> Any:
    """What `person` is told of a thing that there is not; None for addresses that name nothing."""
    if not row.absent_address or person.name in {"bob", "mona"}:
        return None
    with rehearsal():
        answer = person.ask(row.method, row.absent_address, row.body(stage.ours))
    usual = row.answer(person.relations["ours"])
    assert told(answer) == (usual if usual in {"in", "401"} else "404"), row.absent_address
    return answer


def _ask(
    person: Any, method: str, address: str, data: dict[str, Any], before: dict[str, str]
) -> tuple[Any, list[str]]:
    """The answer, and which tables are different after it; what was written is taken back."""
    with rehearsal():
        with only_reading() as writes:
            answer = person.ask(method, address, data)
        changed = after_writes(before, writes)
    return answer, [*writes, *changed] if method == "GET" else changed


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=lambda row: row.name)
def test_head_is_get_without_a_body(row: Row, stage: Stage) -> None:
    with only_reading() as writes:
        for person in stage.some("nobody", "charlie", "alice", "olga"):
            head = person.ask("HEAD", row.address(stage.ours))
            live = row.name.endswith("-live")
            assert told(head) == ("405" if live else row.answer(person.relations["ours"])), person.name
            assert head.content == b""
    assert writes == []


@pytest.mark.parametrize("name", NAMES)
def test_other_methods_are_refused(name: str, stage: Stage) -> None:
    rows = OF_ROUTE[name]
    address = next(iter(rows.values())).address(stage.ours)
    with only_reading() as writes:
        for method in set(METHODS) - set(rows) - ({"HEAD"} if "GET" in rows else set()):
            for person in stage.some("nobody", *(["alice"] if method in {"GET", "POST"} else [])):
                answer = person.ask(method, address)
                assert answer.status_code == 405, f"{method} {address} for {person.name}"
                assert set(answer["Allow"].split(", ")) - {"HEAD"} == set(rows)
    assert writes == []
