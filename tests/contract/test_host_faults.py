"""A host whose pass is cut at each step, or done by two workers at once: the next pass repairs, nothing is
started twice, and what others run stays."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tenants.actions import host_shares, unikernels, volumes
from tenants.actions.sync import check_now
from tenants.actor import Actor
from tenants.models import Organization, SyncTarget, Unikernel
from tests.contract.daemon_wire import DaemonWire, Fault
from tests.contract.host_world import HostWorld, own_images
from tests.contract.zone_world import cut
from tests.hosting import PLAIN, Machine, add_host, share_of, upload
from tests.tenants.test_at_once import at_once
from tests.workers.test_controller import expire_lease
from workers.albatross import Client, Name, Release
from workers.albatross.values import Settings, UnikernelConfig
from workers.controller import Controller, Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.targets import albatross_host
from workers.targets.albatross_host import AlbatrossHost
from workers.targets.host_connection import TRIES

pytestmark = pytest.mark.django_db(transaction=True)
RELEASE = Release(2, 7, 2)
FOREIGN = Name((), "others")


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path, RELEASE, pace=0.01, interval=5) as running:
        yield running


@pytest.fixture
def wire(stand_in: StandIn, tmp_path: Path) -> Iterator[DaemonWire]:
    with DaemonWire(tmp_path / "near", tmp_path, stand_in.restart) as running:
        yield running


@pytest.fixture
def world(
    stand_in: StandIn,
    wire: DaemonWire,
    olga: Actor,
    organization: Organization,
    settings: Any,
    tmp_path: Path,
) -> HostWorld:
    """A part of a host that is reached through the wire, and somebody else's unikernel beside it."""
    own_images(settings, tmp_path)
    host = add_host(olga, organization, tmp_path / "near")
    host_shares.change_quota(actor=olga, share=share_of(host, organization), storage=200, memory=1000)
    machine = Machine(olga, host, share_of(host, organization))
    made = HostWorld.make(machine, stand_in, RELEASE, tmp_path, watched=0.0)
    made.client.create(FOREIGN, UnikernelConfig(Settings(memory=16), PLAIN))
    stand_in.asked.clear()
    return made


class Wishes:
    """Three unikernels, and a wish after the other that takes every kind of command to fulfil."""

    def __init__(self, world: HostWorld) -> None:
        self.world, self.number = world, 0
        image = upload(world.actor, world.share.organization)
        self.changing, self.odd, self.even = (
            world.unikernel(name, image=image, arguments=["--ticks=0"])
            for name in ("changing", "odd", "even")
        )
        unikernels.stop_unikernel(actor=world.actor, unikernel=self.even)
        assert world.reconcile() is Ending.AGREED, world.advice()

    def next(self) -> None:
        """A new quota policy, a volume more and one less, an end, a start, other settings of what runs."""
        self.number += 1
        actor, share = self.world.actor, self.world.share
        start, stop = (self.even, self.odd) if self.number % 2 else (self.odd, self.even)
        host_shares.change_quota(actor=actor, share=share, memory=1000 + self.number)
        share.refresh_from_db()
        volumes.add_volume(actor=actor, share=share, label=self.volume, size=1)
        for old in share.volumes.filter(deleted_at=None).exclude(label=self.volume):
            volumes.delete_volume(actor=actor, volume=old)
        unikernels.stop_unikernel(actor=actor, unikernel=stop)
        unikernels.start_unikernel(actor=actor, unikernel=start)
        unikernels.change_unikernel(actor=actor, unikernel=self.changing, memory=32 + self.number)
        self.runs = {":others", "acme:changing", f"acme:{start.name}"}
        self.world.stand_in.asked.clear()

    @property
    def volume(self) -> str:
        return f"v{self.number}"

    def came_true(self, told: object, *, again: bool = False) -> None:
        """Exactly what was wished is there, and each start was asked for once; `again` one that ran already
        needs none."""
        world = self.world
        running = world.running()
        assert running.keys() == self.runs, told
        assert running["acme:changing"].settings.memory == 32 + self.number, told
        assert [str(each.name) for each in world.client.volumes()] == [f"acme:{self.volume}"], told
        [policy] = [each.policy for each in world.client.policies() if str(each.name) == "acme:"]
        assert policy.memory == 1000 + self.number, told
        starts = Counter(name for name, kind in world.stand_in.asked if kind == "Create")
        wanted = Counter(self.runs - {":others"})
        assert starts <= wanted if again else starts == wanted, told
        assert not world.condition("Conflicted").status, told
        assert not world.condition("Drifted").status, told


def once_more(world: HostWorld) -> None:
    SyncTarget.objects.update(next_try_at=world.target.marked_at)
    assert world.reconcile() is Ending.AGREED, world.advice()


@pytest.mark.one_database
def test_a_command_that_goes_wrong_is_repaired_by_the_next_pass(world: HostWorld, wire: DaemonWire) -> None:
    """Those that change something in every other way, those that only read each in one of them."""
    wishes, faults = Wishes(world), list(Fault)
    for _ in range(2):  # from the second on, a volume goes
        wishes.next()
        wire.breaks(0, faults[0])
        assert world.reconcile() is Ending.AGREED
    commands = wire.commands
    assert sum(commands) == 6
    for at, changes in enumerate(commands, start=1):
        for fault in faults[at % 2 :: 2] if changes else [faults[at % len(faults)]]:
            wishes.next()
            wire.breaks(at, fault)
            ending = world.reconcile()
            told = (at, fault, ending, list(world.stand_in.asked))
            assert ending is Ending.RETRY or (ending is Ending.AGREED and not changes), told
            wire.breaks(0, fault)
            once_more(world)
            wishes.came_true(told)


@pytest.mark.one_database
def test_a_person_is_asked_only_when_no_answer_of_albatross_comes_again_and_again(
    world: HostWorld, wire: DaemonWire
) -> None:
    world.unikernel(arguments=["--ticks=0"])
    for number in range(TRIES + 1):
        wire.breaks(1, Fault.ANNOUNCED)
        SyncTarget.objects.update(next_try_at=world.target.marked_at)
        ending = world.reconcile()
        assert ending is (Ending.RETRY if number < TRIES else Ending.STOPPED), number
        assert len(wire.commands) == 1
        run = world.target.runs.latest("pk")
        assert run.outcome == ("garbled" if number < TRIES else "not-albatross")
    assert "Check address, port and socket folder" in world.advice()
    assert started(world) == []
    # It was mended, and somebody says so.
    wire.breaks(0, Fault.ANNOUNCED)
    check_now(actor=world.actor, target=world.target)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert started(world) == ["acme:web"]


STEPS: list[tuple[type | ModuleType, str, bool]] = [
    (AlbatrossHost, "observe", False),
    (AlbatrossHost, "plan", False),
    (AlbatrossHost, "statements", True),
    (Client, "set_policy", True),
    (Client, "add_volume", True),
    (Client, "destroy", True),
    (albatross_host, "remember_sent", False),
    (albatross_host, "remember_sent", True),
    (Client, "create", True),
    (AlbatrossHost, "_look_after", True),
    (Client, "remove_volume", True),
    (AlbatrossHost, "verify", False),
    (AlbatrossHost, "settle", False),
]
"""What a pass does, in its order; and whether it was done when the worker was killed."""


@pytest.mark.one_database
def test_a_worker_that_is_killed_at_any_step_is_followed_by_one_that_repairs(world: HostWorld) -> None:
    wishes = Wishes(world)
    for where, step, after in STEPS:
        wishes.next()
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, where, step, after=after)
            assert world.reconcile() is Ending.BUG, (step, after)
        once_more(world)
        wishes.came_true((step, after, world.stand_in.asked))


@pytest.mark.one_database
def test_what_was_done_by_a_killed_worker_and_is_wanted_otherwise_now(world: HostWorld) -> None:
    wishes = Wishes(world)
    for where, step, after in STEPS:
        wishes.next()
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, where, step, after=after)
            assert world.reconcile() is Ending.BUG, (step, after)
        wishes.next()
        once_more(world)
        wishes.came_true((step, after, world.stand_in.asked), again=True)


def test_what_one_worker_started_unseen_stays_ours_when_the_next_one_starts_nothing(
    world: HostWorld,
) -> None:
    row = world.unikernel(arguments=["--ticks=0"], memory=32)
    assert world.reconcile() is Ending.AGREED, world.advice()
    for memory, arrives in ((33, True), (34, False)):
        unikernels.change_unikernel(actor=world.actor, unikernel=row, memory=memory)
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, Client, "create", after=arrives)
            assert world.reconcile() is Ending.BUG
        assert world.running()["acme:web"].settings.memory == 33
    once_more(world)
    assert world.running()["acme:web"].settings.memory == 34, world.target.findings.all()
    assert not world.condition("Conflicted").status
    assert "sent" not in world.target.proof


# two workers --------------------------------------------------------------------------------------------


def started(world: HostWorld) -> list[str]:
    return [name for name, kind in world.stand_in.asked if kind == "Create"]


def test_two_workers_on_one_host_start_nothing_twice(world: HostWorld) -> None:
    image = upload(world.actor, world.share.organization)
    other = Controller(kinds=world.controller.kinds)
    for number in range(3):
        world.stand_in.asked.clear()
        world.unikernel(f"u{number}", image=image, memory=16, arguments=["--ticks=0"])
        both = at_once(world.reconcile, partial(other.reconcile, world.target.pk))
        # The second met the first, or came after it and found nothing to do.
        assert set(both) <= {Ending.AGREED, Ending.BUSY}, both
        assert Ending.AGREED in both
        assert started(world) == [f"acme:u{number}"]
    assert world.target.runs.count() == 3


def test_a_worker_that_slept_before_a_start_starts_nothing(
    world: HostWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out: another one did the work meanwhile, and it notices before it sends anything."""
    asleep, wake = threading.Event(), threading.Event()
    plan = AlbatrossHost.plan

    def sleepy(*given: Any) -> Any:
        made = plan(*given)
        monkeypatch.undo()
        asleep.set()
        assert wake.wait(20)
        return made

    def successor() -> Ending:
        assert asleep.wait(20)
        expire_lease(world.target)
        try:
            return Controller(kinds=world.controller.kinds).reconcile(world.target.pk)
        finally:
            wake.set()

    row = world.unikernel()
    monkeypatch.setattr(AlbatrossHost, "plan", sleepy)
    assert at_once(world.reconcile, successor) == [Ending.LOST, Ending.AGREED]
    assert started(world) == ["acme:web"]
    assert Unikernel.objects.get(pk=row.pk).ended_words == ""
    assert world.reconcile() is Ending.AGREED
