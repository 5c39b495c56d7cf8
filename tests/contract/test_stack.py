"""A mail stack from its plan to a mail that arrives, and to nothing left: the real controller with all kinds
of targets, against a real git host, the sandbox's albatross with its roles, and its firewall's helper."""

from __future__ import annotations

import json
import shlex
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import (
    firewalls,
    host_shares,
    hosts,
    public_addresses,
    record_sets,
    repositories,
    stack_passes,
    stacks,
    unikernels,
    upgrades,
    zone_proofs,
    zone_repositories,
    zones,
)
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.sshkeys import fingerprint
from tenants.formats.stacks.upgrade_phases import DRAIN_MOST
from tenants.models import (
    Canary,
    Condition,
    Domain,
    Host,
    Organization,
    OutgoingMail,
    Repository,
    Stack,
    SyncTarget,
    Upgrade,
    UpgradePhase,
)
from tenants.secrets import Opener
from tenants.stack_wishes import zone_of
from tests.conftest import make_address
from tests.contract.demand import StandingConnection, demand, standing_connection
from tests.contract.host_world import own_images
from tests.contract.letters import letters_are_followed
from tests.hosting import Machine, share_of, upload
from tests.sandbox.stack_world import free_realm, machine, until
from workers import ssh
from workers.albatross import Client
from workers.canary_assembly import inside_realm
from workers.controller import Controller, Ending
from workers.errands.canary_keeper import CanaryKeeper, due_canaries
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.sandbox.albatross.programs import Lives, never
from workers.sandbox.certificates import Authority
from workers.sandbox.firewall import connections_of, helper_of, make_firewall, rules_of
from workers.sandbox.git_host import GitHost
from workers.sandbox.maildirs import MailStore, folder_name
from workers.sandbox.stack.forwarder import NatFile
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.realm import Realm, real_port
from workers.sandbox.stack.standing import Standing
from workers.targets.albatross_host import AlbatrossHost
from workers.targets.base import TargetKind
from workers.targets.firewall import HostFirewall
from workers.targets.reader_service import as_it_is
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import ByHand
from workers.targets.stack import MailStack
from workers.targets.stack_git import GitRights
from workers.targets.stack_looks import Probes
from workers.targets.upgrade_looks import UpgradeEyes
from workers.targets.upgrade_trial import CanaryAccount, HostConnections, Trials
from workers.targets.zone_repository import ZoneRepository

# On one database: nearly all of its time are the keys and starts of eight servers.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400), pytest.mark.one_database]
PUBLIC = "76.8.60.93"
HOME = "canary@canary-home.example"
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
    with outside_in(tmp_path) as made:
        yield made


@contextmanager
def outside_in(tmp_path: Path, odd: Callable[[Realm], Lives] = lambda _: never) -> Iterator[Outside]:
    """`odd` says what runs in the place of images that are no role's."""
    realm, lock = free_realm()
    git = GitHost(tmp_path / "home", realm.here("10.0.0.1"), shell=True)  # noqa: S604 - on loopback
    make_firewall(tmp_path)
    nat, room = NatFile(rules_of(tmp_path)), tmp_path / "room"
    room.mkdir()
    standing = Standing(connections_of(tmp_path))
    with closing(lock), machine(room, tmp_path / "a", realm, git, nat, standing, odd(realm)) as made:
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

    def clock(self) -> datetime:
        return timezone.now() + self.late

    def round(self, *, unasked: bool = True) -> None:
        """Every target, and those that wait as if their time had come; those that agree unless `unasked`,
        when only the host is looked at without a reason."""
        SyncTarget.objects.filter(failures__gt=0).update(next_try_at=LONG_AGO, next_check_at=LONG_AGO)
        for target in SyncTarget.objects.order_by("kind", "pk"):
            target.refresh_from_db()
            if target.in_agreement and not unasked and target.kind != SyncTarget.Kind.ALBATROSS_HOST:
                continue
            ending = self.controller.reconcile(target.pk)
            run = target.runs.order_by("pk").last()
            self.endings.append(f"{target.kind}: {ending.value} {run.advice if run else ''}")
            assert ending is not Ending.BUG, self.endings[-20:]

    def go(self, stack: Stack, seconds: float = 150.0, *, late: int = 3) -> Ending:
        """Rounds until the stack says something final, as if each took `late` seconds longer."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.round(unasked=False)
            target = SyncTarget.objects.get(stack=stack)
            if target.in_agreement:
                return Ending.AGREED
            if target.stop_code and target.stop_generation >= target.generation:
                return Ending.STOPPED
            self.late += timedelta(seconds=late)
            time.sleep(0.1)
        return Ending.RETRY

    def told(self, stack: Stack) -> str:
        fields = ("name", "state", "reason", "proof")
        rows = list(stack.phases.order_by("position").values_list(*fields))
        rows += UpgradePhase.objects.filter(upgrade__stack=stack).values_list(*fields)
        lines = [f"{name}: {state} {reason} {proof}" for name, state, reason, proof in rows]
        return "\n".join([*lines, *self.endings[-12:]])


@contextmanager
def kinds_of(outside: Outside) -> Iterator[dict[str, TargetKind]]:
    """Every kind of target that a stack needs."""
    pool, opener = ssh.ConnectionPool(), Opener()
    mirrors = outside.folder / "mirrors"
    relays = RelayRepository(opener=opener, pool=pool, reloader=ByHand(), mirrors=mirrors / "relay")
    zone_kind = ZoneRepository(opener=opener, pool=pool, mirrors=mirrors / "zones", sleep=lambda _: None)
    yield {
        SyncTarget.Kind.RELAY_REPOSITORY: relays,
        SyncTarget.Kind.ZONE_REPOSITORY: zone_kind,
        SyncTarget.Kind.ALBATROSS_HOST: AlbatrossHost(
            opener=opener, pool=pool, watch_seconds=0.15, ready_seconds=3.0, serve_seconds=0.5
        ),
        SyncTarget.Kind.FIREWALL: HostFirewall(
            opener=opener, pool=pool, command=shlex.quote(str(helper_of(outside.folder))), confirm_within=30
        ),
        SyncTarget.Kind.STACK: MailStack(
            git=GitRights(opener, pool),
            eyes=UpgradeEyes(
                Probes(opener, pool, as_it_is),
                Trials(opener, pool, as_it_is, CanaryAccount(opener)),
                HostConnections(opener, pool, shlex.quote(str(helper_of(outside.folder)))),
            ),
        ),
    }
    relays.close()
    zone_kind.close()
    pool.close()


@pytest.fixture
def site(outside: Outside, olga: Actor, alice: Actor, domain: Domain, settings: Any) -> Iterator[Site]:
    own_images(settings, outside.folder)
    settings.CANARY_HOME = HOME
    with kinds_of(outside) as kinds:
        made = Site(outside, alice, domain, None, None)  # type: ignore[arg-type]
        made.controller = Controller(kinds=kinds, clock=made.clock)
        _connect_git(outside, alice, domain)
        made.choices = _prepare_host(outside, olga, alice, domain)
        yield made


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


def add_rock(outside: Outside, olga: Actor, organization: Organization) -> Machine:
    """The machine as a host with compared keys, and a part of it with a network."""
    git = outside.git
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
    host_shares.change_quota(actor=olga, share=share, memory=4096, most_unikernels=20)
    machine = Machine(olga, host, share_of(host, organization))
    machine.network("br0")
    return machine


def _prepare_host(outside: Outside, olga: Actor, alice: Actor, domain: Domain) -> Choices:
    organization = domain.organization
    machine = add_rock(outside, olga, organization)
    host, network = machine.host, machine.share.networks.get()
    firewalls.manage_firewall(actor=olga, host=host)
    public = public_addresses.add_public_address(actor=olga, share=machine.share, address=PUBLIC)
    images = {
        name: upload(alice, organization, ROLE_IMAGES[role.image][2], name=name, era="p23")
        for name, role in ROLES.items()
    }
    return Choices(share=machine.share, network=network, public=public, images=images, services={})


def test_a_stack_is_made_takes_a_mail_is_upgraded_and_leaves_nothing(site: Site) -> None:
    outside = site.outside
    make_address(site.owner, site.domain, "paul", "paul@elsewhere.example")
    site.round()
    before = site.outside.git.grants().keys()
    site.choices = replace(site.choices, production=True, open_relay=True)
    plan = preview_stack(actor=site.owner, domain=site.domain, choices=site.choices)
    assert not plan.lacking, plan.lacking
    stack = stacks.make_stack(actor=site.owner, domain=site.domain, choices=site.choices, plan=plan.digest)
    ending = site.go(stack)
    assert ending is Ending.AGREED, site.told(stack)
    assert {row.state for row in stack.phases.all()} == {"proved"}, site.told(stack)
    assert len(outside.running()) == 8

    _mail_comes_in(outside, 1)
    doors = [(outside.public, real_port(25)), (outside.public, real_port(465))]
    with demand(doors) as counted, standing_connection(doors[0]) as old_one:
        _is_rolled_back(site, stack, old_one)
        _is_upgraded(site, stack, old_one)
    assert counted.failed == [], counted
    assert counted.attempts > 100
    letters_are_followed(site.owner, site.choices.share.host_id, _keeper(outside), stack.canary)
    _mail_comes_in(outside, 2)
    _its_canary_sings(site, stack)
    stacks.remove_stack(actor=site.owner, stack=stack, name=site.domain.name)
    ending = site.go(stack)
    assert ending is Ending.AGREED, site.told(stack)
    assert {row.state for row in stack.phases.all()} == {"gone"}, site.told(stack)
    assert outside.running() == set()
    assert outside.git.grants().keys() == before
    assert "10.0.0." not in rules_of(outside.folder).read_text()
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1
    assert not Stack.objects.exists()
    _nobody_serves_the_zone(site)
    unikernels.forget_deleted_unikernels(actor=Actor.rookery())
    again = replace(site.choices, selector="s2")
    assert preview_stack(actor=site.owner, domain=site.domain, choices=again).lacking == ()


def _nobody_serves_the_zone(site: Site) -> None:
    """It is wanted as before and written to git; what it waits for is a person."""
    zone = zone_of(site.domain)
    assert zone is not None
    record_sets.set_record_set(
        actor=site.owner, zone=zone, owner="later", record_type="A", data=("192.0.2.9",)
    )
    for _ in range(2):
        site.round()
    target = SyncTarget.objects.get(pk=zone.target_id)
    assert (target.stop_code, target.failures) == ("primary-removed", 0)
    run = target.runs.latest("pk")
    assert "removed with the mail stack of example.org" in run.advice
    assert "Make another mail stack" in run.advice
    zones_at = site.outside.git.resolve("zone.git")
    assert zones_at is not None
    shown = ["git", "-C", str(zones_at), "show", "main:example.org"]
    assert b"later" in subprocess.run(shown, capture_output=True, check=True, timeout=20).stdout


def _is_rolled_back(site: Site, stack: Stack, old_one: StandingConnection) -> None:
    """When the new ones have the traffic already; who spoke to the old receiver goes on all the time."""
    upgrade = _upgraded(site, stack, "verifier", "submission")
    _until_said(site, upgrade, "watch", "All answer")
    stack.refresh_from_db()
    assert stack.release == upgrade.after, site.told(stack)
    assert old_one.answers()
    upgrades.roll_back(actor=site.owner, stack=stack)
    assert site.go(stack) is Ending.AGREED, site.told(stack)
    upgrade.refresh_from_db()
    assert upgrade.state == "returned", site.told(stack)
    assert site.outside.running() == {f"acme:example-org-{role}-1" for role in ROLES}
    assert old_one.answers()


def _is_upgraded(site: Site, stack: Stack, old_one: StandingConnection) -> None:
    """To the second releases of relay and receiver; the others follow the relay to its new address."""
    upgrade = _upgraded(site, stack, "relay", "verifier")
    before = {part["role"]: part["address"] for part in upgrade.before.parts}
    _until_said(site, upgrade, "drain", "Still open")
    assert old_one.answers()
    waits = upgrade.phases.get(name="drain").reason
    assert waits == f"Still open: 127.9.9.9 to port {real_port(25)} of {before['verifier']}."
    site.late += timedelta(seconds=DRAIN_MOST)
    assert site.go(stack, late=15) is Ending.AGREED, site.told(stack)
    upgrade.refresh_from_db()
    told = {row.name: row.proof for row in upgrade.phases.all()}
    assert (upgrade.state, upgrade.reason) == ("done", ""), site.told(stack)
    assert told["trial"]["receiver, recipient"].endswith(" would be taken")
    assert "was let in" in told["trial"]["submission server, AUTH"]
    assert told["drain"]["cut"] == waits.removeprefix("Still open: ").removesuffix(".")
    assert not old_one.answers()
    changed = {"relay", "signer", "submission", "spamfilter", "verifier"}
    names = {f"acme:example-org-{role}-{3 if role in changed else 1}" for role in ROLES}
    assert site.outside.running() == names


def _until_said(site: Site, upgrade: Upgrade, phase: str, words: str) -> None:
    for _ in range(200):
        site.round(unasked=False)
        row = upgrade.phases.get(name=phase)
        if row.state == "doing" and row.reason.startswith(words):
            return
        site.late += timedelta(seconds=3 if phase == "watch" else 15)
    raise AssertionError(site.told(upgrade.stack))


def _upgraded(site: Site, stack: Stack, *roles: str) -> Upgrade:
    images = {
        name: upload(
            site.owner,
            site.domain.organization,
            ROLE_IMAGES[ROLES[name].image.replace(".hvt", "-2.hvt")][2],
            name=f"{name}-2",
            era="p23",
        )
        for name in roles
    }
    stack.refresh_from_db()
    plan = preview_upgrade(actor=site.owner, stack=stack, images=images)
    assert not plan.lacking, plan.lacking
    return upgrades.upgrade_stack(actor=site.owner, stack=stack, images=images, plan=plan.digest)


def _keeper(outside: Outside) -> CanaryKeeper:
    maildir = outside.store.folder / folder_name(HOME)
    return CanaryKeeper(Opener(), inside_realm(lambda: outside.realm), maildir, seconds=5.0)


def _its_canary_sings(site: Site, stack: Stack) -> None:
    """Both ways through the real chain; a receiver that is down turns one of them, and back."""
    outside, canary = site.outside, Canary.objects.get(stack=stack)
    assert due_canaries().filter(pk=canary.pk).exists()
    keeper, maildir = _keeper(outside), outside.store.folder / folder_name(HOME)

    def look() -> dict[str, str]:
        Canary.objects.update(next_look_at=LONG_AGO)
        assert keeper.look(canary.pk)
        return dict(canary.ways.values_list("way", "standing"))

    assert look() == {"in": "works", "out": "works"}, list(canary.rounds.values())
    for row in canary.rounds.all():
        assert (row.verdict, "accepted" in row.took) == ("proved", True)
        assert row.latency is not None
    assert not any(each.is_file() for each in maildir.rglob("*"))

    rules = rules_of(outside.folder)
    before = rules.read_text()
    _replace(rules, json.dumps(_without(json.loads(before), "--dport 25 ")))
    until(lambda: not _answers(outside), rules.read_text)
    assert [look()["in"] for _ in range(3)] == ["works", "works", "failing"], list(canary.rounds.values())
    outage = canary.outages.get(way="in")
    assert canary.outages.count() == 1, list(canary.rounds.values_list("way", "failed", "problem"))
    assert outage.ended_at is None
    assert outage.part in {"dial", "banner"}
    target = SyncTarget.objects.get(stack=stack)
    assert not target.conditions.get(type=Condition.Type.CANARY).status
    assert OutgoingMail.objects.filter(subject__contains="mail into the domain fails").exists()

    _replace(rules, before)
    until(lambda: _answers(outside), rules.read_text)
    assert [look()["in"] for _ in range(3)] == ["failing", "failing", "works"], list(canary.rounds.values())
    assert canary.outages.get(pk=outage.pk).ended_at is not None
    assert target.conditions.get(type=Condition.Type.CANARY).status
    assert OutgoingMail.objects.filter(subject__contains="mail into the domain arrives again").exists()


def _replace(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _without(rules: Any, words: str) -> Any:
    """The saved rules without the redirections that say this."""
    if isinstance(rules, dict):
        return {name: _without(each, words) for name, each in rules.items()}
    if isinstance(rules, list):
        return [each for each in rules if not (words in each and "DNAT" in each)]
    return rules


def _answers(outside: Outside) -> bool:
    with socket.socket() as plug:
        return plug.connect_ex((outside.public, real_port(25))) == 0


def _mail_comes_in(outside: Outside, count: int) -> None:
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
    until(lambda: folder.is_dir() and len(list(folder.iterdir())) == count, lambda: "no mail came")
    assert all(b"X-Spamtacus: no" in each.read_bytes() for each in folder.iterdir())
