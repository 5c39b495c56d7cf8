"""`manage.py sandbox`: a git host and mail servers on loopback addresses, for the demo and for tests.

Plays the administrator of that host too: for each repository that was connected there, it makes the bare
repository, authorizes our public key and serves the domain's mail from it.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from tenants.formats.sshkeys import fingerprint
from tenants.models import Host, Network, Repository, Stack, Zone
from workers.sandbox import builds, handmade, zone_repository
from workers.sandbox.albatross.demo import RELEASE, DemoHost
from workers.sandbox.certificates import write_private
from workers.sandbox.control import Addresses, Sandbox, SandboxError
from workers.sandbox.firewall import make_firewall
from workers.sandbox.git_host import GitHost
from workers.sandbox.stack.demo import demo_world
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.launching import roles_of
from workers.sandbox.stack.realm import real_port
from workers.sandbox.stack.world import World

LOOK_EVERY_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 5.0
# Several sandboxes on one machine (a demo and its tests) use different third numbers of 127.0.x.y.
BLOCKS = range(10, 40)


class Command(BaseCommand):
    help = "Run the sandbox: a git host, mail servers and a mailroom on loopback. Never in production."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("This is for trials only: set ROOKERY_SANDBOX=1, or use `manage.py up`.")
        folder = Path(settings.SANDBOX_CONTROL).parent
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        host, sandbox = _start(folder)
        world, forwarder = demo_world(folder, sandbox, host)
        images = {name: image for name, (_, _, image) in ROLE_IMAGES.items()}
        albatross = DemoHost(folder / "albatross", roles_of(world), images)
        try:
            forwarder.start()
            albatross.start(*sandbox.addresses.albatross())
            make_firewall(folder)
            handmade.make(host.create_repository(handmade.PATH, handmade.BRANCH))
            address, port = sandbox.addresses.builds()
            context = sandbox.authority.server_context([builds.NAME], address)
            build_server = builds.BuildServer(albatross.folder / "images", context, address, port)
            steward = _Steward(host, sandbox, world, albatross, build_server, folder)
            steward.publish()
            self.stdout.write(f"sandbox  git at {host.host}:{host.port}, key {fingerprint(host.public_key)}")
            name_server = sandbox.status()["primary"]
            self.stdout.write(f"sandbox  name server at {name_server['host']}:{name_server['port']}")
            self.stdout.write(f"sandbox  albatross {RELEASE} in {albatross.folder}")
            self.stdout.write(f"sandbox  {handmade.PATH} there was made by hand, for {handmade.DOMAIN}")
            looks = _Looks(stop)
            host.ask = looks.now
            while looks.wait(LOOK_EVERY_SECONDS):
                with looks.one():
                    steward.look()
        finally:
            (folder / "addresses.json").unlink(missing_ok=True)
            albatross.stop()
            forwarder.stop()
            sandbox.stop()


def _start(folder: Path) -> tuple[GitHost, Sandbox]:
    repositories = folder / "repositories"
    problem = ""
    for block in BLOCKS:
        addresses = Addresses(block=block)
        host = GitHost(repositories, *addresses.git(), shell=True)  # noqa: S604 - its own loopback host
        sandbox = Sandbox(folder, git_host=host, repositories=repositories, addresses=addresses)
        try:
            sandbox.start()
        except SandboxError as error:
            problem = str(error)
            if "in use" not in problem:
                break
            continue
        return host, sandbox
    raise CommandError(problem)


class _Looks:
    """When the steward looks: from time to time, and at once for a client that nobody knows yet."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._asked = self._begun = self._done = 0

    def now(self) -> None:
        """Have a look that begins after this call, and wait for its end; for any thread but the steward's."""
        with self._changed:
            mine = self._asked = self._begun + 1
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._done >= mine or self._stop.is_set(), timeout=LONGEST_LOOK_SECONDS
            )

    def wait(self, seconds: float) -> bool:
        """Until the next look; false when it is over. A signal may come with this lock held, so it only
        sets the event, which is seen within these seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked > self._begun or self._stop.is_set(), timeout=seconds)
        return not self._stop.is_set()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._begun += 1
        yield
        with self._changed:
            self._done = self._begun
            self._changed.notify_all()


class _Steward:
    """Does on the sandbox's host what a person would do on a real one."""

    def __init__(
        self,
        host: GitHost,
        sandbox: Sandbox,
        world: World,
        albatross: DemoHost,
        build_server: builds.BuildServer,
        folder: Path,
    ) -> None:
        self._host = host
        self._builds = build_server
        self._sandbox, self._world = sandbox, world
        self._albatross = albatross
        self._folder = folder
        self._served: set[tuple[str, str, str]] = set()
        self._delegated: set[int] = set()
        self._stacks: dict[str, str] = {}

    def look(self) -> None:
        try:
            here = Repository.objects.filter(
                reload=Repository.Reload.SANDBOX, host=self._host.host, port=self._host.port
            )
            rows = list(here.select_related("domain"))
            zones = list(
                Zone.objects.filter(target__repository__in=here).select_related("domain").order_by("pk")
            )
            keys = list(
                Host.objects.filter(
                    transport=Host.Transport.SSH, host=self._host.host, port=self._host.port
                ).values_list("public_key", flat=True)
            )
            self._world.gateways.update(Network.objects.values_list("gateway", flat=True))
            running = Stack.objects.filter(wanted=Stack.Wanted.RUNNING)
            stacks = dict(running.values_list("domain__name", "public__address"))
        except DatabaseError:
            return  # not migrated yet, or busy: the next look finds it
        for row in rows:
            key = (row.path, row.branch, row.public_key)
            if key not in self._served:
                self._serve(row)
                self._served.add(key)
                self.publish()
        for zone in zones:
            self._delegate(zone)
        for public_key in keys:
            self._host.authorize(public_key)
        if stacks != self._stacks:
            self._stacks = stacks
            self.publish()

    def _serve(self, row: Repository) -> None:
        folder = self._host.create_repository(row.path, row.branch)
        self._host.authorize(row.public_key)
        if row.domain is not None:
            self._sandbox.add_domain(row.domain.name, folder, row.branch)

    def _delegate(self, zone: Zone) -> None:
        """As a registrar does for whoever bought the domain: its name servers, until it is served. Then the
        server above copies what the zone itself says."""
        begun = zone.served_at is None
        if begun == (zone.pk in self._delegated):
            return
        servers = None
        if begun:
            address = zone.record_sets.filter(owner=zone.first_server, type="A").first()
            servers = {zone.first_server: address.data if address else []}
            self._delegated.add(zone.pk)
        else:
            self._delegated.discard(zone.pk)
        self._sandbox.delegate(zone.name, servers)

    def publish(self) -> None:
        """Tell the panel where everything listens; it reads this file and imports no worker."""
        status = self._sandbox.status()
        domains: dict[str, dict[str, list[Any]]] = {}
        for role in status["roles"]:
            name = "submission" if role["role"] == "submission" else "incoming"
            domains.setdefault(role["domain"], {})[name] = [role["host"], role["port"]]
        for domain, public in self._stacks.items():
            # A mail stack serves it now, instead of the sandbox's own mail servers.
            here = self._world.realm.here(public)
            domains[domain] = {"submission": [here, real_port(465)], "incoming": [here, real_port(25)]}
        told = {
            "git": [self._host.host, self._host.port],
            "git_host_key": self._host.public_key,
            "handmade": {"domain": handmade.DOMAIN, "path": handmade.PATH, "branch": handmade.BRANCH},
            "mailroom": [status["mailroom"]["host"], status["mailroom"]["port"]],
            "resolver": [status["resolver"]["host"], status["resolver"]["port"]],
            "primary": {
                "address": [status["primary"]["host"], status["primary"]["port"]],
                "above": [status["primary"]["registry"]["host"], status["primary"]["registry"]["port"]],
                "zone": zone_repository.ZONE,
                "path": zone_repository.PATH,
                "branch": zone_repository.BRANCH,
                "root_key": self._sandbox.root_key(),
            },
            "door": [status["door"]["host"], status["door"]["port"]],
            "ca_file": status["ca_file"],
            "albatross": self._albatross.told(
                {"host": self._host.host, "port": self._host.port, "username": "rookery"},
                self._host.public_key,
            ),
            "builds": {"name": builds.NAME, "address": self._builds.address, "port": self._builds.port},
            "domains": domains,
            "stacks": {
                "public": self._sandbox.addresses.public(),
                "ca_file": status["ca_file"],
                "realm": self._world.realm.number,
            },
        }
        write_private(self._folder / "addresses.json", json.dumps(told, indent=1).encode())
