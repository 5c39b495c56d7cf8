"""An operator asks what a host lacks, reads the plan, agrees, and a worker does exactly that as root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tenants.actions import hosts, networks
from tenants.actions import preparations as actions
from tenants.actions.agreed import Seen
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.models import Host, HostPreparation, Organization, SyncTarget
from tenants.secrets import Opener
from tests.firewall.reached import dialing
from tests.host_setup.world import Machine
from tests.hosting import share_of
from workers import ssh
from workers.errands.preparing import Preparations, asked_preparations

pytestmark = [pytest.mark.debian, pytest.mark.django_db]
State = HostPreparation.State


@dataclass
class World:
    olga: Actor
    machine: Machine
    host: Host
    worker: Preparations
    key: str

    def look(self, **wishes: object) -> HostPreparation:
        row = actions.look_at_preparation(
            actor=self.olga,
            host=self.host,
            key_fingerprint=self.key,
            **wishes,  # type: ignore[arg-type]
        )
        return self.serve(row)

    def prepare(self, row: HostPreparation) -> HostPreparation:
        return self.serve(actions.prepare_host(actor=self.olga, host=self.host, plan=row.plan))

    def serve(self, row: HostPreparation) -> HostPreparation:
        assert list(asked_preparations()) == [row]
        assert self.worker.serve(row.pk)
        assert not self.worker.serve(row.pk)
        return HostPreparation.objects.get()


@pytest.fixture
def world(tmp_path: Path, olga: Actor, organization: Organization) -> Iterator[World]:
    machine = Machine(tmp_path)
    host = hosts.add_host(
        actor=olga,
        organization=organization,
        name="rock",
        transport="ssh",
        host="127.0.0.1",
        username="rookery-test",
        path="acme",
    )
    networks.add_network(
        actor=olga, share=share_of(host, organization), bridge="service", subnet="10.0.0.0/24"
    )
    host.host_key = machine.serve(host.public_key)
    host.save(update_fields=["host_key"])
    pool = ssh.ConnectionPool(dialer=dialing(machine))  # type: ignore[arg-type] # it has a pid, too
    yield World(olga, machine, host, Preparations(Opener(), pool), machine.make_signing_key())
    pool.close()
    machine.close()


def test_a_host_is_prepared_as_was_agreed(world: World) -> None:
    seen = world.look()
    assert (seen.state, len(seen.steps)) == (State.TODO, 13)
    assert [each for each in seen.problems if "/dev/kvm" not in each] == []
    assert world.machine.calls() == []
    generation = SyncTarget.objects.get().generation

    (world.machine.state / "broken").touch()
    stopped = world.prepare(seen)
    assert stopped.state == State.TODO
    assert "It stopped at “Packages of Debian that the rest needs”" in stopped.sentence
    assert "Unable to fetch some archives" in stopped.sentence
    (world.machine.state / "broken").unlink()

    # Since it was read, something else came to be wanted.
    share = share_of(world.host, world.host.organization)
    networks.add_network(actor=world.olga, share=share, bridge="more", subnet="10.0.9.0/24")
    other = world.prepare(stopped)
    assert other.sentence.startswith("It is not as it was when this was planned; nothing was done.")
    done = world.prepare(other)
    assert (done.state, done.steps) == (State.READY, []), done.sentence
    assert len(done.right) == 14
    assert SyncTarget.objects.get().generation > generation
    assert "10.0.9.1/24" in world.machine.run("ip -o -4 addr show more")
    assert world.look().state == State.READY
    # The script for a person says the same.
    assert world.machine.run(done.script).count(": already") == 14
    world.machine.run("systemctl enable x; ip link delete more")
    assert [each["key"] for each in world.look().steps] == ["bridge more"]


def test_whoever_is_not_let_in_or_not_root_is_told_what_to_do(world: World) -> None:
    for account, problem in (
        ("daemon", "does not let Rookery's key in as daemon"),
        ("nobody", "no commands"),
    ):
        seen = world.look(username=account)
        assert (seen.state, problem in seen.sentence) == (State.FAILED, True), seen.sentence
    world.machine.run("useradd --create-home --shell /bin/sh --password '*' plain-test")
    seen = world.look(username="plain-test")
    assert (seen.state, len(seen.steps)) == (State.BY_HAND, 13)
    assert "may not use sudo" in seen.sentence
    assert world.machine.run(seen.script).endswith("All of it is so.\n")
    Host.objects.filter(pk=world.host.pk).update(host_key=world.host.public_key)
    changed = world.look()
    assert (changed.state, changed.script) == (State.FAILED, seen.script)
    assert "another key" in changed.sentence


def test_what_is_refused(world: World, alice: Actor) -> None:
    with pytest.raises(Forbidden):
        actions.look_at_preparation(actor=alice, host=world.host)
    with pytest.raises(Invalid):
        actions.look_at_preparation(actor=world.olga, host=world.host, username="a b", key_fingerprint="zz")
    row = actions.look_at_preparation(actor=world.olga, host=world.host)
    with pytest.raises(Conflict, match="just now"):
        actions.prepare_host(actor=world.olga, host=world.host, plan="")
    with pytest.raises(Forbidden):
        actions.record_preparation(actor=alice, preparation=row, seen=Seen(State.READY, "Fine."))
