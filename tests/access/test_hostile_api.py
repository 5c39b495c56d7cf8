"""Hostile text and wrong types in every field and parameter that the API's description names.

Each is tried as it is and as a dry run, which must say the same. What is refused is told with its field, and
nothing is written; what is kept comes back as it was sent.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.utils.http import urlencode

from tests.access.hostile import FREE, LINES, TEXTS, too_long_for_their_columns
from tests.access.operations import IN_A_BROWSER, ROWS
from tests.access.rows import Row
from tests.access.stage import Stage, after_writes, only_reading, taken_back
from tests.api.client import Api, check, operation_of, strict_document

# The actions are tried with the same on each database: see tests.tenants.test_hostile_text.
pytestmark = pytest.mark.one_database


def texts_at(door: tuple[str, str], method: str) -> dict[str, str]:
    """All of them where text is kept; elsewhere, where all are refused, fields take them in turns."""
    if door in FREE_TEXT | LINES_TOO:
        return TEXTS
    turn = len("".join((method, *door))) % 2
    return {kind: text for at, (kind, text) in enumerate(TEXTS.items()) if at % 2 == turn or kind == "NUL"}


ALL = [*ROWS, *(row for row in IN_A_BROWSER if row.method == "POST")]
FREE_TEXT = {
    ("api:organizations", "name"),
    ("api:organization-suspend", "reason"),
    ("api:domain-mailboxes", "note"),
    ("api:mailbox", "note"),
    ("api:domain-many", "note"),
    ("api:domain-aliases", "note"),
    ("api:held-names", "reason"),
    ("api:mailbox-own-note", "note"),
    ("api:tokens", "name"), ("api:service-tokens", "name"),
    ("api:invitations", "note"),
    ("api:images", "name"), ("api:images", "era"), ("api:images", "note"),
    ("api:image-fetches", "name"), ("api:image-fetches", "era"), ("api:image-fetches", "note"),
    ("api:image-feeds", "era"), ("api:image-feed", "era"),
    ("api:build-servers", "note"), ("api:webhooks", "name"), ("api:webhook", "name"),
    ("api:image", "name"), ("api:image", "era"), ("api:image", "note"),
    ("api:hosts", "name"), ("api:update-servers", "name"), ("api:update-server", "name"),
    ("api:hosts", "name"),
    ("api:mail-checks-mute", "reason"), ("api:stack-open-relay", "reason"), ("api:stack-upgrade", "note"),
    ("api:host-unikernels", "arguments"), ("api:unikernel", "arguments"),
}  # fmt: skip
LINES_TOO = {
    ("api:request-refuse", "reason"),
    ("api:requests-refuse", "reason"),
    ("api:public-decision", "reason"),
    ("api:public-requests", "message"),
    ("api:public-invitation-requests", "message"),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "string": (5, 5.5, True, None, [], {}, ["a"], {"a": "b"}),
    "integer": ("5", "", 5.5, True, [], {}, 10**30, -(10**30), 2**63),
    "boolean": ("true", 1, 0, "", [], {}),
    "array": ("a", 5, None, {}, [1], [None], [["a"]], [{}], ["a"] * 101),
    "object": ("a", 5, 5.5, True, [], ["a"]),
    "array of integers": ("a", 5, None, {}, ["1"], [None], [[1]], [1.5], [True], [0], [2**63], [1] * 201),
}

NUMBERED_FROM_0 = {"cpuids", "restart_on_exit"}


def shape_of(row: Row) -> dict[str, Any]:
    """The fields that an operation takes, as described."""
    operation = operation_of(row.method.lower(), row.any_address)
    body = operation.get("requestBody") if operation else None
    if body is None:
        return {}
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return dict(strict_document()["components"]["schemas"][name]["properties"])


def fields() -> list[Any]:
    """(row, field, its description) of everything that can be sent."""
    return [
        pytest.param(row, field, schema, id=f"{row.method} {row.name} {field}")
        for row in ALL
        for field, schema in shape_of(row).items()
    ]


def kind_of(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "string"))
    return f"{kind} of integers" if schema.get("items", {}).get("type") == "integer" else kind


def test_every_field_is_tried() -> None:
    """What an operation takes is in the data of its row, but for what is tried by itself below."""
    missing = {(row.name, field) for row in ALL for field in shape_of(row) if field not in (row.data or {})}
    assert missing == {
        ("api:mailbox-hand-over", "keep_targets"),
        ("api:organizations", "domain_quota"),
        ("api:organizations", "mailbox_quota"),
        ("api:organization", "mailbox_quota"),
        *(
            (place, f"{what}_quota")
            for place in ("api:organizations", "api:organization")
            for what in ("member", "token", "webhook")
        ),
        ("api:domain-offer", "email"),
        # One or the other, or neither.
        ("api:notices-read", "id"),
        ("api:notices-read", "up_to"),
        ("api:organization", "second_factor_required"),  # takes a fresh sign-in in a browser
        ("api:repository", "port"),
        ("api:zone", "server"),  # instead of a repository
        ("api:tokens", "organization"),
        ("api:domain-import", "preview"),
        ("api:domain-many", "preview"),
        ("api:organization-import", "preview"),
        ("api:tokens", "domain"),
        ("api:service-tokens", "domain"),
        # Instead of a repository; another organization's is tried by the tests of dynamic updates.
        ("api:zone", "server"),
    }


def client_for(row: Row, stage: Stage) -> Api:
    if row in IN_A_BROWSER:
        return Api(
            client=stage.people["olga"].strict_browser(rookery_csrf="a" * 32), **{"X-CSRFToken": "a" * 32}
        )
    if row.answer("anonymous") != "401":
        return Api()
    return Api(stage.people["olga" if row.answer("operator") != "403" else "hanna"].key)


def send(
    api: Api, row: Row, stage: Stage, body: dict[str, Any], before: dict[str, str]
) -> tuple[Any, set[str]]:
    """The answer, and what is different after it. A dry run has said the same, and changed nothing."""
    address = row.address(stage.ours)
    with only_reading() as tries:
        tried = api.ask(row.method, f"{address}?dry_run=true", body)
    assert set(after_writes(before, tries)) <= {"Allowance"}
    with taken_back(before) as changed:
        answer = api.ask(row.method, address, body)
        written = changed()
        assert too_long_for_their_columns(written) == []
    if answer.status_code >= 400:
        assert tried.status_code == answer.status_code
        assert tried.json()["problems"] == answer.json()["problems"]
        assert written == set()
    else:
        assert tried.status_code == 200
    return answer, written


@pytest.mark.parametrize(("row", "field", "schema"), fields())
def test_text(row: Row, field: str, schema: dict[str, Any], stage: Stage, before: dict[str, str]) -> None:
    if kind_of(schema) not in {"string", "array"}:
        return  # text is a wrong type there; see below
    api, is_list = client_for(row, stage), kind_of(schema) == "array"
    door = (row.name, field)
    for kind, text in texts_at(door, row.method).items():
        kept = (kind in FREE and door in FREE_TEXT | LINES_TOO) or (kind in LINES and door in LINES_TOO)
        answer, written = send(
            api, row, stage, {**row.body(stage.ours), field: [text] if is_list else text}, before
        )
        if kept:
            assert answer.status_code < 300, (kind, answer.content[:300])
            assert written, kind
            shown = answer.json()
            assert field not in shown or shown[field] in ([text], text, text.replace("\r\n", "\n")), kind
            continue
        _refused(answer, field, kind)


def _refused(answer: Any, field: str, kind: str) -> None:
    """A link that is unknown, a key or a plan that is another one: told as such, not as a wrong field."""
    told = answer.json()
    if field == "token" and kind not in {"NUL", "huge"}:
        assert told["code"] == "not_found", (kind, told)
    elif (
        field in {"fingerprint", "checksum", "plan"} or (told.get("code") == "conflict" and field == "owner")
    ) and kind not in {"NUL", "huge"}:
        assert told["code"] == "conflict", (kind, told)
    else:
        assert (answer.status_code, told["code"]) == (400, "invalid"), (kind, told)
        named = {each["field"].partition("[")[0] for each in told["problems"]}
        assert named == {field}, (kind, told)
        assert all(each["problem"] and each["fix"] for each in told["problems"])
        assert len(answer.content) < 5000


@pytest.mark.parametrize(("row", "field", "schema"), fields())
def test_wrong_types(
    row: Row, field: str, schema: dict[str, Any], stage: Stage, before: dict[str, str]
) -> None:
    api = client_for(row, stage)
    for value in WRONG[kind_of(schema)]:
        if value == [0] and field in NUMBERED_FROM_0:
            continue
        if value is None and schema.get("nullable"):
            continue
        answer, _ = send(api, row, stage, {**row.body(stage.ours), field: value}, before)
        _refused(answer, field, "huge")
    answer, _ = send(api, row, stage, {**row.body(stage.ours), "unknown": 1}, before)
    _refused(answer, "unknown", "huge")


@pytest.mark.parametrize("row", [row for row in ALL if row.data], ids=lambda row: row.name)
def test_bodies_that_are_no_object(row: Row, stage: Stage, before: dict[str, str]) -> None:
    api = client_for(row, stage)
    first = next(iter(row.data or {}))
    bodies = (
        b"", b"null", b"[]", b'"x"', b"5", b"true", b"{", b"{}x", b"\xff", b'{"a":' * 2000, b"[" * 100_000,
        json.dumps({first: "\ud800"}).encode(), json.dumps({first: "a\udfffb"}).encode(),
        b'{"' + first.encode() + b'": "\xed\xa0\x80"}', json.dumps({"\ud800": 1}).encode(),
        b"x" * ((1 << 20) + 1),
    )  # fmt: skip
    for body in bodies:
        address = row.address(stage.ours)
        with taken_back(before) as changed:
            answer = api.client.generic(
                row.method, address, body, content_type="application/json", headers=api.headers
            )
            check(row.method.lower(), address, answer)
            if row.method == "PATCH" and body == b"":
                continue  # nothing to change
            assert answer.status_code in {400, 413}, (body[:20], answer.content[:300])
            assert changed() == set()


@pytest.mark.parametrize("row", ALL, ids=lambda row: f"{row.method} {row.name}")
def test_parameters(row: Row, stage: Stage, before: dict[str, str]) -> None:
    """Each parameter that is described, and one that is not: refused with its name, or nothing is found."""
    operation = operation_of(row.method.lower(), row.any_address)
    assert operation is not None
    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    texts = [text for text in TEXTS.values() if len(text) < 10_000]
    numbers = ["-1", "9" * 19, "9" * 5000, "\ufffd"]
    api, values = client_for(row, stage), [*texts, *numbers] if row.method == "GET" else numbers
    for name in (*names, "unknown"):
        for value in values if name != "unknown" else numbers[:1]:
            address = f"{row.address(stage.ours)}?{urlencode({name: value})}"
            with taken_back(before) as changed:
                answer = api.ask(row.method, address, row.body(stage.ours) or None)
                assert changed() == set()
            if answer.status_code == 400:
                assert {each["field"] for each in answer.json()["problems"]} == {name}
            else:
                assert name not in {"unknown", "dry_run", "limit", "cursor", "wait"}, value
                assert (answer.status_code, answer.json()["results"]) == (200, []), value


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.absent_address], ids=lambda row: f"{row.method} {row.name}"
)
def test_addresses(row: Row, stage: Stage) -> None:
    """Each variable part of an address: there is no such thing, and the database is not asked in vain."""
    api = client_for(row, stage)
    odd = ("%00", "a%0ab", "%e2%80%ae", "%ed%a0%80", "%22", "x" * 3000, "-1", "0", "9" * 19, "9" * 400,
           "%EF%BC%91", "%00@example.org", "ada@%00", "@", "a@b@c", "$(id)@example.org")  # fmt: skip
    with only_reading() as writes:
        for part in row.parts(stage.ours):
            for text in odd:
                path = row.address(stage.ours).replace(f"/{part}/", f"/{text}/", 1)
                answer = api.ask(row.method, path, row.body(stage.ours) or None)
                # A member is made by naming somebody, whose address is checked as any other.
                named = row.name == "api:member" and row.method == "PUT" and part == "bob@people.example"
                assert answer.status_code in ({400, 404} if named else {404, 405}), path
    assert writes == []
    assert connection.is_usable()
