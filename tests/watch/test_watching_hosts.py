"""Watching a stand-in for albatross, through its real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from tenants.actions import unikernels
from tenants.actor import Actor
from tenants.models import (
    ConsoleLine,
    Event,
    Host,
    HostWatch,
    Organization,
    Sample,
    Unikernel,
    UnikernelExit,
    UnikernelWatch,
)
from tenants.secrets import Opener
from tests.contract.host_world import HostWorld, own_images
from tests.contract.test_host_transports import connect_tls, world_of
from tests.hosting import Machine, add_host, share_of
from workers import ssh
from workers.albatross import Name, Release
from workers.albatross.replies import ConsoleLine as Said
from workers.controller import Ending
from workers.lease import LeaseLost
from workers.outcome import Retry
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.watch.host import HostWatcher
from workers.watch.lease import HostLease
from workers.watch.listener import Listener

pytestmark = pytest.mark.django_db(transaction=True)
WEB = Name(("acme",), "web")
A_MOMENT = timedelta(seconds=1)
"""Longer than the step of any database's clock."""


@pytest.fixture(autouse=True)
def quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_images(settings, tmp_path)
    monkeypatch.setattr("workers.watch.host.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("workers.watch.host.FLUSH_SECONDS", 0.0)
    monkeypatch.setattr("workers.watch.listener._FIRST_WAIT", 0.05)


@pytest.fixture
def stand_in(tmp_path: Path, request: Any) -> Iterator[StandIn]:
    release = Release(*getattr(request, "param", (2, 7, 2)))
    with StandIn(tmp_path, release, pace=0.01, interval=0.03) as running:
        yield running


@pytest.fixture
def world(stand_in: StandIn, olga: Actor, organization: Organization, tmp_path: Path) -> HostWorld:
    host = add_host(olga, organization, tmp_path)
    machine = Machine(olga, host, share_of(host, organization))
    return HostWorld.make(machine, stand_in, stand_in.profile.release, tmp_path)


every_release = pytest.mark.parametrize(
    "stand_in", [(1, 5, 6), (2, 1, 0), (2, 3, 0), (2, 6, 2), (2, 7, 2), (2, 8, 0)], indirect=True
)


WatcherOf = Callable[..., HostWatcher]


@pytest.fixture
def watcher_of() -> Iterator[WatcherOf]:
    with ExitStack() as made:

        def make(host: Host, owner: str = "a") -> HostWatcher:
            lease = HostLease.acquire(host.pk, owner)
            assert lease is not None
            watcher = HostWatcher(lease, opener=Opener(), pool=ssh.ConnectionPool())
            made.callback(end, watcher)
            return watcher

        yield make


def end(watcher: HostWatcher) -> None:
    with suppress(LeaseLost):
        watcher.close()


def turn_often(watcher: HostWatcher) -> None:
    for _ in range(100):
        watcher.turn(0.02)


def run(world: HostWorld, row: Unikernel | None = None, **chosen: Any) -> Unikernel:
    made = row or world.unikernel(**chosen)
    assert world.reconcile() is Ending.AGREED, world.advice()
    return made


def turn_until(watcher: HostWatcher, reached: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, "it did not come"
        watcher.turn(0.02)


def texts(row: Unikernel) -> list[str]:
    return list(ConsoleLine.objects.filter(unikernel=row).order_by("pk").values_list("text", flat=True))


@every_release
def test_lines_and_measurements_are_kept(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world, arguments=["--seed={secret:seed}"], secrets={"seed": "hunter2hunter2"})
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 3" in texts(row) and Sample.objects.count() > 3)
    said = texts(row)
    assert "Solo5: Bindings version v0.12.1" in said
    assert "hunter2" not in "".join(said)
    assert [each for each in said if "command line" in each] == ["web: command line '•••'"]
    [first, *_, last] = Sample.objects.order_by("pk")
    assert first.memory > 0
    assert last.cpu >= first.cpu
    watch = UnikernelWatch.objects.get(unikernel=row)
    assert watch.running
    assert watch.started_at == world.running()["acme:web"].started
    assert world.stand_in.deaths == []


def test_the_next_watcher_goes_on_without_gap_or_double(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    first = watcher_of(world.host)
    turn_until(first, lambda: "tick 3" in texts(row))
    first.close()
    HostWatch.objects.update(lease_until=Now() - A_MOMENT)
    second = watcher_of(world.host, "b")
    seen = len(texts(row))
    turn_until(second, lambda: len(texts(row)) > seen + 3)
    ticks = [int(each.split()[1]) for each in texts(row) if each.startswith("tick ")]
    assert ticks == list(range(1, len(ticks) + 1))


def test_one_watcher_at_a_time_and_a_late_one_writes_nothing(world: HostWorld, watcher_of: WatcherOf) -> None:
    run(world)
    watcher = watcher_of(world.host)
    watcher.turn(0.01)
    assert HostLease.acquire(world.host.pk, "b") is None
    HostWatch.objects.update(lease_until=Now() - A_MOMENT)
    assert HostLease.acquire(world.host.pk, "b") is not None
    lines = ConsoleLine.objects.count()
    with pytest.raises(LeaseLost):
        turn_often(watcher)
    assert ConsoleLine.objects.count() == lines


def test_an_end_is_explained_and_told(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: UnikernelWatch.objects.filter(running=True).exists())
    world.stand_in.write(WEB, b"Fatal error: exception Not_found\nSolo5: solo5_exit(2) called\n")
    world.stand_in.exit(WEB, 2)
    turn_until(watcher, lambda: UnikernelWatch.objects.filter(running=False).exists())
    turn_until(watcher, UnikernelExit.objects.exists)
    for _ in range(10):
        watcher.turn(0.02)
    [ended] = UnikernelExit.objects.all()
    assert (ended.unikernel, ended.code, ended.restarted) == (row, 2, False)
    assert ended.words == "Fatal error: exception Not_found"
    assert "exception that nobody caught" in Event.objects.get(verb="unikernel_ended").sentence


def test_an_end_without_a_word_is_seen_in_the_list(world: HostWorld, watcher_of: WatcherOf) -> None:
    run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: UnikernelWatch.objects.filter(running=True).exists())
    world.stand_in.exit(WEB, 2)
    turn_until(watcher, UnikernelExit.objects.exists)
    [ended] = UnikernelExit.objects.all()
    assert (ended.code, ended.signal) == (None, None)


def test_a_restart_loop_is_bounded(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world, restart_on_exit=[], arguments=["--ticks=40", "--exit=3"])
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: UnikernelExit.objects.filter(code=3, restarted=True).count() >= 3, 20)
    assert Event.objects.filter(verb="unikernel_ended").count() == 1
    assert row.exits.count() < 50


def test_a_stop_is_no_news_and_its_console_stays(
    world: HostWorld, watcher_of: WatcherOf, olga: Actor
) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 1" in texts(row))
    unikernels.stop_unikernel(actor=olga, unikernel=row)
    run(world, row)
    turn_until(watcher, lambda: UnikernelExit.objects.filter(signal=15).exists())
    assert not Event.objects.filter(verb="unikernel_ended").exists()
    assert texts(row)[-1] == "solo5-hvt: Exiting on signal 15"
    unikernels.start_unikernel(actor=olga, unikernel=row)
    seen = len(texts(row))
    run(world, row)
    turn_until(watcher, lambda: "tick 1" in texts(row)[seen:])


def test_streams_that_somebody_took_come_back(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 1" in texts(row) and Sample.objects.exists())
    with world.client.statistics(Name(("acme",))):
        for _ in range(5):
            watcher.turn(0.02)
    seen, samples = len(texts(row)), Sample.objects.count()
    turn_until(watcher, lambda: len(texts(row)) > seen and Sample.objects.count() > samples)


def test_hostile_bytes_are_kept_as_harmless_text(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    world.stand_in.write(WEB, b"\x1b[2J<b>\xff\x00\x1b]0;x\x07\r\n" + b"x" * 100_000 + b"\nafter\n")
    turn_until(watcher, lambda: "after" in texts(row))
    assert "<b>\\xff\\0" in texts(row)
    assert max(map(len, texts(row))) <= 600


def test_a_flood_is_counted(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 1" in texts(row))
    for _ in range(10):
        world.stand_in.write(WEB, b"".join(b"flood %d\n" % number for number in range(500)))
        watcher.turn(0.02)
    turn_until(watcher, lambda: UnikernelWatch.objects.get().skipped > 1000)
    assert len(texts(row)) < 4000


def test_a_host_that_is_away_is_said(world: HostWorld, watcher_of: WatcherOf) -> None:
    run(world)
    watcher = watcher_of(world.host)
    watcher.turn(0.01)
    world.stand_in.stop()
    with pytest.raises(Retry, match="cannot be reached"):
        turn_often(watcher)


@pytest.mark.parametrize("by_intermediate", [False, True])
def test_through_the_tls_endpoint(
    by_intermediate: bool,
    watcher_of: WatcherOf,
    stand_in: StandIn,
    alice: Actor,
    organization: Organization,
    tmp_path: Path,
) -> None:
    host = connect_tls(stand_in, alice, organization, by_intermediate=by_intermediate)
    world = world_of(stand_in, host, organization, alice, tmp_path)
    row = run(world)
    watcher = watcher_of(host)
    turn_until(watcher, lambda: "tick 2" in texts(row) and Sample.objects.exists())


def test_a_past_that_comes_in_pieces_is_not_doubled(world: HostWorld, watcher_of: WatcherOf) -> None:
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 3" in texts(row))
    [first, *_] = ConsoleLine.objects.order_by("pk")
    old = Said(first.at, first.text.encode())
    listener = Listener.of(row.pk, WEB, row.share_id)
    listener.opened(world.client.console(WEB))
    listener.look(None, True, first.at)
    listener.hear(old)
    assert listener.lines == []
    listener.heard_at -= 60
    listener.look(None, True, first.at)
    listener.hear(old)
    assert [line.text for line in listener.lines] == [first.text]
    listener.console.close()


def test_a_daemon_that_is_restarted_mid_stream(world: HostWorld, watcher_of: WatcherOf) -> None:
    """Nothing is written twice, and the watcher goes on with what runs again."""
    row = run(world)
    watcher = watcher_of(world.host)
    turn_until(watcher, lambda: "tick 2" in texts(row) and Sample.objects.exists())
    world.stand_in.restart()
    with suppress(Retry):  # at once, or when the next command finds nobody
        turn_often(watcher)
    end(watcher)
    HostWatch.objects.update(lease_until=Now() - A_MOMENT, next_try_at=Now() - A_MOMENT)
    seen = len(texts(row))
    following = watcher_of(world.host, "b")
    turn_until(following, lambda: len(texts(row)) > seen + 2)
    kept = ConsoleLine.objects.filter(unikernel=row).values_list("at", "text")
    assert len(set(kept)) == len(kept)
    assert UnikernelWatch.objects.get(unikernel=row).running
