"""Organizations with domains in repositories of their own, and one zone that a primary serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenants.actions import accounts, domains, organizations, repositories
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Organization, Repository, SyncTarget
from tests.conftest import account, join, make_address
from tests.contract.zone_world import ZoneWorld, connected
from workers.controller import Ending
from workers.sandbox.git_host import GitHost

BASE = "base"


@dataclass
class Place:
    """One domain, its target, and where it is written to outside. `zone`: records, not addresses."""

    domain: Domain
    target: SyncTarget
    folder: Path
    zone: bool = False


@dataclass
class Tenant:
    organization: Organization
    owner: Actor
    places: list[Place]

    def keys(self, count: int) -> list[str]:
        """Tokens of the owner: each may write so often a minute."""
        made = [accounts.create_token(actor=self.owner, name=f"soak {number}") for number in range(count)]
        return [key for _, key in made]


@dataclass
class World:
    host: GitHost
    tenants: list[Tenant]
    zone: ZoneWorld | None = field(default=None, repr=False)

    @property
    def places(self) -> list[Place]:
        return [place for tenant in self.tenants for place in tenant.places]

    @property
    def hosts(self) -> list[GitHost]:
        return [self.host, *([self.zone.running.host] if self.zone else [])]


@contextmanager
def built(folder: Path, *, organizations_: int, domains_: int, zone: bool) -> Iterator[World]:
    """All connected; what they hold is not written yet. The first organization will be the noisy one, the
    last has the zone."""
    with GitHost(folder / "host", "127.0.0.1") as host:
        tenants = [_tenant(host, number, domains_) for number in range(organizations_)]
        if not zone:
            yield World(host, tenants)
            return
        last = tenants[-1]
        with connected(last.owner, last.organization, folder / "zone") as world:
            last.places.append(_zone(world, last))
            yield World(host, tenants, world)


def _tenant(host: GitHost, number: int, domains_: int) -> Tenant:
    person = account(f"owner{number}")
    organization = organizations.create_organization(actor=Actor.rookery(), name=f"Organization {number}")
    Organization.objects.filter(pk=organization.pk).update(domain_quota=100, mailbox_quota=100_000)
    join(organization, person, "owner")
    owner = Actor(account=person)
    places = [_place(host, organization, owner, f"d{each}.o{number}.example") for each in range(domains_)]
    return Tenant(organization, owner, places)


def _place(host: GitHost, organization: Organization, owner: Actor, name: str) -> Place:
    domain = domains.create_domain(actor=owner, organization=organization, name=name)
    folder = host.create_repository(f"{name}.git")
    repository = repositories.connect_repository(
        actor=owner, domain=domain, host=host.host, port=host.port, path=f"{name}.git"
    )
    host.authorize(repository.public_key)
    if not repository.host_key:
        Repository.objects.filter(pk=repository.pk).update(offered_host_key=host.public_key)
        repository.refresh_from_db()
        repositories.confirm_host_key(
            actor=owner, repository=repository, fingerprint_seen=fingerprint(host.public_key)
        )
    make_address(owner, domain, BASE, f"{BASE}@home.example")
    return Place(domain, repository.sync_target, folder)


def _zone(world: ZoneWorld, tenant: Tenant) -> Place:
    if world.reconcile() is not Ending.STOPPED:
        raise RuntimeError("the primary knew a key that was made just now")
    world.running.restart()
    world.agree()
    domain = domains.create_domain(
        actor=tenant.owner, organization=tenant.organization, name="records.example"
    )
    world.add_zone(tenant.owner, domain)
    world.agree()
    return Place(domain, world.target, world.running.repository.path, zone=True)
