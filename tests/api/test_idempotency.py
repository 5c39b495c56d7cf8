"""Idempotency keys: once done, twice answered; another request is told; nothing secret is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from panel.api import idempotency
from panel.api.base import ApiView
from panel.api.schema import openapi
from panel.api.urls import urlpatterns
from panel.fresh import stamp
from tenants import answers
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.models import ApiToken, Mailbox, Membership, StoredAnswer
from tests.api.client import Api
from tests.conftest import HASH
from tests.tenants.test_at_once import at_once
from tests.world import World
from workers.sweeper import sweep

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]

KEY = {"Idempotency-Key": "3f0e4bd2-0c1c-4d0a-9f6e-2d1f2a7b9c11"}
ADDRESSES = "domains/example.org/mailboxes/"
MARY = {"local_part": "mary", "targets": ["mary@home.example"], "password_hash": HASH}


def same(first: Any, second: Any) -> None:
    """Byte for byte, but for what says that it is a replay."""
    assert (second.status_code, second.content) == (first.status_code, first.content)
    for name in ("Location", "ETag", "Link", "Content-Type"):
        assert second.headers.get(name) == first.headers.get(name), name
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"


def test_another_request_with_the_key_is_told(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client = api(alice)
    first = client.patch("mailboxes/ada@example.org/", {"note": "one"}, headers=KEY)
    others: list[Any] = [
        client.patch("mailboxes/ada@example.org/", {"note": "two"}, headers=KEY),
        client.patch("mailboxes/babbage@example.org/", {"note": "one"}, headers=KEY),
        client.patch("mailboxes/ada@example.org/?wait=0", {"note": "one"}, headers=KEY),
        client.patch(
            "mailboxes/ada@example.org/", {"note": "one"}, headers={**KEY, "If-Match": first["ETag"]}
        ),
        client.delete("mailboxes/ada@example.org/", headers=KEY),
    ]
    assert {answer.status_code for answer in others} == {422}
    assert {answer.json()["code"] for answer in others} == {"key_reused"}
    assert Mailbox.objects.get(local_part="ada").note == "one"
    same(first, client.patch("mailboxes/ada@example.org/", {"note": "one"}, headers=KEY))


def test_a_key_is_of_one_caller(
    api: Callable[..., Api], world: World, alice: Actor, mona: Actor, charlie: Actor
) -> None:
    """Another token of the same person, too: it may be allowed less."""
    change = {"note": "one"}
    assert api(alice).patch("mailboxes/ada@example.org/", change, headers=KEY).status_code == 200
    for person, status in ((alice, 200), (mona, 200), (charlie, 404)):
        answer = api(person).patch("mailboxes/ada@example.org/", change, headers=KEY)
        assert (answer.status_code, "Idempotency-Replayed" in answer) == (status, False)
    assert StoredAnswer.objects.count() == 3


def test_what_was_refused_may_be_tried_again(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client = api(alice)
    assert client.post(ADDRESSES, {**MARY, "targets": ["no"]}, headers=KEY).status_code == 400
    assert not StoredAnswer.objects.exists()
    assert client.post(ADDRESSES, MARY, headers=KEY).status_code == 201


def test_a_dry_run_takes_no_key(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client = api(alice)
    assert client.post(f"{ADDRESSES}?dry_run=true", MARY, headers=KEY).status_code == 200
    assert not StoredAnswer.objects.exists()
    assert client.post(ADDRESSES, MARY, headers=KEY).status_code == 201


def test_rights_that_ended_end_replays_of_the_token_only(
    api: Callable[..., Api], world: World, alice: Actor
) -> None:
    client = api(alice)
    client.post(ADDRESSES, MARY, headers=KEY)
    accounts.revoke_token(actor=alice, token_id=ApiToken.objects.get(name="test").pk)
    assert client.post(ADDRESSES, MARY, headers=KEY).status_code == 401
    assert not StoredAnswer.objects.exists()


def test_the_key_of_a_token_is_not_kept(alice: Actor) -> None:
    assert alice.account is not None
    browser = Client()
    browser.force_login(alice.account)
    session = browser.session
    stamp(session)
    session.save()
    client = Api(client=browser)
    first = client.post("account/tokens/", {"name": "backup"}, headers=KEY)
    second = client.post("account/tokens/", {"name": "backup"}, headers=KEY)
    assert first.json()["key"].startswith("rk_")
    assert second.json() == {**first.json(), "key": None}
    assert (second.status_code, second["Rookery-Withheld"]) == (201, "key")
    assert ApiToken.objects.count() == 1
    kept = StoredAnswer.objects.get()
    assert kept.token is None
    assert first.json()["key"] not in f"{kept.body}{kept.headers}"


def test_no_answer_that_is_kept_shows_a_secret() -> None:
    """What a new operation shows once has to be in `shown_once` of its view."""
    # "token" is the name and place of one, not its key; "url" is where an image was asked for.
    harmless = {"public_key", "host_key", "offered_host_key", "domain_token", "token", "url"}
    for view in views():
        if not view.keyed:
            continue
        for methods in openapi()["paths"].values():
            for method, operation in methods.items():
                if method != "get" and operation["tags"] == [view.tag]:
                    shown = fields_of(operation) - harmless
                    secret = {
                        name for name in shown if name.endswith(("key", "link", "token", "secret", "url"))
                    }
                    assert secret <= all_shown_once(view.tag), operation["operationId"]


def views() -> list[type[ApiView]]:
    found: list[type[ApiView]] = []
    pending: list[Any] = list(urlpatterns)
    while pending:
        each = pending.pop()
        pending += getattr(each, "url_patterns", [])
        kind = getattr(getattr(each, "callback", None), "cls", None)
        if kind is not None and kind not in found:
            found.append(kind)
    return found


def all_shown_once(tag: str) -> set[str]:
    return {name for view in views() if view.tag == tag for name in view.shown_once}


def fields_of(operation: dict[str, Any]) -> set[str]:
    schemas, found = openapi()["components"]["schemas"], set[str]()
    for answer in operation["responses"].values():
        content = answer.get("content", {}).get("application/json")
        if content and "$ref" in content["schema"]:
            found |= set(schemas[content["schema"]["$ref"].rpartition("/")[2]]["properties"])
    return found


def test_no_fingerprint_without_the_web_secret(
    api: Callable[..., Api], world: World, alice: Actor, settings: Any
) -> None:
    """A body may hold the fast hash of a passphrase: who reads the table must not be able to try some."""
    client = api(alice)
    client.put("mailboxes/ada@example.org/passphrase/", {"password_hash": HASH}, headers=KEY)
    first = StoredAnswer.objects.get()
    assert HASH not in first.body
    settings.SECRET_KEY = "another" * 9
    again = client.put("mailboxes/ada@example.org/passphrase/", {"password_hash": HASH}, headers=KEY)
    assert again.status_code == 422


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 201, "\x7f"])
@pytest.mark.one_database
def test_what_is_no_key_is_refused_by_name(
    key: str, api: Callable[..., Api], world: World, alice: Actor
) -> None:
    answer = api(alice).post(ADDRESSES, MARY, headers={"Idempotency-Key": key})
    assert answer.json()["problems"][0]["field"] == "Idempotency-Key"
    assert not Mailbox.objects.filter(local_part="mary").exists()


def test_keys_of_reads_are_refused(api: Callable[..., Api], world: World, alice: Actor) -> None:
    assert api(alice).get("mailboxes/ada@example.org/", headers=KEY).status_code == 400


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200))
def test_any_visible_ascii_is_a_key(key: str) -> None:
    assert idempotency._KEY.fullmatch(key)


def test_expired_answers_go(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client = api(alice)
    client.patch("mailboxes/ada@example.org/", {"note": "one"}, headers=KEY)
    StoredAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    # Not swept yet: the key is free all the same.
    again = client.patch("mailboxes/ada@example.org/", {"note": "two"}, headers=KEY)
    assert (again.status_code, "Idempotency-Replayed" in again) == (200, False)
    assert StoredAnswer.objects.count() == 1
    StoredAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweep()
    assert not StoredAnswer.objects.exists()


def test_a_crash_between_commit_and_answer(
    api: Callable[..., Api], world: World, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(alice)
    with monkeypatch.context() as patch:
        patch.setattr(ApiView, "_wait", lambda *_: pytest.fail("the power went"))
        with pytest.raises(BaseException, match="the power went"):
            client.post(ADDRESSES, MARY, headers=KEY)
    answer = client.post(ADDRESSES, MARY, headers=KEY)
    assert (answer.status_code, answer["Idempotency-Replayed"]) == (201, "true")
    assert Mailbox.objects.filter(local_part="mary").count() == 1


def test_a_member_who_is_gone_is_answered_the_same(
    api: Callable[..., Api], world: World, alice: Actor
) -> None:
    address = f"organizations/{world.organization.pk}/members/{world.member.account.email}/"
    client = api(alice)
    same(client.delete(address, headers=KEY), client.delete(address, headers=KEY))
    assert not Membership.objects.filter(pk=world.member.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_at_the_same_moment(api: Callable[..., Api], alice: Actor, world: World) -> None:
    client = api(alice)
    results: list[Any] = at_once(*(lambda: client.post(ADDRESSES, MARY, headers=KEY) for _ in range(4)))
    assert {answer.status_code for answer in results} <= {201, 409}
    done = [answer for answer in results if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in done) == 1
    assert Mailbox.objects.filter(local_part="mary").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_does_not_wait_for_ever(
    api: Callable[..., Api], alice: Actor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: the first holds the key; SQLite has one writer anyway, whom others wait for."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return
    monkeypatch.setattr(answers, "LONGEST_WAIT_MS", 50)
    client, held, go = api(alice), threading.Event(), threading.Event()
    token = ApiToken.objects.get(name="test")

    def first() -> None:
        with transaction.atomic():
            answers.claim(answers.Question(token.account, token, KEY["Idempotency-Key"], "f"))
            held.set()
            assert go.wait(10)
            transaction.set_rollback(True)

    def second() -> Any:
        assert held.wait(10)
        answer = client.post(ADDRESSES, MARY, headers=KEY)
        go.set()
        return answer

    _, answer = at_once(first, second)
    told: Any = answer
    assert (told.status_code, told.json()["code"]) == (409, "conflict")
    assert client.post(ADDRESSES, MARY, headers=KEY).status_code == 201
