"""How fast one may ask: by token, by account, by network; also who fails to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from panel.api import throttling
from panel.api.throttling import Rate
from tenants.actor import Actor
from tenants.models import Domain
from tests.api.client import Api
from tests.tenants.test_at_once import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Small limits, and a clock that a test moves."""
    time = [1_000_020.0]
    monkeypatch.setattr(throttling, "clock", lambda: time[0])
    monkeypatch.setattr(throttling, "READS", Rate("read", 3, 60))
    monkeypatch.setattr(throttling, "WRITES", Rate("write", 2, 60))
    monkeypatch.setattr(throttling, "ANONYMOUS", Rate("anonymous", 2, 60))
    return time


def test_a_token_has_its_share_and_gets_a_new_one(
    api: Callable[..., Api], alice: Actor, domain: Domain, now: list[float]
) -> None:
    first, second = api(alice), api(alice)
    assert [first.get("domains/").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = first.get("domains/")
    assert answer["Retry-After"] == "60"  # 1,000,020 begins a window
    assert (answer.json()["code"], answer.json()["problems"]) == ("too_many", [])
    assert second.get("domains/").status_code == 200
    assert first.patch("domains/example.org/", {"requests": "closed"}).status_code == 200
    now[0] += 59
    assert first.get("domains/")["Retry-After"] == "1"
    now[0] += 1
    assert first.get("domains/").status_code == 200


def test_writing_has_a_smaller_share(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    owner = api(alice)
    statuses = [owner.patch("domains/example.org/", {"requests": "closed"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_browser_is_counted_by_account(alice: Actor, domain: Domain) -> None:
    assert alice.account is not None
    clients = []
    for _ in range(2):
        client = Client()
        client.force_login(alice.account)
        clients.append(Api(client=client))
    statuses = [clients[index % 2].get("domains/").status_code for index in range(4)]
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize("key", ["", "rk_wrong"])
def test_strangers_and_guessers_share_their_network(key: str, domain: Domain) -> None:
    def ask(ip: str) -> int:
        return int(Api(key).get("domains/", REMOTE_ADDR=ip).status_code)

    assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3")] == [401, 401, 429]
    assert ask("192.0.3.1") == 401
    assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")] == [401, 401, 429]
    assert ask("2001:db8:0:1::1") == 401


def test_nowhere_and_the_schema_are_counted_too() -> None:
    assert [Api().get("nothing/").status_code for _ in range(3)] == [404, 404, 429]
    assert Client().get("/api/v1/schema/").status_code == 429


def test_a_dropped_counter_lets_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(key: str) -> int:
        raise ValueError(key)

    monkeypatch.setattr("panel.api.throttling.cache.incr", gone)
    assert throttling.spend(Rate("x", 1, 60), "somebody") is None


@pytest.mark.django_db(transaction=True)
def test_it_holds_at_once(
    api: Callable[..., Api], alice: Actor, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "READS", Rate("read", 5, 60))
    client = api(alice)
    answers: list[Any] = at_once(*(lambda: client.get("domains/") for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 7
