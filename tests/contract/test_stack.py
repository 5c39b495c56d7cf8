"""A mail stack from its plan to a mail that arrives, and to nothing left: the real controller with all kinds
of targets, against a real git host, the sandbox's albatross with its roles, and its firewall's helper."""

from __future__ import annotations

import shlex
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import (
    firewalls,
    hosts,
    public_addresses,
    repositories,
    stack_passes,
    stacks,
    zone_proofs,
    zone_repositories,
    zones,
)
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Host, Repository, Stack, SyncTarget
from tenants.secrets import Opener
from tests.conftest import make_address
from tests.contract.host_world import own_images
from tests.hosting import Machine, share_of, upload
from tests.sandbox.stack_world import free_realm, machine, until
from workers import ssh
from workers.albatross import Client
from workers.controller import Controller, Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.sandbox.certificates import Authority
from workers.sandbox.firewall import helper_of, make_firewall, rules_of
from workers.sandbox.git_host import GitHost
from workers.sandbox.maildirs import MailStore, folder_name
from workers.sandbox.stack.forwarder import NatFile
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.realm import Realm, real_port
from workers.targets.albatross_host import AlbatrossHost
from workers.targets.firewall import HostFirewall
from workers.targets.reader_service import as_it_is
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import ByHand
from workers.targets.stack import MailStack
from workers.targets.stack_git import GitRights
from workers.targets.stack_looks import Probes
from workers.targets.zone_repository import ZoneRepository

# On one database: nearly all of its time are the keys and starts of eight servers.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400), pytest.mark.one_database]
PUBLIC = "76.8.60.93"
LONG_AGO = "2000-01-01T00:00:00Z"


@dataclass
class Outside:
    """One machine with git, albatross and iptables, and the mail servers of everybody else."""

    folder: Path
    realm: Realm
    git: GitHost
    host: StandIn
    client: Client
    store: MailStore
    authority: Authority

    @property
    def public(self) -> str:
        return self.realm.here(PUBLIC)

    def running(self) -> set[str]:
        return {str(one.name) for one in self.client.unikernels()}


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    realm, lock = free_realm()
    git = GitHost(tmp_path / "home", realm.here("10.0.0.1"), shell=True)  # noqa: S604 - on loopback
    make_firewall(tmp_path)
    nat, room = NatFile(rules_of(tmp_path)), tmp_path / "room"
    room.mkdir()
    with closing(lock), machine(room, tmp_path / "a", realm, git, nat) as made:
        yield Outside(tmp_path, realm, git, made.host, made.client, made.store, made.world.production)


@dataclass
class Site:
    """A connected domain on that machine, and the controller with every kind that it needs."""

    outside: Outside
    owner: Actor
    domain: Domain
    choices: Choices
    controller: Controller
    late: timedelta = timedelta()
    endings: list[str] = field(default_factory=list)

    def round(self) -> None:
        """Every target that is due, and those that wait as if their time had come."""
        SyncTarget.objects.filter(failures__gt=0).update(next_try_at=LONG_AGO, next_check_at=LONG_AGO)
        for target in SyncTarget.objects.order_by("kind", "pk"):
            ending = self.controller.reconcile(target.pk)
            run = target.runs.order_by("pk").last()
            self.endings.append(f"{target.kind}: {ending.value} {run.advice if run else ''}")
            assert ending is not Ending.BUG, self.endings[-20:]

    def go(self, stack: Stack, seconds: float = 150.0) -> Ending:
        """Rounds until the stack says something final."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.round()
            target = SyncTarget.objects.get(stack=stack)
            if target.in_agreement:
                return Ending.AGREED
            if target.stop_code and target.stop_generation >= target.generation:
                return Ending.STOPPED
            self.late += timedelta(seconds=3)
            time.sleep(0.1)
        return Ending.RETRY

    def told(self, stack: Stack) -> str:
        rows = stack.phases.order_by("position").values_list("name", "state", "reason", "proof")
        lines = [f"{name}: {state} {reason} {proof}" for name, state, reason, proof in rows]
        return "\n".join([*lines, *self.endings[-12:]])


@pytest.fixture
def site(outside: Outside, olga: Actor, alice: Actor, domain: Domain, settings: Any) -> Iterator[Site]:
    own_images(settings, outside.folder)
    pool, opener = ssh.ConnectionPool(), Opener()
    mirrors = outside.folder / "mirrors"
    relays = RelayRepository(opener=opener, pool=pool, reloader=ByHand(), mirrors=mirrors / "relay")
    zone_kind = ZoneRepository(opener=opener, pool=pool, mirrors=mirrors / "zones", sleep=lambda _: None)
    made = Site(outside, alice, domain, None, None)  # type: ignore[arg-type]
    made.controller = Controller(
        kinds={
            SyncTarget.Kind.RELAY_REPOSITORY: relays,
            SyncTarget.Kind.ZONE_REPOSITORY: zone_kind,
            SyncTarget.Kind.ALBATROSS_HOST: AlbatrossHost(
                opener=opener, pool=pool, watch_seconds=0.15, ready_seconds=3.0, serve_seconds=0.5
            ),
            SyncTarget.Kind.FIREWALL: HostFirewall(
                opener=opener,
                pool=pool,
                command=shlex.quote(str(helper_of(outside.folder))),
                confirm_within=30,
            ),
            SyncTarget.Kind.STACK: MailStack(git=GitRights(opener, pool), ask=Probes(opener, pool, as_it_is)),
        },
        clock=lambda: timezone.now() + made.late,
    )
    _connect_git(outside, alice, domain)
    made.choices = _prepare_host(outside, olga, alice, domain)
    yield made
    relays.close()
    zone_kind.close()
    pool.close()


def _connect_git(outside: Outside, alice: Actor, domain: Domain) -> None:
    git = outside.git
    for path in ("relay.git", "zone.git"):
        git.create_repository(path)
    at: dict[str, Any] = {"host": git.host, "port": git.port}
    relay = repositories.connect_repository(actor=alice, domain=domain, path="relay.git", **at)
    zones_at = zone_repositories.connect_zone_repository(
        actor=alice,
        organization=domain.organization,
        path="zone.git",
        address=outside.public,
        primary_port=real_port(53),
        **at,
    )
    Repository.objects.update(offered_host_key=git.public_key)
    for each in (relay, zones_at):
        each.refresh_from_db()
        git.authorize(each.public_key)
        repositories.confirm_host_key(
            actor=alice, repository=each, fingerprint_seen=fingerprint(git.public_key)
        )
    zone = zones.create_zone(actor=alice, domain=domain, repository=zones_at, address=PUBLIC)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")


def _prepare_host(outside: Outside, olga: Actor, alice: Actor, domain: Domain) -> Choices:
    git, organization = outside.git, domain.organization
    host = hosts.add_host(
        actor=olga,
        organization=organization,
        name="rock",
        transport="ssh",
        host=git.host,
        port=git.port,
        username="rookery",
        socket_folder=str(outside.folder / "a"),
        path="acme",
    )
    Host.objects.update(offered_host_key=git.public_key)
    host.refresh_from_db()
    hosts.pin_host_key(actor=olga, host=host, fingerprint_seen=fingerprint(git.public_key))
    git.authorize(host.public_key)
    share = share_of(host, organization)
    hosts.change_quota(actor=olga, share=share, memory=4096, most_unikernels=20)
    machine = Machine(olga, host, share_of(host, organization))
    network = machine.network("br0")
    firewalls.manage_firewall(actor=olga, host=host)
    public = public_addresses.add_public_address(actor=olga, share=machine.share, address=PUBLIC)
    images = {
        name: upload(alice, organization, ROLE_IMAGES[role.image][2], name=name, era="p23")
        for name, role in ROLES.items()
    }
    return Choices(share=machine.share, network=network, public=public, images=images, services={})


def test_a_stack_is_made_takes_a_mail_and_leaves_nothing(site: Site) -> None:
    outside = site.outside
    make_address(site.owner, site.domain, "paul", "paul@elsewhere.example")
    site.round()
    before = site.outside.git.grants().keys()
    site.choices = Choices(**{**vars(site.choices), "production": True, "open_relay": True})
    plan = preview_stack(actor=site.owner, domain=site.domain, choices=site.choices)
    assert not plan.lacking, plan.lacking
    stack = stacks.make_stack(actor=site.owner, domain=site.domain, choices=site.choices, plan=plan.digest)
    ending = site.go(stack)
    assert ending is Ending.AGREED, site.told(stack)
    assert {row.state for row in stack.phases.all()} == {"proved"}, site.told(stack)
    assert len(outside.running()) == 8

    _mail_comes_in(outside)
    stacks.remove_stack(actor=site.owner, stack=stack, name=site.domain.name)
    ending = site.go(stack)
    assert ending is Ending.AGREED, site.told(stack)
    assert {row.state for row in stack.phases.all()} == {"gone"}, site.told(stack)
    assert outside.running() == set()
    assert outside.git.grants().keys() == before
    assert "10.0.0." not in rules_of(outside.folder).read_text()
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1
    assert not Stack.objects.exists()


def _mail_comes_in(outside: Outside) -> None:
    """Through the public address: receiver, spam filter and relay, to whom the alias points."""
    with closing(
        smtplib.SMTP(
            outside.public, real_port(25), "mx.ext.test", timeout=10, source_address=("127.9.9.9", 0)
        )
    ) as client:
        client.ehlo()
        context = ssl.create_default_context(cafile=str(outside.authority.ca_file))
        context.check_hostname = False
        client.starttls(context=context)
        client.sendmail(
            "a@ext.test", ["paul@example.org"], "From: a@ext.test\r\nSubject: Hi\r\n\r\nText.\r\n"
        )
    folder = outside.store.folder / folder_name("paul@elsewhere.example") / "new"
    until(lambda: folder.is_dir() and any(folder.iterdir()), lambda: "no mail came")
    (found,) = folder.iterdir()
    assert b"X-Spamtacus: no" in found.read_bytes()
