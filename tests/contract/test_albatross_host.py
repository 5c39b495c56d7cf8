"""What every target passes, for a part of an albatross host: real sockets, real desired state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import host_shares, images, sync, undo, unikernels, volumes
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.models import Condition, Event, Host, Organization, Run, SyncTarget, Unikernel
from tests.contract.host_world import HostWorld, own_images
from tests.hosting import NETWORKED, PLAIN, WITH_DISK, Machine, add_host, share_of, upload
from workers.albatross import Name, Release
from workers.albatross.values import BlockDevice, QuotaPolicy, Settings, UnikernelConfig
from workers.controller import Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.targets.host_statements import RELEASE_IS_FRESH

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
WEB = Name(("acme",), "web")


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


def make_world(olga: Actor, organization: Organization, folder: Path, release: Release) -> HostWorld:
    stand_in = StandIn(folder, release, pace=0.01, interval=0.03)
    stand_in.start()
    host = add_host(olga, organization, folder)
    return HostWorld.make(Machine(olga, host, share_of(host, organization)), stand_in, release, folder)


@pytest.fixture(params=[(2, 7, 2)])
def world(olga: Actor, organization: Organization, tmp_path: Path, request: Any) -> Iterator[HostWorld]:
    made = make_world(olga, organization, tmp_path, Release(*request.param))
    yield made
    made.stand_in.stop()


every_release = pytest.mark.parametrize(
    "world", [(1, 5, 6), (2, 1, 0), (2, 3, 0), (2, 5, 1), (2, 6, 2), (2, 7, 2), (2, 8, 0)], indirect=True
)


def settings_of(world: HostWorld, name: str = "acme:web") -> Settings:
    return world.running()[name].settings


@every_release
def test_created_watched_and_proved(world: HostWorld, olga: Actor) -> None:
    network = world.network()
    image = upload(olga, world.share.organization, NETWORKED)
    row = world.unikernel(
        image=image,
        memory=64,
        networks={"service": network},
        arguments=["--ipv4={address:service}", "--ipv4-gateway={gateway:service}", "--seed={secret:seed}"],
        secrets={"seed": "hunter2hunter2"},
    )
    assert world.reconcile() is Ending.AGREED, world.advice()
    info = world.running()["acme:web"]
    assert info.digest == hashlib.sha256(NETWORKED).digest()
    assert info.settings.memory == 64
    assert info.settings.arguments == (
        b"--ipv4=10.0.0.2/24",
        b"--ipv4-gateway=10.0.0.1",
        b"--seed=hunter2hunter2",
    )
    assert [(each.name, each.bridge) for each in info.settings.networks] == [("service", "service")]
    row.refresh_from_db()
    assert row.generation <= world.target.observed_generation
    run = world.target.runs.latest("pk")
    facts = {fact.name: fact.value for fact in run.evidence.all()}
    assert facts["Digest of web"] == info.digest.hex()
    program = "albatross-client" if world.release.major > 1 else "albatross-client-local"
    assert run.plan["commands"][-1].startswith(f"{program} create acme:web ")
    assert "${SECRET_SEED:?}" in run.plan["commands"][-1]


@every_release
def test_apply_twice_is_once(world: HostWorld) -> None:
    world.unikernel()
    assert world.reconcile() is Ending.AGREED
    started, runs = world.running()["acme:web"].started, Run.objects.count()
    for _ in range(3):
        assert world.reconcile() is Ending.AGREED
    assert (world.running()["acme:web"].started, Run.objects.count()) == (started, runs)


@every_release
def test_a_change_replaces_and_stop_keeps_everything(world: HostWorld, olga: Actor) -> None:
    row = world.unikernel(arguments=["--ticks=0"])
    world.reconcile()
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=48, arguments=["--period-ms=500"])
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert settings_of(world).memory == 48
    assert settings_of(world).arguments == (b"--period-ms=500",)
    unikernels.stop_unikernel(actor=olga, unikernel=row)
    assert world.reconcile() is Ending.AGREED
    assert world.running() == {}
    unikernels.start_unikernel(actor=olga, unikernel=row)
    assert world.reconcile() is Ending.AGREED
    assert settings_of(world).memory == 48
    unikernels.delete_unikernel(actor=olga, unikernel=row)
    assert unikernels.forget_deleted_unikernels(actor=Actor.rookery()) == 0
    assert world.reconcile() is Ending.AGREED
    assert world.running() == {}
    assert unikernels.forget_deleted_unikernels(actor=Actor.rookery()) == 1
    assert not Unikernel.objects.exists()


def test_an_update_of_the_host_is_noticed(world: HostWorld) -> None:
    """A newer albatross answers what an older one is asked: nothing fails, and still it is asked again."""
    assert world.reconcile() is Ending.AGREED
    assert Host.objects.get().release == "2.7.0"
    asked = Host.objects.get().seen["release_at"]
    Host.objects.update(release="2.6.1")
    assert world.reconcile() is Ending.AGREED
    assert (Host.objects.get().release, Host.objects.get().seen["release_at"]) == ("2.6.1", asked)
    long_ago = datetime.fromisoformat(asked) - RELEASE_IS_FRESH
    Host.objects.update(seen=Host.objects.get().seen | {"release_at": long_ago.isoformat()})
    assert world.reconcile() is Ending.AGREED
    assert Host.objects.get().release == "2.7.0"


@every_release
def test_the_quota_policy_of_the_path_is_set_and_changed(world: HostWorld, olga: Actor) -> None:
    world.network()
    world.unikernel()
    world.reconcile()
    [named] = [each for each in world.client.policies() if str(each.name) == "acme:"]
    assert (named.policy.memory, named.policy.bridges) == (512, ("service",))
    host_shares.change_quota(actor=olga, share=world.share, memory=256, most_unikernels=3)
    assert world.reconcile() is Ending.AGREED, world.advice()
    [named] = [each for each in world.client.policies() if str(each.name) == "acme:"]
    assert (named.policy.memory, named.policy.unikernels) == (256, 3)


def test_a_volume_is_made_before_the_unikernel_that_needs_it(world: HostWorld, olga: Actor) -> None:
    host_shares.change_quota(actor=olga, share=world.share, storage=100)
    world.share.refresh_from_db()
    volumes.add_volume(actor=olga, share=world.share, label="mail", size=8)
    image = upload(olga, world.share.organization, WITH_DISK)
    world.unikernel(image=image, blocks={"data": "mail"})
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert [(str(one.name), one.size, one.active) for one in world.client.volumes()] == [
        ("acme:mail", 8, True)
    ]


# what others do on the host ----------------------------------------------------------------------------


def somebody_creates(world: HostWorld, name: Name, **given: Any) -> None:
    world.client.create(name, UnikernelConfig(Settings(**({"memory": 16} | given)), PLAIN))


def test_foreign_unikernels_survive_and_are_told(world: HostWorld, olga: Actor) -> None:
    somebody_creates(world, Name((), "root"))
    somebody_creates(world, Name(("acme",), "old-friend"))
    row = world.unikernel()
    assert world.reconcile() is Ending.AGREED
    told = world.condition("ForeignEntries")
    assert (told.status, told.details) == (True, {"count": 1, "names": ["old-friend"]})
    unikernels.delete_unikernel(actor=olga, unikernel=row)
    world.reconcile()
    assert sorted(world.running()) == [":root", "acme:old-friend"]


def test_a_name_that_is_taken_there_is_refused_or_left_alone(world: HostWorld, olga: Actor) -> None:
    somebody_creates(world, WEB)
    world.unikernel()
    before = world.running()["acme:web"]
    assert world.reconcile() is Ending.AGREED
    assert world.condition("Conflicted").status
    assert world.running()["acme:web"] == before
    sync.change_drift_mode(actor=olga, target=world.target, mode="repair")
    assert world.reconcile() is Ending.AGREED
    assert settings_of(world).memory == 32


def test_drift_is_reported_and_repaired_when_asked(world: HostWorld, olga: Actor) -> None:
    world.unikernel()
    world.reconcile()
    world.client.create(WEB, UnikernelConfig(Settings(memory=99), PLAIN), force=True)
    for _ in range(2):
        assert world.reconcile() is Ending.AGREED
        assert settings_of(world).memory == 99
        assert world.condition("Drifted").status
    sync.change_drift_mode(actor=olga, target=world.target, mode="repair")
    assert world.reconcile() is Ending.AGREED
    assert settings_of(world).memory == 32
    assert not world.condition("Drifted").status


def test_both_changed_is_a_conflict(world: HostWorld, olga: Actor) -> None:
    row = world.unikernel()
    world.reconcile()
    world.client.create(WEB, UnikernelConfig(Settings(memory=99), PLAIN), force=True)
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=40)
    assert world.reconcile() is Ending.AGREED
    assert world.condition("Conflicted").status
    assert settings_of(world).memory == 99


def test_one_that_vanished_is_told_and_started_when_asked(world: HostWorld, olga: Actor) -> None:
    row = world.unikernel()
    world.reconcile()
    world.stand_in.exit(WEB, 0)
    assert world.reconcile() is Ending.AGREED
    assert "is not running any more" in world.condition("Drifted").message
    unikernels.start_unikernel(actor=olga, unikernel=row)
    assert world.reconcile() is Ending.AGREED
    assert "acme:web" in world.running()


# what would not start ----------------------------------------------------------------------------------


def test_an_early_death_is_no_success_and_is_not_repeated(world: HostWorld, olga: Actor) -> None:
    row = world.unikernel(
        arguments=["--ticks=1", "--exit=64", "--seed={secret:seed}"], secrets={"seed": "hunter2h"}
    )
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "ended-early"
    assert "solo5_exit(64)" in world.advice()
    row.refresh_from_db()
    assert row.ended
    assert "hunter2h" not in row.ended_words
    assert "•••" in row.ended_words
    for _ in range(2):
        assert world.reconcile() is Ending.AGREED
        assert world.running() == {}
        assert world.condition("Ended").status
    unikernels.change_unikernel(actor=olga, unikernel=row, arguments=["--ticks=0"])
    assert world.reconcile() is Ending.AGREED
    assert "acme:web" in world.running()
    assert not world.condition("Ended").status


def test_a_restart_loop_is_seen(world: HostWorld) -> None:
    world.unikernel(arguments=["--ticks=1", "--exit=2"], restart_on_exit=[])
    assert world.reconcile() is Ending.STOPPED
    assert "restarted" in world.advice()


def test_what_cannot_start_ends_nothing(world: HostWorld, olga: Actor) -> None:
    network = world.network()
    image = upload(olga, world.share.organization, NETWORKED)
    row = world.unikernel(image=image, networks={"service": network})
    world.reconcile()
    started = world.running()["acme:web"].started
    # Rows that no action would have made: the bridge is gone, and the image lists other devices.
    Unikernel.objects.filter(pk=row.pk).update(networks=[], generation=world.target.generation + 1)
    SyncTarget.objects.filter(pk=world.target.pk).update(generation=world.target.generation + 1)
    assert world.reconcile() is Ending.AGREED
    assert world.running()["acme:web"].started == started
    assert "needs the network device service" in world.condition("UnsafeEntries").message


def test_a_damaged_image_ends_nothing(world: HostWorld, olga: Actor) -> None:
    from tenants import image_files

    row = world.unikernel()
    world.reconcile()
    started = world.running()["acme:web"].started
    path = Path(image_files.storage().path(row.image.file_name))
    path.chmod(0o600)
    path.write_bytes(b"x" * row.image.size)
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=40)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "image-damaged"
    assert world.running()["acme:web"].started == started
    path.unlink()
    assert upload(olga, world.share.organization).pk == row.image.pk
    assert world.reconcile() is Ending.AGREED
    assert settings_of(world).memory == 40


def test_no_secret_reaches_a_row(world: HostWorld, olga: Actor) -> None:
    secret = "hunter2-hunter2"
    row = world.unikernel(arguments=["--seed={secret:seed}"], secrets={"seed": secret})
    world.reconcile()
    unikernels.change_unikernel(actor=olga, unikernel=row, secrets={"seed": "rotated-rotated"})
    world.reconcile()
    assert settings_of(world).arguments == (b"--seed=rotated-rotated",), "it did arrive"
    rows = [f"{run.plan}{run.title}{run.advice}" for run in Run.objects.all()]
    rows += [f"{step.detail}{step.log}" for run in Run.objects.all() for step in run.steps.all()]
    rows += [f"{each.message}{each.details}" for each in Condition.objects.all()]
    rows += [f"{event.before}{event.after}{event.sentence}" for event in Event.objects.all()]
    rows += [str(world.target.proof), str(world.share.host.seen)]
    world.host.refresh_from_db()
    rows.append(str(world.host.seen))
    assert not any(word in text for text in rows for word in (secret, "rotated-rotated"))


def test_a_pass_that_broke_after_the_create_goes_on(world: HostWorld, olga: Actor, monkeypatch: Any) -> None:
    """What was sent is known to be ours, also when the wish changes before the proof."""
    from workers.targets import albatross_host

    def breaks(*given: Any, **more: Any) -> Any:
        raise RuntimeError("the worker was killed")

    row = world.unikernel()
    with monkeypatch.context() as patched:
        patched.setattr(albatross_host, "watch", breaks)
        assert world.reconcile() is Ending.BUG
    assert "acme:web" in world.running()
    unikernels.change_unikernel(actor=olga, unikernel=row, memory=40)
    assert world.reconcile() is Ending.AGREED
    assert settings_of(world).memory == 40
    assert not world.condition("Conflicted").status


def test_a_host_that_is_away_is_tried_again(world: HostWorld) -> None:
    world.stand_in.stop()
    assert world.reconcile() is Ending.RETRY
    assert not world.condition("Reachable").status


def test_two_organizations_on_one_host_never_meet(world: HostWorld, charlie: Actor, olga: Actor) -> None:
    other = Organization.objects.get(name="Difference Works")
    share = host_shares.share_host(actor=olga, host=world.host, organization=other, path="works")
    theirs = replace(world, share=share)
    world.unikernel()
    theirs.unikernel(image=upload(olga, other))
    assert world.reconcile() is Ending.AGREED
    assert theirs.reconcile() is Ending.AGREED, theirs.advice()
    assert sorted(world.running()) == ["acme:web", "works:web"]
    for target, foreign in ((world.target, "works"), (theirs.target, "acme")):
        told = [f"{run.plan}{run.title}" for run in target.runs.all()]
        told += [f"{step.log}" for run in target.runs.all() for step in run.steps.all()]
        told += [each.message for each in target.conditions.all()]
        assert not any(f"{foreign}:" in text for text in told)


def test_the_policy_is_never_below_what_runs(world: HostWorld, olga: Actor) -> None:
    somebody_creates(world, Name(("acme",), "big"), memory=400)
    host_shares.change_quota(actor=olga, share=world.share, memory=100)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert not [each for each in world.client.policies() if str(each.name) == "acme:"], "it only looked"
    sync.change_drift_mode(actor=olga, target=world.target, mode="repair")
    assert world.reconcile() is Ending.AGREED, world.advice()
    [named] = [each for each in world.client.policies() if str(each.name) == "acme:"]
    assert named.policy == QuotaPolicy(8, 400, (0,), None, ())


def test_ending_many_at_once_needs_a_person(world: HostWorld, olga: Actor) -> None:
    image = upload(olga, world.share.organization)
    rows = [world.unikernel(f"u{index}", image=image, memory=16) for index in range(5)]
    world.reconcile()
    for row in rows:
        unikernels.stop_unikernel(actor=olga, unikernel=row)
    assert world.reconcile() is Ending.STOPPED
    assert len(world.running()) == 5
    run = world.target.runs.latest("pk")
    sync.approve_plan(actor=olga, run=run, checksum=run.agree_to)
    assert world.reconcile() is Ending.AGREED
    assert world.running() == {}


def test_an_image_in_use_cannot_be_deleted(world: HostWorld, olga: Actor) -> None:
    from tenants.errors import Conflict

    row = world.unikernel()
    unikernels.stop_unikernel(actor=olga, unikernel=row)
    with pytest.raises(Conflict, match="uses this image"):
        images.delete_image(actor=olga, image=row.image)


def test_a_volume_goes_when_a_person_says_so_and_nobody_uses_it(world: HostWorld, olga: Actor) -> None:
    host_shares.change_quota(actor=olga, share=world.share, storage=64)
    world.share.refresh_from_db()
    mail = volumes.add_volume(actor=olga, share=world.share, label="mail", size=8)
    image = upload(olga, world.share.organization, WITH_DISK)
    row = world.unikernel(image=image, blocks={"data": "mail"})
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert [each.active for each in world.client.volumes()] == [True]
    with pytest.raises(Conflict, match="web uses mail"):
        volumes.delete_volume(actor=olga, volume=mail)
    unikernels.delete_unikernel(actor=olga, unikernel=row)
    with pytest.raises(Conflict, match="web uses mail"):
        volumes.delete_volume(actor=olga, volume=mail)
    assert world.reconcile() is Ending.AGREED
    unikernels.forget_deleted_unikernels(actor=Actor.rookery())
    volumes.delete_volume(actor=olga, volume=mail)
    with pytest.raises(Conflict, match="still being deleted"):
        volumes.add_volume(actor=olga, share=world.share, label="mail", size=8)
    assert volumes.forget_deleted_volumes(actor=Actor.rookery()) == 0
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.client.volumes() == ()
    run = world.target.runs.latest("pk")
    assert run.evidence.get(name="Block volume mail").value == "gone"
    assert "albatross-client destroy-block acme:mail" in run.plan["commands"]
    assert volumes.forget_deleted_volumes(actor=Actor.rookery()) == 1
    assert "is gone" in str(undo.how_to_undo("delete_volume"))


@pytest.mark.parametrize("how", ["used", "another"])
def test_a_volume_that_is_not_the_deleted_one_stays(world: HostWorld, olga: Actor, how: str) -> None:
    """Somebody on the host gave it to a unikernel of theirs, or made it anew."""
    host_shares.change_quota(actor=olga, share=world.share, storage=64)
    world.share.refresh_from_db()
    mail = volumes.add_volume(actor=olga, share=world.share, label="mail", size=8)
    assert world.reconcile() is Ending.AGREED, world.advice()
    disk = Name(("acme",), "mail")
    if how == "used":
        theirs = Settings(16, blocks=(BlockDevice("data", "mail"),))
        world.client.create(Name(("acme",), "theirs"), UnikernelConfig(theirs, WITH_DISK))
    else:
        world.client.remove_volume(disk)
        world.client.add_volume(disk, 9)
    volumes.delete_volume(actor=olga, volume=mail)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert [each.name for each in world.client.volumes()] == [disk]
    assert "was not deleted" in world.condition("UnsafeEntries").message
    assert volumes.forget_deleted_volumes(actor=Actor.rookery()) == 0
