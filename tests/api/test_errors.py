"""Whatever goes wrong has one shape, says what to do, and gives nothing away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from tenants.actor import Actor
from tenants.errors import TooMany
from tenants.models import Domain, Mailbox
from tests.api.client import Api, check, shared_client
from tests.conftest import HASH
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def raw(api: Api, method: str, address: str, body: bytes = b"", **headers: str) -> Any:
    kind = headers.pop("content_type", "application/json")
    answer = shared_client().generic(
        method, f"/api/v1/{address}", body, content_type=kind, headers=api.headers | headers
    )
    check(method.lower(), f"/api/v1/{address}", answer)
    return answer


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"NaN",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xef\xbb\xbf{}",
        b'{"name": "a"} trailing',
    ],
    ids=["cut", "bytes", "nan", "nan inside", "half surrogate", "lists", "objects", "mark", "trailing"],
)
def test_what_is_no_json_is_malformed(body: bytes, api: Callable[..., Api], olga: Actor) -> None:
    answer = raw(api(olga), "POST", "organizations/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        (b"[]", "", "not a JSON object"),
        (b'"x"', "", "not a JSON object"),
        (b"{}", "name", "missing"),
        (b"", "name", "missing"),
        (b'{"name": 5}', "name", "not text"),
        (b'{"name": null}', "name", "null"),
        (b'{"name": "a\\u0000b"}', "name", "Null characters"),
        (b'{"name": "a\\u202eb"}', "name", "direction"),
        (b'{"name": "a", "domain_quota": "5"}', "domain_quota", "whole number"),
        (b'{"name": "a", "domain_quota": true}', "domain_quota", "whole number"),
        (b'{"name": "a", "domain_quota": 5.0}', "domain_quota", "whole number"),
        (b'{"name": "a", "domain_quota": 1e99}', "domain_quota", "whole number"),
        (b'{"name": "a", "domain_quota": 99999999999999999999}', "domain_quota", "above"),
        (b'{"name": "a", "domain_quota": -1}', "domain_quota", "below 0"),
        (b'{"name": "a", "nmae": "b"}', "nmae", "not known"),
        (b'{"name": "' + b"x" * 5000 + b'"}', "name", "longer than"),
    ],
)
def test_each_problem_names_its_field_and_a_fix(
    body: bytes, field: str, problem: str, api: Callable[..., Api], olga: Actor
) -> None:
    answer = raw(api(olga), "POST", "organizations/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    [told] = answer.json()["problems"]
    assert told["field"] == field
    assert problem in told["problem"]
    assert told["fix"]


def test_several_problems_come_together(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    answer = api(alice).post(
        "domains/example.org/mailboxes/",
        {"local_part": "Ada/x", "targets": ["ada@home.example", "no address"], "password_hash": "abc"},
    )
    fields = [each["field"] for each in answer.json()["problems"]]
    assert fields == ["local_part", "targets[1]", "password_hash"]
    assert not Mailbox.objects.exists()


def test_wrong_types_inside_a_list_name_their_place(
    api: Callable[..., Api], alice: Actor, domain: Domain
) -> None:
    answer = api(alice).post(
        "domains/example.org/mailboxes/", {"local_part": "ada", "targets": ["a@home.example", 5, None]}
    )
    assert [each["field"] for each in answer.json()["problems"]] == ["targets[1]", "targets[2]"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dryrun=true", "dryrun"),
        ("dry_run=maybe", "dry_run"),
        ("dry_run=true&dry_run=false", "dry_run"),
        ("limit=5", "limit"),
    ],
)
def test_a_misspelled_parameter_never_writes(
    query: str, field: str, api: Callable[..., Api], alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    answer = api(alice).delete(f"mailboxes/ada@example.org/?{query}")
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["field"] == field
    assert Mailbox.objects.get().trashed_at is None


@pytest.mark.parametrize("limit", ["0", "201", "x", "1" * 2000, "-1", "1.5"])
def test_a_page_has_bounds(limit: str, api: Callable[..., Api], alice: Actor) -> None:
    answer = api(alice).get(f"domains/?limit={limit}")
    assert answer.json()["problems"][0]["field"] == "limit"


def test_media_types(api: Callable[..., Api], olga: Actor) -> None:
    operator = api(olga)
    form = raw(
        operator, "POST", "organizations/", b"name=x", content_type="application/x-www-form-urlencoded"
    )
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    html = raw(operator, "GET", "organizations/", Accept="text/html")
    assert (html.status_code, html.json()["code"]) == (406, "not_acceptable")


def test_a_large_body_is_not_read(api: Callable[..., Api], olga: Actor, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = raw(api(olga), "POST", "organizations/", b'{"name": "' + b"x" * 1000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_methods_that_are_not_there(api: Callable[..., Api], olga: Actor) -> None:
    for method in ("DELETE", "OPTIONS", "TRACE"):
        answer = raw(api(olga), method, "organizations/")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert set(answer["Allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.parametrize(
    "address",
    [
        "nothing/",
        "",
        "organizations/0/",
        "organizations/99999999999999999999/",
        "domains/exa%00mple.org/",
        "mailboxes/ada%00@example.org/",
        "mailboxes/a%2Fb@example.org/",
        "mailboxes/%F0%9F%90%A6@example.org/",
        "public/requests/short/",
    ],
)
def test_nowhere_has_the_same_shape(address: str) -> None:
    for method in ("get", "post", "delete"):
        answer = Api().ask(method, address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_missing_slash_is_told() -> None:
    answer = Api().get("domains")
    assert answer.status_code == 404
    assert "end with a slash" in answer.json()["detail"]
    assert "end with a slash" not in Api().get("nothing").json()["detail"]


def test_a_bug_says_nothing_of_itself(
    api: Callable[..., Api], alice: Actor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr("panel.api.domains.show_domain", broken)
    monkeypatch.setattr("tenants.access.visible_to", broken)
    answer = api(alice).get("domains/")
    assert (answer.status_code, answer.json()["code"]) == (500, "broken")
    assert "1234" not in answer.content.decode()
    assert answer.json()["request_id"] in caplog.text


def test_a_busy_database_is_worth_another_try(
    api: Callable[..., Api], alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    client = api(alice)
    monkeypatch.setattr("tenants.access.visible_to", locked)
    answer = client.get("domains/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "locked" not in answer.content.decode()


def test_limits_of_actions_say_when_to_come_back(
    api: Callable[..., Api], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TooMany("Too many requests came from your network. Try again in 2 minutes.", 120)

    monkeypatch.setattr("tenants.limits.spend", refuse)
    answer = Api().post(
        "public/domains/example.org/requests/",
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH},
    )
    assert (answer.status_code, answer["Retry-After"]) == (429, "120")
    assert answer.json()["code"] == "too_many"


def test_states_that_do_not_fit_are_conflicts(api: Callable[..., Api], alice: Actor, world: World) -> None:
    owner = api(alice)
    assert owner.post("mailboxes/ada@example.org/restore/").status_code == 409
    assert owner.delete("mailboxes/babbage@example.org/").status_code == 409
    again = {"host": "git.example.org", "path": "relay.git"}
    assert owner.put("domains/example.org/repository/", again).status_code == 409
    assert owner.post(f"runs/{world.run.pk}/agree/", {"checksum": "d" * 64}).status_code == 409
    wrong_key = owner.post("domains/example.org/repository/host-key/", {"fingerprint": "SHA256:other"})
    assert wrong_key.status_code == 409
    approve = f"requests/{world.request.pk}/approve/"
    assert owner.post(approve).status_code == 200
    assert owner.post(approve).status_code == 409


def test_who_asks_is_a_question_with_a_challenge(domain: Domain) -> None:
    answer = Api().get("domains/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="rookery"')
    basic = Api(Authorization="Basic YTpi").get("domains/")
    assert (basic.status_code, basic.json()["code"]) == (401, "not_authenticated")
