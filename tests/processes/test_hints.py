"""Hints to a real broker: how little one that is dead or hangs may cost whoever pressed a button."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from tests.processes.crew import Broker
from workers import hints
from workers.celery import app

QUEUE = "relay_repository"


@pytest.fixture
def broker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    broker = Broker()
    broker.start()
    settings.REDIS_URL = broker.url
    monkeypatch.setitem(app.conf, "broker_url", broker.url)
    hints._producers.cache_clear()
    monkeypatch.setattr(hints, "_silent_until", 0.0)
    yield broker
    hints._producers.cache_clear()
    broker.remove()


def send() -> float:
    """Seconds that one hint takes, whether it arrives or not."""
    hints._silent_until = 0.0
    began = time.monotonic()
    try:
        hints.send_hint("reconcile", 7, QUEUE)
    except Exception:
        assert hints._silent_until > began
    return time.monotonic() - began


def waiting(broker: Broker) -> list[bytes]:
    with redis.Redis(unix_socket_path=urlsplit(broker.url).path, socket_timeout=3) as client:
        found: Any = client.lrange(QUEUE, 0, -1)
        return list(found)


def test_a_dead_broker_costs_nothing_and_a_hanging_one_two_seconds(broker: Broker) -> None:
    send()
    assert len(waiting(broker)) == 1
    broker.signal(signal.SIGSTOP)
    assert send() < 3.5
    began = time.monotonic()
    for _ in range(1000):  # the next ones are not even tried
        hints.send_hint("reconcile", 7, QUEUE)
    assert time.monotonic() - began < 0.5
    broker.signal(signal.SIGCONT)
    broker.kill()
    assert send() < 0.5
    assert send() < 0.5
    broker.start()
    send()
    assert waiting(broker)


def test_a_hint_is_an_id_that_expires_and_says_nothing_else(broker: Broker) -> None:
    send()
    [message] = waiting(broker)
    text = message.decode()
    assert '"expires": "20' in text
    assert "workers.tasks.reconcile" in text
    assert len(text) < 2000
