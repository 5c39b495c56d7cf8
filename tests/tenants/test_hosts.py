"""Hosts, images and unikernels as desired state: what fits, who has which address, what is refused."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants import fit, image_files
from tenants.actions import host_shares, hosts, image_sharing, images, networks, undo, unikernels, volumes
from tenants.actor import Actor
from tenants.desired_host import desired_host
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Event, Host, HostAddress, Image, Organization, SyncTarget, Unikernel
from tenants.secrets import Opener
from tests.albatross import solo5_files as files
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, PLAIN, WITH_DISK, Machine, add_host, share_of, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def machine(alice: Actor, organization: Organization) -> Machine:
    host = add_host(alice, organization, transport="ssh", host="rock.example", username="rookery")
    return Machine(alice, host, share_of(host, organization))


def fields(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {problem.field for problem in refused.value.problems}


# hosts ------------------------------------------------------------------------------------------------


def test_a_socket_of_this_machine_is_for_operators(alice: Actor, organization: Organization) -> None:
    with pytest.raises(Forbidden, match="operator"):
        add_host(alice, organization)
    assert not Host.objects.exists()


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"transport": "pigeon"}, "transport"),
        ({"host": "not a host"}, "host"),
        ({"port": 70_000}, "port"),
        ({"username": "root; rm"}, "username"),
        ({"socket_folder": "/run/../etc"}, "socket_folder"),
        ({"path": "a:b"}, "path"),
        ({"name": ""}, "name"),
        ({"transport": "tls", "server_ca": "x", "authority": "x", "authority_key": "x"}, "server_ca"),
    ],
)
def test_bad_input_names_its_field(
    given_: dict[str, Any], field: str, alice: Actor, organization: Organization
) -> None:
    usual = {"transport": "ssh", "host": "rock.example", "username": "rookery"}
    with pytest.raises(Invalid) as refused:
        add_host(alice, organization, **(usual | given_))
    assert field in fields(refused)
    assert not Host.objects.exists()


def test_a_bridge_belongs_to_one_organization(machine: Machine, olga: Actor, charlie: Actor) -> None:
    machine.network()
    other = Organization.objects.get(name="Difference Works")
    share = host_shares.share_host(actor=olga, host=machine.host, organization=other)
    with pytest.raises(Conflict, match="Tenants never share a bridge"):
        networks.add_network(actor=olga, share=share, bridge="service", subnet="10.9.0.0/24")
    # The guest sees its part, and neither changes its own quota nor sees how the host is reached.
    with pytest.raises(Absent):
        host_shares.change_quota(actor=charlie, share=share, memory=4096)
    with pytest.raises(Absent):
        host_shares.change_quota(actor=charlie, share=machine.share, memory=4096)


def test_a_host_with_unikernels_stays(machine: Machine) -> None:
    machine.unikernel()
    with pytest.raises(Conflict, match="still has web"):
        hosts.remove_host(actor=machine.actor, host=machine.host)


# images -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "empty"),
        (b"hello, world", "no ELF file"),
        (PLAIN[: len(PLAIN) // 2], "cut off"),
        (files.image(files.abi()), "manifest note"),
        (files.image(files.manifest()), "ABI note"),
        (zlib.compress(b"no image"), "no ELF file"),
        (zlib.compress(PLAIN)[:-9], "cut off"),
        (zlib.compress(bytes(MOST_IMAGE + 1)), "bigger than"),
    ],
    ids=["empty", "text", "half", "no manifest", "no ABI", "zlib text", "half zlib", "bomb"],
)
def test_what_is_no_image_leaves_nothing(
    contents: bytes, words: str, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        upload(alice, organization, contents)
    assert fields(refused) == {"image"}
    assert not Image.objects.exists()
    assert not list((tmp_path / "images").rglob("*")) if (tmp_path / "images").exists() else True


def test_an_endless_upload_is_cut_off(alice: Actor, organization: Organization) -> None:
    came = 0

    def endless() -> Iterator[bytes]:
        nonlocal came
        while True:
            came += 1 << 20
            yield bytes(1 << 20)

    with pytest.raises(Invalid, match="bigger than"):
        images.upload_image(actor=alice, organization=organization, contents=endless(), name="endless")
    assert came <= MOST_IMAGE + (1 << 20)


def test_a_packed_image_is_the_same_image(alice: Actor, organization: Organization) -> None:
    row = upload(alice, organization, zlib.compress(NETWORKED))
    assert upload(alice, organization, NETWORKED).pk == row.pk
    assert image_files.read(row) == NETWORKED
    assert (row.target, row.abi_version, row.devices) == ("hvt", 2, [["service", "network"]])


def test_a_shared_image_is_for_every_member_and_no_stranger(
    alice: Actor, olga: Actor, charlie: Actor, organization: Organization
) -> None:
    from tenants import access

    row = upload(alice, organization)
    assert not access.visible_to(charlie, Image).exists()
    image_sharing.share_image(actor=olga, image=row, shared=True)
    assert access.visible_to(charlie, Image).get() == row
    assert not access.visible_to(Actor(), Image).exists()
    with pytest.raises(Forbidden):
        images.delete_image(actor=charlie, image=row)


def test_the_file_goes_with_the_last_row(
    alice: Actor, organization: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    row = upload(alice, organization)
    with django_capture_on_commit_callbacks(execute=True):
        images.delete_image(actor=alice, image=row)
    assert not image_files.storage().exists(row.file_name)


def test_a_file_that_somebody_else_takes_in_meanwhile_stays(
    alice: Actor, charlie: Actor, organization: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    row, theirs = upload(alice, organization), Organization.objects.exclude(pk=organization.pk).get()
    with django_capture_on_commit_callbacks() as once_committed:
        images.delete_image(actor=alice, image=row)
    same = upload(charlie, theirs)
    for callback in once_committed:
        callback()
    assert image_files.is_there(same)


# will it fit? -----------------------------------------------------------------------------------------


def saw(machine: Machine, **facts: Any) -> None:
    Host.objects.filter(pk=machine.host.pk).update(seen=facts)
    machine.share.refresh_from_db()
    machine.share.host.refresh_from_db()


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"memory": 513}, "memory"),
        ({"memory": 0}, "memory"),
        ({"cpuid": 1}, "cpuid"),
        ({"name": "Web Server"}, "name"),
        ({"blocks": {"data": "mail"}}, "blocks"),
        ({"arguments": ["--seed={secret:seed}"]}, "arguments"),
        ({"arguments": ["--ipv4={address:service}"]}, "arguments"),
        ({"secrets": {"Seed": "x"}}, "secrets"),
        ({"secrets": {"seed": "a\0b"}}, "secrets"),
        ({"restart_on_exit": [64]}, "restart_on_exit"),
        ({"restart_on_exit": [256]}, "restart_on_exit"),
    ],
)
def test_what_does_not_fit_names_its_field(given_: dict[str, Any], field: str, machine: Machine) -> None:
    image = upload(machine.actor, machine.share.organization)
    with pytest.raises(Invalid) as refused:
        machine.unikernel(**({"name": "web", "image": image} | given_))
    assert field in fields(refused)
    assert not Unikernel.objects.exists()


def test_devices_must_be_exactly_those_of_the_image(machine: Machine) -> None:
    image = upload(machine.actor, machine.share.organization, NETWORKED)
    with pytest.raises(Invalid, match="needs the network device service"):
        machine.unikernel(image=image)
    network = machine.network()
    with pytest.raises(Invalid, match="has no network device other"):
        machine.unikernel(image=image, networks={"service": network, "other": network})


def test_what_the_host_lacks_is_said(machine: Machine) -> None:
    network = machine.network("gone")
    image = upload(machine.actor, machine.share.organization, NETWORKED)
    saw(machine, bridges=["service"], memory=100, used_memory=80, unikernels=[])
    with pytest.raises(Invalid) as refused:
        machine.unikernel(image=image, memory=64, networks={"service": network})
    assert fields(refused) == {"networks", "memory"}


@pytest.mark.parametrize(
    ("tenders", "is_there", "said"),
    [
        (None, None, "is not known"),
        (["solo5-hvt.2", "solo5-spt.2"], True, "has the tender solo5-hvt.2"),
        (["solo5-hvt.1", "solo5-spt.2"], False, "has only solo5-hvt.1, solo5-spt.2"),
        ([], False, "has none"),
    ],
)
def test_the_abi_of_an_image_is_held_against_the_tenders_of_the_host(
    tenders: list[str] | None, is_there: bool | None, said: str, machine: Machine
) -> None:
    Host.objects.filter(pk=machine.host.pk).update(tenders=tenders)
    machine.share.host.refresh_from_db()
    image = upload(machine.actor, machine.share.organization)
    found = fit.tender_for(machine.share.host, image.manifest)
    assert found.is_there is is_there
    assert said in found.sentence
    if is_there is not False:
        machine.unikernel(image=image)
        return
    with pytest.raises(Invalid, match="Install solo5 of that ABI") as refused:
        machine.unikernel(image=image)
    assert fields(refused) == {"image"}
    assert not Unikernel.objects.exists()


def test_what_runs_is_not_held_against_an_old_look(machine: Machine) -> None:
    row = machine.unikernel()
    Host.objects.filter(pk=machine.host.pk).update(tenders=["solo5-hvt.3"])
    row = Unikernel.objects.get(pk=row.pk)
    unikernels.change_unikernel(actor=machine.actor, unikernel=row, memory=64)
    other = upload(machine.actor, machine.share.organization, NETWORKED)
    with pytest.raises(Invalid, match="needs the tender"):
        unikernels.change_unikernel(
            actor=machine.actor, unikernel=row, image=other, networks={"service": machine.network()}
        )


def test_memory_counts_what_runs_and_not_what_is_stopped(machine: Machine) -> None:
    image = upload(machine.actor, machine.share.organization)
    first = machine.unikernel("first", image=image, memory=300)
    with pytest.raises(Invalid, match="212 of 512 MB are free"):
        machine.unikernel("second", image=image, memory=300)
    unikernels.stop_unikernel(actor=machine.actor, unikernel=first)
    machine.unikernel("second", image=image, memory=300)
    with pytest.raises(Invalid):
        unikernels.start_unikernel(actor=machine.actor, unikernel=first)


def test_a_volume_is_used_by_one(machine: Machine) -> None:
    host_shares.change_quota(actor=machine.actor, share=machine.share, storage=64)
    volumes.add_volume(actor=machine.actor, share=machine.share, label="mail", size=8)
    image = upload(machine.actor, machine.share.organization, WITH_DISK)
    machine.unikernel("first", image=image, blocks={"data": "mail"})
    with pytest.raises(Invalid, match="first uses the block volume mail"):
        machine.unikernel("second", image=image, blocks={"data": "mail"})
    with pytest.raises(Invalid, match="56 of 64 MB are free"):
        volumes.add_volume(actor=machine.actor, share=machine.share, label="more", size=57)


# addresses and secrets --------------------------------------------------------------------------------


def test_addresses_are_given_once_and_freed_with_the_proof(machine: Machine) -> None:
    network = machine.network(subnet="10.0.0.0/30", first="10.0.0.2", last="10.0.0.2")
    image = upload(machine.actor, machine.share.organization, NETWORKED)
    row = machine.unikernel("first", image=image, networks={"service": network})
    assert HostAddress.objects.get().address == "10.0.0.2"
    for wanted, words in (({}, "All addresses"), ({"service": "10.0.0.2"}, "belongs to somebody else")):
        with pytest.raises(Invalid, match=words):
            machine.unikernel("second", image=image, networks={"service": network}, addresses=wanted)
    unikernels.delete_unikernel(actor=machine.actor, unikernel=row)
    with pytest.raises(Invalid):
        machine.unikernel("second", image=image, networks={"service": network})
    target = machine.target
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)
    assert unikernels.forget_deleted_unikernels(actor=Actor.rookery()) == 1
    machine.unikernel("second", image=image, networks={"service": network})


def test_what_a_silent_host_keeps_holds_up_nobody_else(
    machine: Machine, olga: Actor, organization: Organization
) -> None:
    """Of a host that never answers again, nothing is proved gone; there may be any number of such rows."""
    other = add_host(
        olga, organization, name="next", transport="ssh", host="next.example", username="rookery"
    )
    silent, image = Machine(olga, machine.host, machine.share), upload(olga, organization)
    proved = Machine(olga, other, share_of(other, organization))
    for place in (silent, proved):
        host_shares.change_quota(actor=olga, share=place.share, storage=16)
        place.share.refresh_from_db()
        for label in ("first", "second"):
            unikernels.delete_unikernel(actor=olga, unikernel=place.unikernel(label, image=image))
            volume = volumes.add_volume(actor=olga, share=place.share, label=label, size=8)
            volumes.delete_volume(actor=olga, volume=volume)
    SyncTarget.objects.filter(pk=proved.target.pk).update(observed_generation=proved.target.generation)
    rookery = Actor.rookery()
    for _ in range(2):
        assert unikernels.forget_deleted_unikernels(actor=rookery, at_most=1) == 1
        assert volumes.forget_deleted_volumes(actor=rookery, at_most=1) == 1
    assert unikernels.forget_deleted_unikernels(actor=rookery) == 0
    assert volumes.forget_deleted_volumes(actor=rookery) == 0


def test_nobody_else_forgets_what_was_deleted(machine: Machine) -> None:
    with pytest.raises(Forbidden):
        unikernels.forget_deleted_unikernels(actor=machine.actor)
    with pytest.raises(Forbidden):
        volumes.forget_deleted_volumes(actor=machine.actor)


def test_a_change_keeps_the_address(machine: Machine) -> None:
    network = machine.network()
    image = upload(machine.actor, machine.share.organization, NETWORKED)
    row = machine.unikernel(image=image, networks={"service": network})
    unikernels.change_unikernel(actor=machine.actor, unikernel=row, memory=64, networks={"service": network})
    assert [each.address for each in row.addresses.all()] == ["10.0.0.2"]
    unikernels.change_unikernel(
        actor=machine.actor, unikernel=row, networks={"service": network}, addresses={"service": "10.0.0.77"}
    )
    assert [each.address for each in row.addresses.all()] == ["10.0.0.77"]


def test_secrets_are_sealed_and_filled_in_by_workers_only(machine: Machine) -> None:
    row = machine.unikernel(arguments=["--seed={secret:seed}"], secrets={"seed": "hunter2"})
    [wanted] = desired_host(machine.target, Opener()).unikernels
    assert wanted.arguments == (b"--seed=hunter2",)
    assert wanted.shown == ("--seed={secret:seed}",)
    assert "hunter2" not in repr(wanted)
    assert not any("hunter2" in f"{each.before}{each.after}{each.sentence}" for each in Event.objects.all())
    with pytest.raises(Invalid, match="which is not there"):
        unikernels.change_unikernel(actor=machine.actor, unikernel=row, secrets={"seed": None})


# undoing ----------------------------------------------------------------------------------------------


def test_a_stop_and_a_change_can_be_undone(machine: Machine) -> None:
    row = machine.unikernel(arguments=["--one"])
    unikernels.change_unikernel(actor=machine.actor, unikernel=row, memory=64, arguments=["--two"])
    undo.undo_event(actor=machine.actor, event=Event.objects.get(verb="change_unikernel"))
    row.refresh_from_db()
    assert (row.memory, row.arguments) == (32, ["--one"])
    unikernels.stop_unikernel(actor=machine.actor, unikernel=row)
    undo.undo_event(actor=machine.actor, event=Event.objects.get(verb="stop_unikernel"))
    row.refresh_from_db()
    assert row.running


def test_a_rotated_secret_cannot_be_brought_back(machine: Machine) -> None:
    row = machine.unikernel(arguments=["--seed={secret:seed}"], secrets={"seed": "hunter2"})
    unikernels.change_unikernel(actor=machine.actor, unikernel=row, secrets={"seed": "rotated"})
    with pytest.raises(Conflict, match="old one is gone"):
        undo.undo_event(actor=machine.actor, event=Event.objects.get(verb="change_unikernel"))
