"""The outside of the contract suite: a real git host with a relay repository that alice connected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenants.actions import repositories
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.sandbox.git_host import GitHost


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.0.1") as running:
        yield running


@pytest.fixture
def unconfirmed(host: GitHost, alice: Actor, domain: Domain, tmp_path: Path) -> Iterator[RelayWorld]:
    host.create_repository("relay.git")
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host=host.host, port=host.port, path="relay.git"
    )
    host.authorize(repository.public_key)
    world = RelayWorld.make(host, repository, tmp_path / "mirrors")
    yield world
    world.kind.close()


@pytest.fixture
def world(unconfirmed: RelayWorld, alice: Actor) -> RelayWorld:
    assert unconfirmed.reconcile() is Ending.STOPPED
    repositories.confirm_host_key(
        actor=alice,
        repository=unconfirmed.repository,
        fingerprint_seen=fingerprint(unconfirmed.host.public_key),
    )
    unconfirmed.target.refresh_from_db()
    unconfirmed.repository.refresh_from_db()
    return unconfirmed
