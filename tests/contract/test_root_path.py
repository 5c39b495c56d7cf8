"""A part of a host whose names have nothing in front, as most people have made theirs by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import adoption, host_adoption, host_shares, unikernels
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.fit import Spec, fit_problems
from tenants.models import Host, Organization, Unikernel
from tests.contract.host_world import HostWorld, own_images
from tests.contract.test_host_transports import connect_tls
from tests.hosting import NETWORKED, PLAIN, Machine, add_host, share_of, upload
from workers.albatross import Name, Release
from workers.albatross.values import NetworkDevice, Settings, UnikernelConfig
from workers.controller import Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn

pytestmark = pytest.mark.django_db(transaction=True)
WEB, DEEP, BRIDGED = Name((), "web"), Name(("old",), "deep"), (NetworkDevice("service", "service"),)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture(params=[(2, 0, 0), (2, 7, 2)])
def stand_in(tmp_path: Path, request: Any) -> Iterator[StandIn]:
    with StandIn(tmp_path, Release(*request.param), pace=0.01, interval=0.03) as running:
        yield running


def world_of(stand_in: StandIn, host: Host, home: Organization, actor: Actor, folder: Path) -> HostWorld:
    machine = Machine(actor, host, share_of(host, home))
    return HostWorld.make(machine, stand_in, stand_in.profile.release, folder)


def fill(world: HostWorld) -> None:
    """What somebody made there by hand."""
    settings = Settings(64, networks=BRIDGED, arguments=(b"--ipv4=10.0.0.9/24",))
    world.client.create(WEB, UnikernelConfig(settings, NETWORKED))
    world.client.create(DEEP, UnikernelConfig(Settings(16), PLAIN))
    world.client.add_volume(Name((), "data"), 8)


def take_over_all(world: HostWorld, actor: Actor) -> None:
    host_shares.change_quota(actor=actor, share=world.share, storage=100)
    world.network()
    assert world.reconcile() is Ending.AGREED, world.advice()
    found = {row.unit: row.takeable for row in world.target.findings.all()}
    assert found == {"web": True, "volume data": True}, "what lies below the root path is no part of it"
    adoption.decide_findings(actor=actor, target=world.target, decision="adopt")
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert not world.target.findings.exists()


def test_what_runs_without_a_path_is_taken_over_and_kept(
    stand_in: StandIn, olga: Actor, charlie: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = add_host(olga, organization, tmp_path, path=":")
    world = world_of(stand_in, host, organization, olga, tmp_path)
    guests = Organization.objects.get(name="Difference Works")
    other = host_shares.share_host(actor=olga, host=host, organization=guests, path="guests")
    fill(world)
    policies, started = world.client.policies(), world.running()[":web"].started
    stand_in.asked.clear()
    take_over_all(world, olga)
    row = Unikernel.objects.get()
    assert (row.full_name, row.name, row.share.organization) == (":web", "web", organization)
    assert world.running()[":web"].started == started
    if row.add_name is None:
        host_adoption.answer_add_name(actor=olga, unikernel=row, add_name=False)
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=48)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running()[":web"].settings.memory == 48
    assert "guests" not in {each.unit for each in world.target.findings.all()}
    # A guest's part is beside it: its names are no names of the root path, and the other way round.
    theirs = world_of(stand_in, host, guests, olga, tmp_path)
    Machine(olga, host, other).unikernel("web", image=upload(olga, guests))
    assert theirs.reconcile() is Ending.AGREED, theirs.advice()
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert not world.target.findings.exists()
    assert not theirs.target.findings.exists()
    assert world.running().keys() == {":web", "guests:web", "old:deep"}
    # Albatross's own policy of the root path stayed what it was.
    kept = [each for each in world.client.policies() if str(each.name) == ":"]
    assert kept == [each for each in policies if str(each.name) == ":"]
    unikernels.delete_unikernel(actor=olga, unikernel=row)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running().keys() == {"guests:web", "old:deep"}


@pytest.mark.parametrize("stand_in", [(2, 7, 2)], indirect=True)
def test_over_tls_with_the_hosts_own_ca(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization, path=":")
    world = world_of(stand_in, host, organization, alice, tmp_path)
    fill(world)
    take_over_all(world, alice)
    row = Unikernel.objects.get()
    host_adoption.answer_add_name(actor=alice, unikernel=row, add_name=False)
    unikernels.change_unikernel(actor=alice, unikernel=row, memory=48)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running()[":web"].settings.memory == 48


@pytest.mark.parametrize("stand_in", [(2, 7, 2)], indirect=True)
def test_it_belongs_to_those_who_run_the_host_and_names_are_compared_whole(
    stand_in: StandIn, olga: Actor, charlie: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = add_host(olga, organization, tmp_path, path=" : ")
    world = world_of(stand_in, host, organization, olga, tmp_path)
    assert (world.share.path, str(world.share)) == ("", "rock (:)")
    guests = Organization.objects.get(name="Difference Works")
    with pytest.raises(Invalid, match="belongs to those who run rock"):
        host_shares.share_host(actor=olga, host=host, organization=guests, path=":")
    with pytest.raises(Conflict, match="path : is taken"):
        host_shares.make_share(host, guests, "")
    fill(world)
    assert world.reconcile() is Ending.AGREED, world.advice()
    world.share.host.refresh_from_db()
    spec = Spec(upload(olga, organization), 16)
    assert [each.field for each in fit_problems(world.share, "web", spec)] == ["name"]
    assert fit_problems(world.share, "deep", spec) == []
