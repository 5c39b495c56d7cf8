"""One stage for each file of tests; whatever a test changes on it is taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker

from panel.api.throttling import Rate
from tests.access.planted import kept, plant_the_rest
from tests.access.stage import Stage, build_stage, differences, snapshot


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Instead of pytest-django's, one transaction for a whole file.

    It is never committed, so that hints to workers wait in it for ever.
    """
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stage(db: None) -> Stage:
    return build_stage()


@pytest.fixture(scope="module")
def planted(stage: Stage) -> dict[bytes, str]:
    """Every secret in the database; there is one in each column that holds any."""
    plant_the_rest(stage)
    return kept()


@pytest.fixture(scope="module")
def before(stage: Stage) -> Iterator[dict[str, str]]:
    """What the database held before anybody came, and holds when all have left."""
    held = snapshot()
    yield held
    assert differences(held, snapshot()) == []


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Nobody works here, so nothing is waited for; and the one transaction stays open during streams.

    Every page and every operation also does without the workers' key, as in a web process.
    """
    settings.WORKERS_KEY = ""
    monkeypatch.setattr("panel.api.targets.LONGEST_LOOK", 0.0)
    monkeypatch.setattr("panel.web.live.close_old_connections", lambda: None)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in ("django.request", "django.security.csrf"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.CRITICAL)
    for name in ("READS", "WRITES", "ANONYMOUS"):
        monkeypatch.setattr(f"panel.api.throttling.{name}", Rate(name, 10**9, 60))
