"""A domain with a repository, an outside that the real controller writes to, and a client for each person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actions import repositories, requests
from tenants.actor import Actor
from tenants.models import AddressRequest, Domain, SyncTarget
from tenants.tokens import digest, new_token
from tests.conftest import HASH
from tests.web.panel.world import Outside
from tests.web.people import signed_in


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def target(alice: Actor, domain: Domain) -> SyncTarget:
    """The domain's relay, connected; its first pass is still to come."""
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    return repository.sync_target


@pytest.fixture
def as_alice(alice: Actor) -> Client:
    return signed_in(alice.account)


@pytest.fixture
def as_bob(bob: Actor) -> Client:
    return signed_in(bob.account)


@pytest.fixture
def as_charlie(charlie: Actor) -> Client:
    return signed_in(charlie.account)


@pytest.fixture
def as_olga(olga: Actor) -> Client:
    return signed_in(olga.account)


@pytest.fixture
def waiting_request(alice: Actor, domain: Domain) -> AddressRequest:
    """Grace asked for grace@example.org and confirmed it."""
    Domain.objects.filter(pk=domain.pk).update(requests=Domain.Requests.MODERATED)
    domain.refresh_from_db()
    asked = requests.submit_request(
        actor=Actor(),
        domain=domain,
        local_part="grace",
        target="grace@harbour.example",
        password_hash=HASH,
        message="May I?\nGrace",
    ).request
    token = new_token()
    AddressRequest.objects.filter(pk=asked.pk).update(confirm_digest=digest(token))
    return requests.confirm_request(actor=Actor(), confirm_token=token)


def person(actor: Actor) -> Any:
    return actor.account


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pages read what the API reads, which is tried on each database."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.one_database)
