"""A change is pushed, then submission and relay read it: a real git host, real sockets, one controller."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import mailboxes, readers, sync, unikernels
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import (
    Condition,
    Host,
    HostAddress,
    Mailbox,
    Organization,
    RepositoryReader,
    Unikernel,
)
from tenants.secrets import Opener
from tests.contract.host_world import HostWorld, own_images
from tests.contract.relay_world import RelayWorld
from tests.hosting import Machine, add_host, share_of, upload
from workers import ssh
from workers.albatross import Name, Release
from workers.controller import Controller, Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.sandbox.certificates import Authority
from workers.targets.albatross_host import AlbatrossHost

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@dataclass
class Stack:
    """Both targets, and a clock that can be turned on."""

    relay: RelayWorld
    host: HostWorld
    make_mailbox: Callable[..., Mailbox]
    ahead: timedelta = field(default_factory=timedelta)
    ports: dict[int, int] = field(default_factory=dict)
    """Where the ports of roles are on this machine."""

    def place(self, host: Host, address: IPv4Address, port: int) -> tuple[IPv4Address, int]:
        return IPv4Address("127.0.0.1"), self.ports[port]

    def now(self) -> datetime:
        return timezone.now() + self.ahead

    def wait(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    def passes(self) -> tuple[Ending, Ending]:
        """Repository, host, and the repository again, which says how it went."""
        first, second = self.relay.reconcile(), self.host.reconcile()
        self.relay.reconcile()
        return first, second

    def started(self) -> dict[str, datetime | None]:
        return {name: info.started for name, info in self.host.running().items()}

    def pending(self) -> Condition:
        return self.relay.target.conditions.get(type="ReloadPending")

    def reader(self, role: str) -> RepositoryReader:
        return RepositoryReader.objects.get(role=role)

    def settle(self) -> None:
        """Nothing waits, and the last restart was long ago."""
        assert not self.pending().status, self.pending().message
        self.wait(600)

    def log(self) -> str:
        steps = self.host.target.runs.latest("pk").steps.all()
        return "\n".join(step.log for step in steps)


@pytest.fixture(params=[(2, 7, 2)])
def stack(
    world: RelayWorld,
    olga: Actor,
    organization: Organization,
    make_mailbox: Callable[..., Mailbox],
    settings: Any,
    tmp_path: Path,
    request: Any,
) -> Iterator[Stack]:
    own_images(settings, tmp_path)
    release, folder = Release(*request.param), tmp_path / "albatross"
    folder.mkdir()
    stand_in = StandIn(folder, release, pace=0.01, interval=1.0)
    stand_in.start()
    host = add_host(olga, organization, folder)
    machine = Machine(olga, host, share_of(host, organization))
    made = HostWorld.make(machine, stand_in, release, folder)
    image = upload(olga, organization)
    stack = Stack(world, made, make_mailbox)
    kind = AlbatrossHost(
        opener=Opener(),
        pool=ssh.ConnectionPool(),
        watch_seconds=0.05,
        ready_seconds=2.0,
        serve_seconds=0.0,
        place=stack.place,
    )
    made.controller = Controller(kinds={"albatross_host": kind}, clock=stack.now)
    world.controller = Controller(kinds={"relay_repository": world.kind}, clock=stack.now)
    for role in ("relay", "submission"):
        row = made.unikernel(role, image=image, memory=16)
        readers.link_reader(actor=olga, repository=world.repository, unikernel=row, role=role)
    make_mailbox()
    assert world.reconcile() is Ending.AGREED
    assert made.reconcile() is Ending.AGREED, made.advice()
    assert world.reconcile() is Ending.AGREED
    yield stack
    stand_in.stop()


@pytest.fixture
def banner(stack: Stack, tmp_path: Path) -> Iterator[Callable[[int, bytes], None]]:
    """Gives both servers addresses; then what answers on a port is chosen."""
    said: dict[int, bytes] = {}
    context = Authority(tmp_path / "ca").server_context(["mail.example.org"], "127.0.0.1")
    network = stack.host.network()
    with ExitStack() as listeners:
        for number, (role, port) in enumerate((("submission", 465), ("relay", 25))):
            row = Unikernel.objects.get(name=role)
            address = f"10.0.0.{7 + number}"
            HostAddress.objects.create(network=network, address=address, unikernel=row, device="service")
            listener = listeners.enter_context(socket.create_server(("127.0.0.1", 0)))
            stack.ports[port] = int(listener.getsockname()[1])
            Thread(target=answer, args=(listener, said, port, context), daemon=True).start()
        yield said.__setitem__


def answer(listener: socket.socket, said: dict[int, bytes], port: int, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with suppress(OSError), peer:
                speaks = context.wrap_socket(peer, server_side=True) if port == 465 else peer
                with speaks:
                    speaks.sendall(said.get(port, b""))


every_way = pytest.mark.parametrize("stack", [(2, 0, 0), (2, 5, 1), (2, 7, 2)], indirect=True)


def test_what_just_started_has_read_it(stack: Stack) -> None:
    assert not stack.pending().status
    assert stack.pending().details["commit"] == stack.relay.tip()
    assert stack.reader("relay").read_commit == stack.relay.tip()


@every_way
def test_a_change_is_taken_up_in_a_quiet_moment_submission_first(stack: Stack) -> None:
    stack.settle()
    before = stack.started()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    assert stack.started() == before
    assert stack.pending().status
    assert "submission and relay restart at" in stack.pending().message
    stack.wait(10)
    stack.make_mailbox("cleo", target="cleo@home.example")
    stack.passes()
    stack.wait(15)
    stack.passes()
    assert stack.started() == before, "the quiet moment began anew"
    stack.wait(10)
    assert stack.passes() == (Ending.AGREED, Ending.AGREED), stack.host.advice()
    log = stack.log()
    first, second = log.index("Restarting acme:submission"), log.index("Restarting acme:relay")
    assert first < log.index("acme:submission is ready") < second
    assert ("with its stored image" in log) is (stack.host.release < Release(2, 6))
    done = stack.pending()
    assert (done.status, done.reason) == (False, "TakenUp")
    assert done.details["commit"] == stack.relay.tip()
    assert sorted(done.details["restarted"]) == ["relay", "submission"]
    facts = {one.name: one.value for one in stack.host.target.runs.latest("pk").evidence.all()}
    assert facts["submission read"] == facts["relay read"] == stack.relay.tip()
    if stack.host.release >= Release(2, 1):
        assert all(stack.started()[name] != at for name, at in before.items())


def test_the_next_restart_keeps_its_distance_and_what_is_urgent_does_not(stack: Stack, alice: Actor) -> None:
    bea = stack.make_mailbox("bea", target="bea@home.example")
    stack.settle()
    stack.relay.reconcile()
    stack.wait(25)
    stack.passes()
    before = stack.started()
    assert not stack.pending().status
    stack.make_mailbox("dora", target="dora@home.example")
    stack.passes()
    stack.wait(60)
    stack.passes()
    assert stack.started() == before, "five minutes lie between two restarts"
    mailboxes.switch_mailbox(actor=alice, mailbox=bea, enabled=False)
    stack.passes()
    assert not stack.pending().status, "an address switched off goes at once"
    assert all(stack.started()[name] != at for name, at in before.items())


def test_a_person_need_not_wait(stack: Stack, olga: Actor) -> None:
    stack.settle()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    assert stack.pending().status
    stack.wait(1)
    readers.restart_readers(actor=olga, repository=stack.relay.repository)
    stack.passes()
    assert not stack.pending().status


def test_the_host_is_away_after_it_was_told(stack: Stack, monkeypatch: Any) -> None:
    """Whether it heard of it shows when it is back; it is not told twice."""
    from workers.albatross import Client, UnknownOutcome

    stack.settle()
    told: list[str] = []
    really = Client.restart

    def heard_and_gone(client: Client, name: Name, *given: Any) -> None:
        told.append(str(name))
        really(client, name, *given)
        raise UnknownOutcome("the connection ended")

    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    stack.wait(30)
    with monkeypatch.context() as patched:
        patched.setattr(Client, "restart", heard_and_gone)
        assert stack.passes()[1] is Ending.RETRY
    assert told == ["acme:submission"]
    assert stack.pending().status
    since = stack.started()["acme:submission"]
    stack.passes()
    assert stack.started()["acme:submission"] == since
    assert stack.reader("submission").read_commit == stack.relay.tip()
    assert not stack.pending().status
    assert "acme:relay" in stack.log()


def test_the_host_is_away_before(stack: Stack) -> None:
    stack.settle()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    stack.wait(30)
    stack.host.stand_in.stop()
    assert stack.passes() == (Ending.AGREED, Ending.RETRY)
    assert stack.pending().status


def test_without_a_readable_branch_nothing_is_ended(stack: Stack) -> None:
    stack.settle()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    before = stack.started()
    stack.wait(30)
    stack.relay.folder.rename(stack.relay.folder.with_suffix(".away"))
    assert stack.host.reconcile() is Ending.AGREED
    assert stack.started() == before
    assert "cannot be read now" in stack.reader("submission").held
    stack.relay.folder.with_suffix(".away").rename(stack.relay.folder)
    stack.passes()
    assert not stack.pending().status


def test_a_branch_that_ptt_cannot_read_is_not_taken_up(stack: Stack) -> None:
    stack.settle()
    before = stack.started()
    stack.relay.write_tree({b"ada": b"<<<<<<< HEAD", b"bea": b"{}"})
    stack.passes()
    stack.wait(600)
    stack.passes()
    assert stack.started() == before
    assert (stack.pending().status, stack.pending().reason) == (True, "RestartHeld")
    assert "nobody could sign in" in stack.pending().message


def test_when_submission_does_not_come_back_the_relay_goes_on(stack: Stack, olga: Actor) -> None:
    stack.settle()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    stack.wait(30)
    relay = stack.started()["acme:relay"]
    stack.host.stand_in.daemon._program = lambda launch: iter([b"cannot read\n", 2])
    assert stack.passes()[1] is Ending.STOPPED
    assert "cannot read" in stack.host.advice()
    for _ in range(2):
        stack.wait(600)
        stack.passes()
        assert stack.started() == {"acme:relay": relay}
        assert stack.pending().reason == "RestartHeld"
    assert "submission does not run" in stack.pending().message


def test_one_that_is_stopped_keeps_nobody_waiting(stack: Stack, olga: Actor) -> None:
    stack.settle()
    row = stack.reader("submission").unikernel
    unikernels.stop_unikernel(actor=olga, unikernel=row)
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    stack.wait(30)
    stack.passes()
    assert stack.reader("relay").read_commit == stack.relay.tip()
    assert "submission does not run" in stack.pending().message
    row.refresh_from_db()
    unikernels.start_unikernel(actor=olga, unikernel=row)
    stack.host.reconcile()
    stack.relay.reconcile()
    assert not stack.pending().status


def test_said_by_hand_counts_for_linked_ones_too(stack: Stack, alice: Actor) -> None:
    stack.settle()
    before = stack.started()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    sync.confirm_reload(actor=alice, target=stack.relay.target)
    stack.wait(600)
    stack.passes()
    assert stack.started() == before
    assert not stack.pending().status


def test_the_relay_waits_for_a_submission_that_does_not_answer(
    stack: Stack, banner: Callable[[int, bytes], None]
) -> None:
    stack.settle()
    banner(25, b"220 relay\r\n")
    before = stack.started()
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    stack.wait(30)
    assert stack.passes() == (Ending.AGREED, Ending.RETRY)
    assert "submission on port 465: " in stack.log()
    assert stack.started()["acme:submission"] != before["acme:submission"]
    assert stack.started()["acme:relay"] == before["acme:relay"]
    stack.wait(15)
    stack.passes()
    assert stack.started()["acme:relay"] == before["acme:relay"], "nothing is ended while it is silent"
    assert stack.pending().reason == "RestartHeld"
    assert "relay waits until submission serves" in stack.pending().message
    row = stack.reader("submission")
    assert (row.serving, row.silence.startswith("submission does not answer")) == ("no", True)
    banner(465, b"220 submission\r\n")
    stack.wait(15)
    stack.passes()
    assert stack.started()["acme:relay"] != before["acme:relay"]
    assert not stack.pending().status
    assert [stack.reader(role).serving for role in ("submission", "relay")] == ["yes", "yes"]


def test_what_takes_something_away_waits_two_minutes_for_a_silent_submission(
    stack: Stack, banner: Callable[[int, bytes], None], alice: Actor
) -> None:
    stack.settle()
    bea = stack.make_mailbox("bea", target="bea@home.example")
    banner(25, b"220 relay\r\n")
    banner(465, b"220 submission\r\n")
    stack.passes()
    stack.wait(25)
    stack.passes()
    stack.settle()
    before = stack.started()
    banner(25, b"")
    banner(465, b"")
    mailboxes.switch_mailbox(actor=alice, mailbox=bea, enabled=False)
    stack.passes()
    stack.wait(60)
    stack.passes()
    assert stack.started()["acme:relay"] == before["acme:relay"]
    stack.wait(70)
    stack.passes()
    assert stack.started()["acme:relay"] != before["acme:relay"]
    assert stack.reader("relay").serving == "no"


def test_a_host_without_a_way_to_ports_says_so(stack: Stack) -> None:
    assert {row.serving for row in RepositoryReader.objects.all()} == {"not_probed"}
    assert "no address in a network" in stack.reader("relay").serving_why


def test_the_pace_is_chosen_and_counts_at_once_for_what_waits(stack: Stack, alice: Actor) -> None:
    stack.settle()
    repository, before = stack.relay.repository, stack.started()
    with pytest.raises(Invalid, match="29 seconds are not possible"):
        readers.change_restart_pace(actor=alice, repository=repository, quiet=0, apart=29)
    stack.make_mailbox("bea", target="bea@home.example")
    stack.passes()
    readers.change_restart_pace(actor=alice, repository=repository, quiet=100, apart=3600)
    stack.wait(90)
    stack.passes()
    assert stack.started() == before
    repository.refresh_from_db()
    readers.change_restart_pace(actor=alice, repository=repository, quiet=0, apart=30)
    stack.passes()
    assert not stack.pending().status
    assert stack.started() != before
