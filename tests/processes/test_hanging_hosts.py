"""Hosts that take a connection and never answer, and what somebody changes meanwhile: real workers, as `up`
starts them, a real git host, real sockets."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from panel.management.commands.up import WORKERS
from tenants.actions import mailboxes
from tenants.actor import Actor
from tenants.models import Host, Organization, SyncTarget
from tests.conftest import make_address
from tests.hosting import add_host, share_of
from tests.processes.conftest import Relay
from tests.processes.crew import Crew
from tests.processes.running import until
from workers import hints
from workers.celery import app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120), pytest.mark.one_database]

# As many hosts hang as a worker has processes here: whoever shared their queue, or their worker, would wait.
PROCESSES = 2
NEW_HASH = hashlib.blake2b(b"otter-quartz-slope-vivid-ferry-lantern").hexdigest()


class HangingHost:
    """Albatross's socket with nobody behind it who would answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "util").mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "util" / "vmmd.sock"))
        self._listener.listen()
        self._listener.settimeout(60)
        self._caller: socket.socket | None = None

    def wait_for_caller(self) -> None:
        """Until somebody asks something, who then waits for the answer."""
        self._caller, _ = self._listener.accept()
        self._caller.settimeout(30)
        assert self._caller.recv(4)

    @property
    def is_waited_for(self) -> bool:
        """Does the caller still hold the line?"""
        assert self._caller is not None
        self._caller.setblocking(False)
        try:
            while self._caller.recv(4096):
                pass
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        for each in (self._caller, self._listener):
            if each is not None:
                each.close()


@pytest.fixture
def hints_arrive(workers: Crew, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What this process does is hinted at as the panel does it: no sweep is needed."""
    settings.REDIS_URL = workers.broker.url
    monkeypatch.setitem(app.conf, "broker_url", workers.broker.url)
    monkeypatch.setattr(hints, "_silent_until", 0.0)
    hints._producers.cache_clear()
    yield
    hints._producers.cache_clear()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[list[HangingHost]]:
    found = [HangingHost(tmp_path / f"rock{number}") for number in range(PROCESSES)]
    yield found
    for each in found:
        each.close()


@pytest.mark.usefixtures("hints_arrive")
def test_two_hosts_that_hang_delay_no_password_change(
    workers: Crew,
    connect: Callable[[str], Relay],
    hanging: list[HangingHost],
    alice: Actor,
    olga: Actor,
    organization: Organization,
) -> None:
    for name in ("worker", "keeper"):
        workers.start(
            *("celery", "--quiet", "-A", "workers.celery", "worker", "--loglevel=INFO"),
            *("--without-gossip", "--without-mingle", f"--hostname={name}@%h", *WORKERS[name]),
            f"--concurrency={PROCESSES}",
            ROOKERY_WORKERS_KEY_FILE=os.environ["ROOKERY_WORKERS_KEY_FILE"],
        )
    until(lambda: workers.said().count(" ready.") == 2, "both workers are ready", 60)
    relay = connect("ada")
    mailbox = make_address(alice, relay.domain)
    before = relay.until_agreed().proof["commit"]

    shares = []
    for number, each in enumerate(hanging):
        host: Host = add_host(olga, organization, each.folder, name=f"rock{number}", path=f"acme{number}")
        shares.append(share_of(host, organization))
    for each in hanging:
        each.wait_for_caller()
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=NEW_HASH)
    relay.until_agreed(9.0)

    assert all(each.is_waited_for for each in hanging), "the password waited until a host was given up"
    assert relay.git("rev-parse", "main") == relay.row().proof["commit"] != before
    assert NEW_HASH in relay.git("show", "main:ada")
    busy = SyncTarget.objects.filter(host_share__in=shares).exclude(lease_owner="")
    assert busy.count() == PROCESSES
