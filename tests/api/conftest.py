"""A domain with something of everything, and a client for each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from tenants.actions import accounts
from tenants.actor import Actor
from tenants.models import Domain, Organization
from tests.api.client import Api
from tests.world import World, add_member, build_world


@pytest.fixture(autouse=True, scope="session")
def _static_root() -> None:
    """The server of static files warns about a folder that nobody collected into."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api() -> Callable[..., Api]:
    """`api(actor)`: a client with a fresh token of that person; `api(None)`: without any."""

    def make(actor: Actor | None, **wish: Any) -> Api:
        if actor is None:
            return Api()
        _, key = accounts.create_token(actor=actor, name="test", **wish)
        return Api(key)

    return make


@pytest.fixture
def mona(organization: Organization) -> Actor:
    """A manager in alice's team."""
    return Actor(account=add_member(organization, "mona@people.example", "manager").account)


@pytest.fixture
def world(organization: Organization, domain: Domain, alice: Actor) -> World:
    return build_world(alice, organization, domain)
