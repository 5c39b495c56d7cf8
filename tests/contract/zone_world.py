"""A zone repository on a real git host, the sandbox's primary that reads it, and the controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import dns.message
import dns.query
import pytest

from tenants.actions import repositories, zone_proofs, zone_repositories, zones
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Organization, Repository, SyncTarget, Zone
from tenants.secrets import Opener
from tests.zone.world import RunningPrimary, running_primary
from workers import ssh
from workers.controller import Controller, Ending
from workers.targets.zone_repository import ZoneRepository


@dataclass
class ZoneWorld:
    running: RunningPrimary
    repository: Repository
    target: SyncTarget
    kind: ZoneRepository
    controller: Controller

    @classmethod
    def make(cls, running: RunningPrimary, repository: Repository, mirrors: Path) -> ZoneWorld:
        kind = ZoneRepository(
            opener=Opener(), pool=ssh.ConnectionPool(), mirrors=mirrors, sleep=lambda seconds: None
        )
        controller = Controller(kinds={SyncTarget.Kind.ZONE_REPOSITORY: kind})
        return cls(running, repository, repository.sync_target, kind, controller)

    def reconcile(self) -> Ending:
        ending = self.controller.reconcile(self.target.pk)
        self.target.refresh_from_db()
        self.repository.refresh_from_db()
        return ending

    def agree(self) -> None:
        """A pass that ends well, or the reason why not."""
        ending = self.reconcile()
        run = self.target.runs.order_by("pk").last()
        assert ending is Ending.AGREED, (ending, run and run.outcome, run and run.advice)

    def add_zone(self, owner: Actor, domain: Domain) -> Zone:
        """A zone whose ownership was proved."""
        zone = zones.create_zone(actor=owner, domain=domain, repository=self.repository, address="192.0.2.1")
        self.prove(zone)
        return self.again(zone)

    def prove(self, zone: Zone) -> None:
        zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")

    def again(self, zone: Zone) -> Zone:
        """The row as it is now."""
        return Zone.objects.select_related("domain__organization", "target__repository").get(pk=zone.pk)

    def ask(self, name: str, kind: str) -> list[str]:
        """What the primary answers, as dig would show it; ["NOTAUTH"] and the like when it does not."""
        server = self.running.server
        query = dns.message.make_query(name, kind)
        answer: Any = dns.query.udp(query, server.address, port=server.port, timeout=5)
        if answer.rcode():
            return [dns.rcode.to_text(answer.rcode())]
        return sorted(str(each) for found in answer.answer for each in found)

    def serial(self, name: str) -> int:
        return int(self.ask(name, "SOA")[0].split()[2])


@contextmanager
def connected(owner: Actor, organization: Organization, folder: Path) -> Iterator[ZoneWorld]:
    """A zone repository whose host is trusted; the branch does not exist, and the primary knows no key."""
    with running_primary(folder, None) as running:
        repository = zone_repositories.connect_zone_repository(
            actor=owner,
            organization=organization,
            host=running.host.host,
            port=running.host.port,
            path="zone.git",
            address=running.server.address,
            primary_port=running.server.port,
        )
        running.host.authorize(repository.public_key)
        world = ZoneWorld.make(running, repository, folder / "mirrors")
        assert world.reconcile() is Ending.STOPPED
        repositories.confirm_host_key(
            actor=owner, repository=repository, fingerprint_seen=fingerprint(running.host.public_key)
        )
        yield world
        world.kind.close()


class Killed(Exception):
    """The worker ended here."""


def cut(patch: pytest.MonkeyPatch, where: type | ModuleType, step: str, *, after: bool) -> None:
    """Let `step` of a pass not happen, or happen and never return."""
    original: Callable[..., Any] = getattr(where, step)

    def die(*given: Any, **named: Any) -> Any:
        if after:
            original(*given, **named)
        raise Killed

    patch.setattr(where, step, die)
