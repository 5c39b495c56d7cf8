"""A stack of eight unikernels on the sandbox's albatross, from a real plan: real git, DNS, TLS and SMTP."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import dns.query

from tenants.formats.arguments import Place, References, fill_in
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.rules import Chain
from tenants.formats.git_access import restricted_line
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.keys import new_seed, new_ssh_key, ssh_public_line
from tenants.formats.sshkeys import new_ssh_key as new_openssh_key
from tenants.formats.stacks.plan import StackPlan, plan_stack
from tenants.formats.zones.keyfile import TsigKey, emit_keys
from tenants.formats.zones.names import ROOT
from tenants.formats.zones.names import Name as ZoneName
from tenants.formats.zones.zone import Soa, Zone
from tenants.formats.zones.zone_file import emit
from tests.sandbox.world import UserRepository, entry
from tests.stacks.wishes import wish
from workers import ssh
from workers.albatross import Client, LocalDialer, Name, Release, Timeouts, dialect_of
from workers.albatross.values import NetworkDevice, Settings, UnikernelConfig
from workers.repository import authorize
from workers.sandbox.albatross.daemon import Machine
from workers.sandbox.albatross.host import AlbatrossHost
from workers.sandbox.albatross.programs import Lives, never
from workers.sandbox.certificates import Authority
from workers.sandbox.git_host import GitHost
from workers.sandbox.listener import Console, LoopThread
from workers.sandbox.maildirs import MailStore, folder_name
from workers.sandbox.mailroom import Mailroom
from workers.sandbox.stack.forwarder import Forwarder, NatFile
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.launching import roles_of
from workers.sandbox.stack.realm import Realm, real_port
from workers.sandbox.stack.standing import Standing
from workers.sandbox.stack.world import GitPlace, World

RELEASE = Release(2, 7, 2)
PACE = 0.05
PATIENCE = 20.0
DOMAIN = "x25519.net"


ROOT_KEY = TsigKey(ZoneName.of("all._update"), "SHA256", new_seed())
ROOKERYS = new_openssh_key("Rookery")


def rookery(git: GitHost) -> ssh.SshEndpoint:
    """The git host, as Rookery connects to it."""
    return ssh.SshEndpoint(git.host, git.port, "git", ROOKERYS[0], pinned_key=git.public_key)


def free_realm() -> tuple[Realm, socket.socket]:
    """Loopback addresses that no other test uses, and the socket that keeps them."""
    for number in range(107, 127):
        lock = socket.socket()
        try:
            lock.bind((f"127.{number}.255.254", 4711))
        except OSError:
            lock.close()
            continue
        return Realm(number), lock
    raise RuntimeError("every realm is taken")


@dataclass
class StackWorld:
    """`secrets` are those of the plan's roles, by role and name."""

    folder: Path
    realm: Realm
    git: GitHost
    host: AlbatrossHost
    client: Client
    world: World
    forwarder: Forwarder
    plan: StackPlan
    users: UserRepository
    zones: UserRepository
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)
    store: MailStore

    # unikernels -----------------------------------------------------------------------------------

    def label(self, role: str) -> Name:
        return Name((), next(each.label for each in self.plan.roles if each.role.name == role))

    def arguments(self, role: str) -> tuple[bytes, ...]:
        placed = next(each for each in self.plan.roles if each.role.name == role)
        place = Place(placed.address, 24, "10.0.0.1")
        return fill_in(placed.arguments, References(self.secrets[role], {"service": place}))

    def create(
        self,
        role: str,
        arguments: tuple[bytes, ...] | None = None,
        *,
        label: str = "",
        file: str = "",
        again: bool = True,
    ) -> Name:
        name = Name((), label) if label else self.label(role)
        settings = Settings(
            memory=ROLES[role].memory,
            networks=(NetworkDevice("service", "br0"),),
            arguments=self.arguments(role) if arguments is None else arguments,
            restart_on_exit=frozenset() if again else None,
        )
        image = ROLE_IMAGES[file or ROLES[role].image][2]
        self.client.create(name, UnikernelConfig(settings, image))
        return name

    def lines(self, name: Name) -> list[str]:
        """Its console so far."""
        ring = self.host.consoles._rings.get(name)
        return [line.decode() for _, line in list(ring.lines)] if ring else []

    def wait_for(self, name: Name, text: str) -> None:
        """Until its console says this."""
        until(lambda: any(text in line for line in self.lines(name)), lambda: self.lines(name))

    # mail -----------------------------------------------------------------------------------------

    def publish(self, intent: Intent | None = None) -> None:
        """Apply the plan's firewall rules, as the helper would."""
        rules = derive(intent or self.plan.intent)
        nat = {
            "PREROUTING": [f"-j {Chain.DNAT.label}"],
            "POSTROUTING": [f"-j {Chain.SNAT.label}"],
            **{
                chain.label: [" ".join(rule.words()) for rule in rules if rule.chain is chain]
                for chain in (Chain.DNAT, Chain.SNAT)
            },
        }
        draft = self.folder / "iptables.draft"
        draft.write_text(json.dumps({"nat": nat}))
        draft.replace(self.folder / "iptables.json")
        self.forwarder.follow()

    @property
    def public(self) -> str:
        """Where the public address is on loopback."""
        return self.realm.here("76.8.60.93")

    def trust(self, hostname: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.world.production.ca_file))
        context.check_hostname = bool(hostname)
        return context

    @contextmanager
    def mail_program(self) -> Iterator[smtplib.SMTP_SSL]:
        """Somebody's mail program at the public submission port, the certificate verified by its name."""
        client = _Named(f"smtp.{DOMAIN}", self.public, real_port(465), self.trust(DOMAIN))
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def other_server(self, source: str = "127.0.0.1") -> Iterator[smtplib.SMTP]:
        """Somebody else's mail server at the public port 25."""
        client = smtplib.SMTP(
            self.public, real_port(25), "mx.ext.test", timeout=10, source_address=(source, 0)
        )
        try:
            yield client
        finally:
            client.close()

    def mail_of(self, address: str) -> bytes:
        """The one mail that arrived for an address; it is taken out."""
        folder = self.store.folder / folder_name(address) / "new"
        until(lambda: folder.is_dir() and any(folder.iterdir()), self.every_line)
        (found,) = folder.iterdir()
        raw = found.read_bytes()
        found.unlink()
        return raw

    def every_line(self) -> dict[str, list[str]]:
        return {each.label: self.lines(Name((), each.label))[-8:] for each in self.plan.roles}

    # names ----------------------------------------------------------------------------------------

    def ask(self, name: str, kind: str) -> list[Any]:
        """What the primary answers at the public address, over TCP."""
        query = dns.message.make_query(name, kind)
        answer = dns.query.tcp(query, self.public, 10, real_port(53))
        return [item for found in answer.answer for item in found]


class _Named(smtplib.SMTP_SSL):
    """Connects to an address, and expects the certificate of a name."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext) -> None:
        self._address = address
        super().__init__(name, port, "client.test", timeout=10, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def until(ready: Callable[[], bool], what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def secrets_of(plan: StackPlan) -> dict[str, dict[str, str]]:
    """Fresh ones for each role; those that read the same repository share a key."""
    ssh = {use: new_ssh_key(use).argument for use in plan.ssh}
    found: dict[str, dict[str, str]] = {}
    for each in plan.roles:
        mine = found.setdefault(each.role.name, {})
        for secret in each.secrets:
            if secret.option == "--ssh-key":
                mine[secret.name] = next(ssh[use] for use in plan.ssh if each.role.name in plan.ssh[use])
            elif secret.option == "--dns-key":
                mine[secret.name] = TsigKey(
                    plan.keys[each.role.name], "SHA256", new_seed()
                ).unikernel_string()
            else:
                mine[secret.name] = new_seed()
    return found


def zone_files(plan: StackPlan, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """What zone.git holds before the first start: the plan's records, and its keys."""
    origin = ZoneName.of(DOMAIN)
    zone = Zone(origin, Soa(ZoneName.of(f"ns1.{DOMAIN}"), origin, 7, minimum=3600), [*plan.records, plan.mx])
    keys = []
    for role, name in plan.keys.items():
        _, algorithm, secret = secrets[role]["dns-key"].split(":")
        keys.append(TsigKey(name, algorithm, secret))
    return {
        DOMAIN: emit(zone),
        f"{DOMAIN}._keys": emit_keys(origin, keys),
        "_keys": emit_keys(ROOT, [ROOT_KEY]),
    }


@dataclass(frozen=True)
class Running:
    """What runs on the one machine of a sandbox, beside its git."""

    host: AlbatrossHost
    client: Client
    world: World
    forwarder: Forwarder
    store: MailStore


@contextmanager
def machine(
    folder: Path,
    sockets: Path,
    realm: Realm,
    git: GitHost,
    nat: NatFile,
    standing: Standing | None = None,
    odd: Lives = never,
) -> Iterator[Running]:
    """Git, albatross, forwarded ports, and the mail room of everybody else; `folder` keeps what they keep.
    `odd` runs in the place of further images."""
    store, loop = MailStore(folder / "mail"), LoopThread()
    loop.start()
    mailroom = Mailroom(host=realm.here("10.0.0.254"), port=0, store=store, console=Console("mailroom"))
    loop.call(mailroom.listen())
    git.start()
    world = World(
        folder=folder,
        realm=realm,
        git=GitPlace(git.host, git.port, git.public_key),
        mailroom=lambda: (mailroom.host, mailroom.port),
        production=Authority(folder / "production"),
        staging=Authority(folder / "staging", "(STAGING) Rookery sandbox"),
        nat=nat,
        pace=PACE,
        tls_bits=2048,
    )
    git.reach = world.reach
    sockets.mkdir()
    roles = roles_of(world)
    host = AlbatrossHost(
        sockets,
        RELEASE,
        machine=Machine(bridges=["br0"]),
        lives=lambda launch: odd(launch) or roles(launch),
        pace=PACE,
    )
    host.start()
    forwarder = Forwarder(realm, nat, standing)
    forwarder.start()
    client = Client(LocalDialer(sockets), dialect_of(RELEASE), Timeouts(2.0, 5.0, 10.0, 20.0))
    try:
        yield Running(host, client, world, forwarder, store)
    finally:
        forwarder.stop()
        host.stop()
        loop.call(mailroom.close())
        loop.stop()
        git.stop()


@contextmanager
def stack_world(folder: Path, **changes: Any) -> Iterator[StackWorld]:
    """Everything but the unikernels."""
    realm, lock = free_realm()
    plan = plan_stack(wish(domain=DOMAIN, **changes))
    secrets = secrets_of(plan)
    repositories = folder / "repositories"
    git = GitHost(repositories, realm.here("10.0.0.1"), shell=True)  # noqa: S604 - on loopback
    git.authorize(ROOKERYS[1])
    users = UserRepository(repositories / "relay.git")
    users.commit(
        {
            "john": entry("jane@ext.test"),
            "paul": entry("paul@elsewhere.example"),
            "round": entry(f"paul@{DOMAIN}"),
        }
    )
    zones = UserRepository(repositories / "zone.git")
    zones.commit(zone_files(plan, secrets))
    nat = NatFile(folder / "iptables.json")
    with closing(lock), machine(folder, folder / "albatross", realm, git, nat) as made:
        with closing(ssh.connect(rookery(git))) as connection:
            for role, path, writes in (("primary", "zone.git", True), ("relay", "relay.git", False)):
                line = restricted_line(ssh_public_line(secrets[role]["ssh-key"]), path, writes=writes)
                assert authorize(connection, line) == "added"
        yield StackWorld(
            folder,
            realm,
            git,
            made.host,
            made.client,
            made.world,
            made.forwarder,
            plan,
            users,
            zones,
            secrets,
            made.store,
        )
