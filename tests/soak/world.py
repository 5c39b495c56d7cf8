"""Organizations with domains in repositories of their own; some have a zone, or a part of a host, as well."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenants.actions import (
    accounts,
    domains,
    host_shares,
    organizations,
    repositories,
    update_servers,
    zone_proofs,
    zones,
)
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.formats.zones.names import Name as DnsName
from tenants.models import Host, Organization, Repository, SyncTarget
from tests.conftest import account, join, make_address
from tests.contract.daemon_wire import DaemonWire
from tests.contract.wire import Wire
from tests.contract.zone_world import ZoneWorld, connected
from tests.hosting import PLAIN, add_host, share_of, upload
from tests.soak.places import BASE, Addresses, Place, Records, ServedRecords, State, Unikernels, watched
from tests.zone.servers import running_bind
from tests.zone.world import TEXT, zone_key
from workers.albatross import Name, Release
from workers.albatross.client import Client as Daemon
from workers.albatross.local import LocalDialer
from workers.albatross.releases import dialect_of
from workers.albatross.values import Settings, UnikernelConfig
from workers.controller import Ending
from workers.sandbox.albatross.host import AlbatrossHost
from workers.sandbox.git_host import GitHost
from workers.zone import Server

SERVED, IN_GIT = "served.example", "records.example"
KEY = zone_key("rookery.keys.example")
RELEASE = Release(2, 7, 2)
FOREIGN = Name((), "others")


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
    """What is outside, and the ways there that can be made to fail."""

    tenants: list[Tenant]
    git_hosts: list[GitHost]
    name_server: Wire | None = None
    albatross: DaemonWire | None = None
    host: AlbatrossHost | None = field(default=None, repr=False)
    did: list[tuple[Name, State]] = field(default_factory=list, repr=False)
    """What its daemon did."""

    @property
    def places(self) -> list[Place]:
        return [place for tenant in self.tenants for place in tenant.places]

    def foreign(self) -> list[str]:
        """What is wrong with what others run on the host: it must stand as it did."""
        if self.host is None or FOREIGN in self.host.daemon.unikernels:
            return []
        return [f"{FOREIGN} is gone, which others run"]


def has_bind() -> bool:
    """It is a package of Debian's: a machine without it goes without that place."""
    return shutil.which("named", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


@contextmanager
def built(
    folder: Path, *, organizations_: int, domains_: int, zone: bool, server: bool, host: bool
) -> Iterator[World]:
    """All connected; what they hold is not written yet.

    The first organization will be the noisy one. It and the third have parts of one `host`, the second has
    a zone at a name `server`, the last a `zone` in a repository that a primary reads.
    """
    with ExitStack() as stack:
        git = stack.enter_context(GitHost(folder / "git", "127.0.0.1"))
        tenants = [_tenant(git, number, domains_) for number in range(organizations_)]
        world = World(tenants, [git])
        if zone:
            last = tenants[-1]
            found = stack.enter_context(connected(last.owner, last.organization, folder / "zone"))
            world.git_hosts.append(found.running.host)
            last.places.append(_zone(found, last))
        if server:
            zones_ = {DnsName.of(SERVED): TEXT.replace("example.org", SERVED)}
            bind = stack.enter_context(running_bind(folder / "bind", zones_, [KEY]))
            world.name_server = stack.enter_context(Wire(bind.address, bind.port))
            tenants[1].places.append(_served(tenants[1], bind, world.name_server.port))
        if host:
            _host(stack, world, folder / "h", [tenants[0], tenants[2 % organizations_]])
        yield world


def _tenant(host: GitHost, number: int, domains_: int) -> Tenant:
    person = account(f"owner{number}")
    organization = organizations.create_organization(actor=Actor.rookery(), name=f"Organization {number}")
    Organization.objects.filter(pk=organization.pk).update(domain_quota=100, mailbox_quota=100_000)
    join(organization, person, "owner")
    owner = Actor(account=person)
    names = [f"d{each}.o{number}.example" for each in range(domains_)]
    return Tenant(organization, owner, [_addresses(host, organization, owner, name) for name in names])


def _addresses(host: GitHost, organization: Organization, owner: Actor, name: str) -> Place:
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
    return Addresses(repository.sync_target, domain, folder)


def _zone(world: ZoneWorld, tenant: Tenant) -> Place:
    if world.reconcile() is not Ending.STOPPED:
        raise RuntimeError("the primary knew a key that was made just now")
    world.running.restart()
    world.agree()
    domain = domains.create_domain(actor=tenant.owner, organization=tenant.organization, name=IN_GIT)
    world.add_zone(tenant.owner, domain)
    world.agree()
    return Records(world.target, domain, world.running.repository.path)


def _served(tenant: Tenant, server: Server, port: int) -> Place:
    """Workers reach the server at `port`, over TCP only."""
    domain = domains.create_domain(actor=tenant.owner, organization=tenant.organization, name=SERVED)
    row = update_servers.connect_update_server(
        actor=tenant.owner,
        organization=tenant.organization,
        name="ns1",
        address="127.0.0.1",
        port=port,
        key=f"{KEY.name}:{KEY.algorithm}:{KEY.secret}",
    )
    zone = zones.create_zone(actor=tenant.owner, domain=domain, server=row)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    place = ServedRecords(SyncTarget.objects.get(update_server=row), domain, server, KEY)
    place.first_serial = place.serial
    return place


def _host(stack: ExitStack, world: World, folder: Path, tenants: list[Tenant]) -> None:
    """Parts of a host for these organizations, and somebody else's unikernel beside them."""
    folder.mkdir()
    there = stack.enter_context(AlbatrossHost(folder, RELEASE, pace=0.01, interval=60))
    Daemon(LocalDialer(folder), dialect_of(RELEASE)).create(
        FOREIGN, UnikernelConfig(Settings(memory=16), PLAIN)
    )
    world.host, world.did = there, watched(there)
    world.albatross = stack.enter_context(DaemonWire(folder / "near", folder, there.restart))
    olga = Actor(account=account("olga", is_staff=True))
    row: Host | None = None
    for tenant in tenants:
        if row is None:
            row = add_host(olga, tenant.organization, folder / "near", path="first")
        else:
            host_shares.share_host(actor=olga, host=row, organization=tenant.organization, path="next")
        share = share_of(row, tenant.organization)
        host_shares.change_quota(actor=olga, share=share, memory=4_000, most_unikernels=100)
        image = upload(tenant.owner, tenant.organization)
        tenant.places.append(Unikernels(share.sync_target, None, share, image.pk, there, world.did))
