"""Relay repositories on a real git host, and real workers that keep them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from tenants.actions import domains, repositories
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Organization, Repository, SyncTarget
from tests.processes.crew import Crew, crew
from tests.processes.running import until
from workers.repository.mirror import git_environment
from workers.sandbox.git_host import GitHost


@dataclass
class Relay:
    """One domain's repository, outside and in the database."""

    domain: Domain
    target: SyncTarget
    folder: Path

    def row(self) -> SyncTarget:
        self.target.refresh_from_db()
        return self.target

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words], capture_output=True, env=git_environment(), check=True
        )
        return done.stdout.decode().strip()

    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "--all"))

    def names(self) -> list[str]:
        return self.git("ls-tree", "--name-only", "main").splitlines()

    def until_agreed(self, seconds: float = 60.0) -> SyncTarget:
        """Wait for the proof that everything asked for so far is outside, and that nobody is at work."""

        def agreed() -> bool:
            row = self.row()
            return row.in_agreement and row.lease_owner == ""

        until(agreed, f"the proof of the last generation of {self.domain}", seconds)
        return self.target

    def expire_lease(self) -> None:
        """The time of the lease is over; the database's clock is the only one that counts."""
        SyncTarget.objects.filter(pk=self.target.pk).update(lease_until=Now() - timedelta(seconds=1))


@pytest.fixture
def workers(tmp_path: Path, transactional_db: None) -> Iterator[Crew]:
    """Ends before the tables are emptied."""
    with crew(tmp_path / "crew") as found:
        yield found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.0.1") as running:
        yield running


@pytest.fixture
def connect(alice: Actor, organization: Organization, host: GitHost) -> Callable[[str], Relay]:
    """Make a domain and connect it to an empty repository on a host whose key is confirmed."""
    Organization.objects.filter(pk=organization.pk).update(domain_quota=100)

    def connected(name: str) -> Relay:
        domain = domains.create_domain(actor=alice, organization=organization, name=f"{name}.example")
        folder = host.create_repository(f"{name}.git")
        repository = repositories.connect_repository(
            actor=alice, domain=domain, host=host.host, port=host.port, path=f"{name}.git"
        )
        host.authorize(repository.public_key)
        if not repository.host_key:
            Repository.objects.filter(pk=repository.pk).update(offered_host_key=host.public_key)
            repository.refresh_from_db()
            repositories.confirm_host_key(
                actor=alice, repository=repository, fingerprint_seen=fingerprint(host.public_key)
            )
        return Relay(domain, repository.sync_target, folder)

    return connected
