"""Domains with many addresses on a git host, and the controller that keeps them: Rookery as it runs."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from tenants.actions import domains, organizations, repositories
from tenants.actor import Actor
from tenants.formats.relay_entry import RelayEntry, emit
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Mailbox, Organization, Repository, SyncTarget, TargetAddress
from tenants.secrets import Purpose, seal
from tests.bench.hosts import Host, git
from workers import ssh
from workers.controller import Controller, Ending

ROOKERY = Actor.rookery()
AT_ONCE = 2_000


def new_organization() -> Organization:
    number = Organization.objects.count()
    return organizations.create_organization(actor=ROOKERY, name=f"Bench {number}")


def digest_of(number: int, change: int = 0) -> str:
    """A passphrase's hash; another `change` is another passphrase."""
    return hashlib.blake2b(b"%d/%d" % (number, change)).hexdigest()


def entry_of(number: int, change: int = 0) -> tuple[bytes, bytes]:
    """Name and content of the file that Rookery writes for the address with this number."""
    name = local_part(number)
    content = emit(RelayEntry((f"{name}@home.example",), digest_of(number, change)))
    return name.encode(), content


def local_part(number: int) -> str:
    return f"user{number:06}"


@dataclass
class World:
    """One domain, connected to a repository of its own whose host key is confirmed."""

    host: Host
    name: str
    domain: Domain
    controller: Controller

    @classmethod
    def make(cls, host: Host, controller: Controller, organization: Organization, name: str) -> World:
        """Through the actions that the panel uses; ends with an empty repository in agreement."""
        host.create_repository(f"{name}.git")
        domain = domains.create_domain(actor=ROOKERY, organization=organization, name=f"{name}.example")
        repository = repositories.connect_repository(
            actor=ROOKERY,
            domain=domain,
            host=host.address,
            port=host.port,
            username=host.user,
            path=host.path(f"{name}.git"),
        )
        host.authorize(repository.public_key)
        world = cls(host, name, domain, controller)
        if not repository.host_key:
            world.require(Ending.STOPPED)
            repositories.confirm_host_key(
                actor=ROOKERY, repository=world.repository, fingerprint_seen=fingerprint(host.key)
            )
        world.require(Ending.AGREED)
        return world

    @property
    def repository(self) -> Repository:
        return Repository.objects.get(domain=self.domain)

    @property
    def target(self) -> SyncTarget:
        return SyncTarget.objects.get(repository__domain=self.domain)

    @property
    def folder(self) -> Path:
        return self.host.folder / f"{self.name}.git"

    def tip(self) -> str:
        return git("rev-parse", "main", folder=self.folder).decode().strip()

    def require(self, wanted: Ending) -> None:
        """One pass, which must end as wanted."""
        ending = self.controller.reconcile(self.target.pk)
        if ending is not wanted:
            said = list(self.target.conditions.values_list("message", flat=True))
            raise RuntimeError(f"{self.name}: {ending.value}; {said}")

    def add_mailboxes(self, count: int) -> None:
        """Rows as `create_mailbox` leaves them after the targets agreed, many at a time."""
        target = self.target
        fill(self.domain, count, generation=target.generation + 1)
        SyncTarget.objects.filter(pk=target.pk).update(generation=target.generation + 1)


def fill(domain: Domain, count: int, *, generation: int, sealed: list[bytes] | None = None) -> None:
    now = timezone.now()
    sealed = sealed or [seal(Purpose.MAILBOX_HASH, digest_of(number)) for number in range(count)]
    rows = Mailbox.objects.bulk_create(
        (
            Mailbox(
                domain=domain,
                local_part=local_part(number),
                sealed_hash=sealed[number],
                reached=True,
                generation=generation,
                changed_at=now,
            )
            for number in range(count)
        ),
        batch_size=AT_ONCE,
    )
    TargetAddress.objects.bulk_create(
        (
            TargetAddress(
                mailbox=row,
                address=f"{row.local_part}@home.example",
                digest=f"{row.pk:064}",
                asked_at=now,
                confirmed_at=now,
            )
            for row in rows
        ),
        batch_size=AT_ONCE,
    )


def multiply(world: World, count: int, mailboxes: int) -> list[int]:
    """`count` domains more with the same proved repository and rows each; returns all their targets' ids."""
    target, repository = world.target, world.repository
    sealed = [bytes(row.sealed_hash or b"") for row in world.domain.mailboxes.order_by("local_part")]
    found = [target.pk]
    for number in range(1, count):
        name = f"{world.name}-{number}"
        shutil.copytree(world.folder, world.host.folder / f"{name}.git")
        domain = Domain.objects.create(organization=world.domain.organization, name=f"{name}.example")
        repository.pk, repository.domain, repository.path = None, domain, world.host.path(f"{name}.git")
        repository.save(force_insert=True)
        target.pk, target.repository = None, repository
        target.save(force_insert=True)
        fill(domain, mailboxes, generation=target.generation, sealed=sealed)
        found.append(target.pk)
    return found


@contextmanager
def kept_connection(way_in: ssh.SshEndpoint) -> Iterator[ssh.Connection]:
    connection = ssh.connect(way_in)
    try:
        yield connection
    finally:
        connection.close()
