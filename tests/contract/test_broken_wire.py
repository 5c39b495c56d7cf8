"""SSH is cut, or goes silent, at every part of a pass: sign-in, look, fetch, pack, answer, read-back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tenants.actions import mailboxes
from tenants.actor import Actor
from tenants.models import Mailbox, Repository, Run
from tests.contract.relay_world import RelayWorld
from tests.contract.wire import Break, Wire
from workers.controller import Ending
from workers.targets import git_target

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
PARTS = 12


@pytest.fixture
def wire(world: RelayWorld) -> Iterator[Wire]:
    with Wire(world.host.host, world.host.port) as wire:
        Repository.objects.update(port=wire.port)
        world.target.repository.refresh_from_db()  # type: ignore[union-attr]
        yield wire
        world.kind.close()


def edit(alice: Actor, mailbox: Mailbox, number: int) -> str:
    wanted = hashlib.blake2b(b"%d" % number).hexdigest()
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=wanted)
    return wanted


def heal_and_check(world: RelayWorld, wire: Wire, wanted: str, commits: int) -> None:
    """Whatever happened before, everything becomes as if nothing had."""
    world.kind.close()
    wire.breaks(Break())
    # A receive-pack of before may still be at work: then the next push loses a race, and looks again.
    assert Ending.AGREED in (world.reconcile() for _ in range(3))
    assert json.loads(world.files()["ada"])["password"] == wanted
    assert int(world.git("rev-list", "--count", "main")) == commits
    assert world.target.proof["commit"] == world.tip()
    assert world.target.observed_generation == world.target.generation
    assert not Run.objects.filter(state__in=Run.UNFINISHED).exists()


def measure(world: RelayWorld, wire: Wire, alice: Actor, mailbox: Mailbox) -> dict[str, int]:
    """How many bytes an undisturbed pass with a new connection moves."""
    world.kind.close()
    edit(alice, mailbox, -1)
    wire.breaks(Break())
    assert world.reconcile() is Ending.AGREED
    return dict(wire.carried)


@pytest.mark.parametrize("way", ["up", "down"])
def test_cut_anywhere(
    world: RelayWorld, wire: Wire, alice: Actor, make_mailbox: Callable[..., Mailbox], way: str
) -> None:
    mailbox = make_mailbox()
    whole = measure(world, wire, alice, mailbox)[way]
    arrived = set()
    for number in range(PARTS):
        wanted = edit(alice, mailbox, number)
        world.kind.close()
        wire.breaks(Break(**{way: whole * number // PARTS}))
        ending = world.reconcile()
        # The last bytes say goodbye only.
        assert ending is Ending.RETRY or (ending is Ending.AGREED and number >= PARTS - 2)
        if ending is Ending.RETRY:
            arrived.add(json.loads(world.files()["ada"])["password"] == wanted)
        heal_and_check(world, wire, wanted, number + 2)
    # Some cuts came before the push arrived, some between it and its proof.
    assert arrived == {False, True}
    world.git("fsck", "--strict")


@pytest.mark.parametrize("way", ["up", "down"])
def test_silent_anywhere_is_given_up_in_time(
    world: RelayWorld,
    wire: Wire,
    alice: Actor,
    make_mailbox: Callable[..., Mailbox],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    impatient = partial(git_target.endpoint_of, connect_timeout=1.0, timeout=0.5)
    mailbox = make_mailbox()
    whole = measure(world, wire, alice, mailbox)[way]
    for number, share in enumerate((0.1, 0.5, 0.7, 0.85)):
        wanted = edit(alice, mailbox, number)
        world.kind.close()
        wire.breaks(Break(**{way: int(whole * share)}, silent=True))
        with monkeypatch.context() as now:
            now.setattr(git_target, "endpoint_of", impatient)
            assert world.reconcile() is Ending.RETRY
        heal_and_check(world, wire, wanted, number + 2)
