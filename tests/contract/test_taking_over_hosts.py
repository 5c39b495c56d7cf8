"""Taking over what runs on a host: explained first, taken over by a person's word, and nothing sent there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import adoption, host_adoption, host_shares, unikernels
from tenants.actor import Actor
from tenants.errors import Forbidden, Invalid
from tenants.formats.secret_arguments import Separated
from tenants.formats.unikernels import RunningThere
from tenants.models import Event, Finding, HostAddress, Image, Organization, Unikernel, Volume
from tenants.secrets import Opener, Purpose
from tests.contract.host_world import HostWorld, own_images
from tests.contract.test_albatross_host import make_world
from tests.hosting import NETWORKED, PLAIN, WITH_DISK, upload
from workers.albatross import Name, Release
from workers.albatross.values import BlockDevice, NetworkDevice, Settings, UnikernelConfig
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = Name(("acme",), "mail")
ARGUMENTS = (
    b"--ipv4=10.0.0.9/24",
    b"--domain=example.org",
    b"--dns-key=p._update.example.org:SHA256:c2VjcmV0",
)
READS = {"ReadInfo", "ReadPolicies", "ReadBlocks", "GetImage"}


def releases(*some: tuple[int, int, int]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("world", some, indirect=True)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture(params=[(2, 7, 2)])
def world(olga: Actor, organization: Organization, tmp_path: Path, request: Any) -> Iterator[HostWorld]:
    """With a unikernel and a block volume that somebody made by hand, looked at once."""
    made = make_world(olga, organization, tmp_path, Release(*request.param))
    host_shares.change_quota(actor=olga, share=made.share, storage=100)
    made.share.refresh_from_db()
    made.network()
    made.reconcile()
    networks = (NetworkDevice("service", "service"),)
    start(made, MAIL, NETWORKED, Settings(64, networks=networks, arguments=ARGUMENTS))
    made.client.add_volume(Name(("acme",), "data"), 8)
    assert made.reconcile() is Ending.AGREED, made.advice()
    made.stand_in.asked.clear()
    yield made
    made.stand_in.stop()


def start(world: HostWorld, name: Name, image: bytes, settings: Settings) -> None:
    """Somebody on the host starts it with albatross-client."""
    world.client.create(name, UnikernelConfig(settings, image))


def findings(world: HostWorld) -> dict[str, Finding]:
    return {row.unit: row for row in world.target.findings.all()}


def take_over(world: HostWorld, actor: Actor, *units: str) -> None:
    adoption.decide_findings(actor=actor, target=world.target, decision="adopt", units=units or None)
    assert world.reconcile() is Ending.AGREED, world.advice()


@releases((1, 5, 6), (2, 5, 1), (2, 7, 2))
def test_what_runs_is_explained_then_taken_over_and_never_touched(world: HostWorld, olga: Actor) -> None:
    found, started = findings(world), world.running()["acme:mail"].started
    assert {unit: (row.kind, row.takeable) for unit, row in found.items()} == {
        "mail": ("foreign", True),
        "volume data": ("foreign", True),
    }
    assert "these are sealed: dns-key" in found["mail"].sentence
    assert "c2VjcmV0" not in f"{found['mail'].sentence}{found['mail'].outside}"
    assert not Unikernel.objects.exists()
    take_over(world, olga)
    row, volume = Unikernel.objects.get(), Volume.objects.get()
    assert (row.name, row.memory, row.image.sha256) == ("mail", 64, hashlib.sha256(NETWORKED).hexdigest())
    assert row.arguments == [ARGUMENTS[0].decode(), ARGUMENTS[1].decode(), "--dns-key={secret:dns-key}"]
    [secret] = row.secrets.all()
    opened = Opener().open(Purpose.ARGUMENT, bytes(secret.sealed_value))
    assert opened == "p._update.example.org:SHA256:c2VjcmV0"
    assert (volume.label, volume.size) == ("data", 8)
    assert HostAddress.objects.get(unikernel=row).address == "10.0.0.9"
    assert row.image.source == "the host rock"
    assert {kind for _, kind in world.stand_in.asked} <= READS
    assert sorted(Event.objects.filter(verb__startswith="take_over").values_list("verb", flat=True)) == [
        "take_over_image",
        "take_over_unikernel",
        "take_over_volume",
    ]
    assert findings(world) == {}
    # From now on it is ours: the next looks change nothing, and a change outside is one.
    assert world.reconcile() is Ending.AGREED
    assert world.running()["acme:mail"].started == started
    assert {kind for _, kind in world.stand_in.asked} <= READS
    assert world.target.proof["unikernels"].keys() == {"mail"}


@releases((2, 5, 1), (2, 6, 2))
def test_nothing_is_started_before_somebody_says_whether_it_gets_its_name(
    world: HostWorld, olga: Actor
) -> None:
    take_over(world, olga, "mail")
    row, started = Unikernel.objects.get(), world.running()["acme:mail"].started
    tells = world.release >= Release(2, 6)
    assert row.add_name is (None if tells else False)
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=48)
    world.reconcile()
    if tells:
        assert "--name=mail" in world.condition("UnsafeEntries").message
        assert world.running()["acme:mail"].started == started
        host_adoption.answer_add_name(actor=olga, unikernel=row, add_name=True)
        world.reconcile()
    assert world.running()["acme:mail"].settings.memory == 48
    assert world.stand_in.daemon.unikernels[MAIL].config.settings.add_name is (tells or None)


def test_an_image_that_is_kept_is_not_read_again(world: HostWorld, olga: Actor) -> None:
    kept = upload(olga, world.share.organization, NETWORKED)
    take_over(world, olga, "mail")
    assert Unikernel.objects.get().image == kept
    assert "GetImage" not in {kind for _, kind in world.stand_in.asked}


def test_a_volume_is_taken_over_with_what_uses_it(world: HostWorld, olga: Actor) -> None:
    settings = Settings(32, blocks=(BlockDevice("data", "data"),))
    start(world, Name(("acme",), "disk"), WITH_DISK, settings)
    world.reconcile()
    assert "Its block volume data is taken over with it." in findings(world)["disk"].sentence
    take_over(world, olga, "disk")
    assert Unikernel.objects.get().blocks == [["data", "data"]]
    assert Volume.objects.get().label == "data"
    assert findings(world).keys() == {"mail"}


ODD: dict[str, tuple[bytes, Settings, str]] = {
    "cpus": (PLAIN, Settings(1, cpuids=frozenset((0, 1))), "more than one CPU"),
    "cpus2": (PLAIN, Settings(1, cpus=2), "more than one CPU"),
    "cpu3": (PLAIN, Settings(1, cpuids=frozenset((3,))), "CPU 3 is not in the quota policy"),
    "bytes": (PLAIN, Settings(1, arguments=(b"--x=\xff",)), "no text in UTF-8"),
    "reference": (PLAIN, Settings(1, arguments=(b"--x={secret:dns-key}",)), "one of Rookery's references"),
    "space": (PLAIN, Settings(1, arguments=(b"--x= ",)), "in another way"),
    "late": (PLAIN, Settings(1, startup=5000), "order of start is 5000"),
    "big": (PLAIN, Settings(449), "It has 449 MB, and 448 MB are left"),
    "dotted.name": (PLAIN, Settings(1), "small letters, digits and hyphens only"),
    "bridge": (NETWORKED, Settings(1, networks=(NetworkDevice("service", "other"),)), "the bridge other"),
    "mac": (NETWORKED, Settings(1, networks=(NetworkDevice("service", mac=b"\2" * 6),)), "a MAC address"),
}


def test_what_cannot_be_held_says_why(world: HostWorld, olga: Actor) -> None:
    # Before Rookery's own policy of this path was there, and with a network of somebody else.
    world.client.remove_policy(Name(("acme",)))
    world.client.destroy(MAIL)
    world.stand_in.machine.bridges.append("other")
    for label, (image, shape, _) in ODD.items():
        start(world, Name(("acme",), label), image, shape)
    start(world, Name(("acme", "below"), "deep"), PLAIN, Settings(1))
    ours = upload(olga, world.share.organization, PLAIN)
    world.unikernel("ours", image=ours, memory=64, running=False)
    unikernels.start_unikernel(actor=olga, unikernel=Unikernel.objects.get(name="ours"))
    world.reconcile()
    found = findings(world)
    takeable = {unit: row.takeable for unit, row in found.items()}
    assert takeable == {**dict.fromkeys([*ODD, "below:deep"], False), "volume data": True}
    for label, (_, _, why) in ODD.items():
        assert why in found[label].sentence
    assert "in a path below yours" in found["below:deep"].sentence
    with pytest.raises(Invalid):
        take_over(world, olga, "mac")


def test_what_changed_since_it_was_seen_is_not_taken_over(world: HostWorld, olga: Actor) -> None:
    adoption.decide_findings(actor=olga, target=world.target, decision="adopt", units=["mail"])
    world.client.destroy(MAIL)
    start(world, MAIL, PLAIN, Settings(32))
    world.reconcile()
    assert not Unikernel.objects.exists()
    assert findings(world)["mail"].decision == ""


def test_all_or_nothing_of_one(world: HostWorld, olga: Actor) -> None:
    """Somebody else of ours has the address: neither image nor row stays, and the reason is told."""
    network = world.share.networks.get()
    image = upload(olga, world.share.organization, NETWORKED.replace(b"relay", b"rilay"))
    chosen = {"networks": {"service": network}, "addresses": {"service": "10.0.0.9"}}
    ours = world.unikernel("ours", image=image, running=False, **chosen)
    before = set(Image.objects.values_list("pk", flat=True))
    adoption.decide_findings(actor=olga, target=world.target, decision="adopt", units=["mail"])
    assert world.reconcile() is Ending.AGREED
    assert list(Unikernel.objects.all()) == [ours]
    assert set(Image.objects.values_list("pk", flat=True)) == before
    assert findings(world)["mail"].decision == ""
    run = world.target.runs.latest("pk")
    assert "10.0.0.9 belongs to ours here" in " ".join(step.detail for step in run.steps.all())


def test_the_host_gives_another_image(world: HostWorld, olga: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    running = world.stand_in.daemon.unikernels[MAIL]
    monkeypatch.setattr(running, "config", UnikernelConfig(running.config.settings, PLAIN))
    adoption.decide_findings(actor=olga, target=world.target, decision="adopt", units=["mail"])
    assert world.reconcile() is Ending.AGREED
    assert not Unikernel.objects.exists()
    assert not Image.objects.exists()


def test_only_workers_take_over(world: HostWorld, olga: Actor) -> None:
    image = upload(olga, world.share.organization)
    running = RunningThere("web", image.sha256, 32, 0, (), (), Separated((), {}), None, 50, None)
    with pytest.raises(Forbidden):
        host_adoption.take_over_unikernel(actor=olga, share=world.share, running=running, image=image)
    with pytest.raises(Forbidden):
        host_adoption.take_over_volume(actor=olga, share=world.share, label="data", size=8)
