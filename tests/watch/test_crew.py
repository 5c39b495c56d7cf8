"""Several hosts at once, and what is left behind when watching ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now

from tenants.actor import Actor
from tenants.models import ConsoleLine, HostWatch, Organization
from tenants.secrets import Opener
from tests.contract.host_world import own_images
from tests.hosting import Machine, add_host, share_of
from workers import ssh
from workers.albatross import Release
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.watch.crew import Crew, watch_host
from workers.watch.lease import HostLease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def machine_of(olga: Actor, organization: Organization) -> Callable[..., Machine]:
    """A host with these sockets and one unikernel that should run there."""

    def make(name: str, folder: Path) -> Machine:
        host = add_host(olga, organization, folder, name=name, path=name)
        machine = Machine(olga, host, share_of(host, organization))
        machine.unikernel(name)
        return machine

    return make


@contextmanager
def silent(folder: Path) -> Iterator[None]:
    """Daemons that take a connection and say nothing."""
    (folder / "util").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "util" / "vmmd.sock"))
        listener.listen(16)
        yield


def until(reached: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_a_host_that_hangs_delays_no_other(
    machine_of: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.watch.crew.FIND_SECONDS", 0.1)
    crew = Crew(Opener(), ssh.SharingPool())
    hanging = machine_of("hanging", tmp_path / "hanging")
    with silent(tmp_path / "hanging"), StandIn(tmp_path / "well", Release(2, 7, 2), pace=0.01) as stand_in:
        well = machine_of("well", tmp_path / "well")

        def run() -> None:
            crew.run()
            connections.close_all()

        thread = Thread(target=run)
        thread.start()
        try:
            until(lambda: HostWatch.objects.filter(host=well.host, looked_at__isnull=False).exists())
            watch = HostWatch.objects.get(host=hanging.host)
            assert (watch.looked_at, watch.problem, watch.failures) == (None, "", 0)
            assert watch.lease_owner
        finally:
            crew.stop.set()
            thread.join(20)
        assert stand_in.deaths == []
    assert HostWatch.objects.get(host=well.host).lease_owner == ""
    assert not thread.is_alive()


def test_a_host_that_is_away_is_tried_again_later(machine_of: Callable[..., Machine], tmp_path: Path) -> None:
    host = machine_of("away", tmp_path / "away").host
    for failures in (1, 2):
        HostWatch.objects.filter(host=host).update(next_try_at=Now())
        lease = HostLease.acquire(host.pk, "a")
        assert lease is not None
        watch_host(lease, Opener(), ssh.ConnectionPool(), Event())
        watch = HostWatch.objects.get(host=host)
        assert "cannot be reached" in watch.problem
        assert (watch.failures, watch.lease_owner) == (failures, "")
        assert HostLease.acquire(host.pk, "b") is None
        assert Crew(Opener(), ssh.ConnectionPool())._free_hosts() == []
    assert ConsoleLine.objects.count() == 0
