"""The same part of a host through a real sshd, and through the TLS endpoint with real certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command

from tenants.actions import hosts, unikernels
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.models import Event, Host, Organization
from tenants.secrets import Opener, Purpose, seal
from tests.bench.host_process import OpenSshHost
from tests.contract.host_world import HostWorld, own_images
from tests.hosting import NETWORKED, Machine, add_host, share_of, upload
from workers.albatross import Release
from workers.albatross.certificates import Authority, below, make_root, server_certificate
from workers.albatross.values import QuotaPolicy
from workers.controller import Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def stand_in(tmp_path: Path, request: Any) -> Iterator[StandIn]:
    release = getattr(request, "param", (2, 7, 2))
    with StandIn(tmp_path, Release(*release), pace=0.01, interval=0.03) as running:
        yield running


def world_of(
    stand_in: StandIn, host: Host, organization: Organization, actor: Actor, folder: Path
) -> HostWorld:
    # Somebody on the host itself looks through its own sockets.
    machine = Machine(actor, host, share_of(host, organization))
    return HostWorld.make(machine, stand_in, stand_in.profile.release, folder)


def live_through(world: HostWorld, actor: Actor) -> None:
    """Create, change, stop, start, delete."""
    network = world.network()
    image = upload(actor, world.share.organization, NETWORKED)
    chosen: dict[str, Any] = {"networks": {"service": network}, "arguments": ["--ipv4={address:service}"]}
    row = world.unikernel(image=image, **chosen)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running()["acme:web"].settings.arguments == (b"--ipv4=10.0.0.2/24",)
    unikernels.change_unikernel(actor=actor, unikernel=row, memory=48)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running()["acme:web"].settings.memory == 48
    unikernels.stop_unikernel(actor=actor, unikernel=row)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running() == {}
    unikernels.start_unikernel(actor=actor, unikernel=row)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running()["acme:web"].digest.hex() == image.sha256
    [named] = [each for each in world.client.policies() if str(each.name) == "acme:"]
    assert (named.policy.memory, named.policy.bridges) == (512, ("service",))
    unikernels.delete_unikernel(actor=actor, unikernel=row)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running() == {}


@pytest.mark.debian
def test_through_a_real_sshd(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    server = OpenSshHost(tmp_path / "home", git_only=False)
    told: dict[str, Any] = server.start()
    try:
        host = add_host(
            alice,
            organization,
            tmp_path,
            transport="ssh",
            host="127.0.0.1",
            port=int(told["port"]),
            username=str(told["user"]),
        )
        world = world_of(stand_in, host, organization, alice, tmp_path)
        assert world.reconcile() is Ending.STOPPED
        assert world.target.stop_code == "host-key-unknown"
        host.refresh_from_db()
        assert host.offered_host_key == told["key"]
        hosts.pin_host_key(actor=alice, host=host, fingerprint_seen=fingerprint(str(told["key"])))
        assert world.reconcile() is Ending.STOPPED
        assert world.target.stop_code == "not-let-in"
        server.authorize(host.public_key)
        live_through(world, alice)
        Host.objects.update(host_key=new_ssh_key("another")[1])
        world.pool.close()
        assert world.reconcile() is Ending.STOPPED
        assert world.target.stop_code == "host-key-changed"
        world.pool.close()
    finally:
        server.stop()


def pem_of(authority: Authority) -> dict[str, str]:
    chain = authority.chain or (authority.certificate,)
    key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "authority": b"".join(each.public_bytes(Encoding.PEM) for each in chain).decode(),
        "authority_key": key.decode(),
    }


def connect_tls(
    stand_in: StandIn,
    actor: Actor,
    organization: Organization,
    *,
    by_intermediate: bool = False,
    path: str = "acme",
) -> Host:
    now = datetime.now(UTC)
    root = make_root("rock", now=now, valid_for=DAY)
    port = stand_in.serve_tls(root, server_certificate(root, "rock", now=now, valid_for=DAY), "127.0.0.1")
    policy = QuotaPolicy(8, 512, (0,), None, ("service",))
    signs = below(root, "acme", policy, now=now, valid_for=DAY) if by_intermediate else root
    ca = root.certificate.public_bytes(Encoding.PEM).decode()
    reached: dict[str, Any] = {"transport": "tls", "host": "127.0.0.1", "port": port, "server_ca": ca}
    return add_host(actor, organization, path=path, **reached, **pem_of(signs))


@pytest.mark.parametrize("stand_in", [(2, 5, 1), (2, 6, 2), (2, 7, 2)], indirect=True)
@pytest.mark.parametrize("by_intermediate", [False, True])
def test_through_the_tls_endpoint(
    by_intermediate: bool, stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization, by_intermediate=by_intermediate)
    live_through(world_of(stand_in, host, organization, alice, tmp_path), alice)


@pytest.mark.parametrize("stand_in", [(2, 3, 0)], indirect=True)
def test_an_old_tls_endpoint_takes_no_images(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization)
    world = world_of(stand_in, host, organization, alice, tmp_path)
    world.unikernel()
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.running() == {}
    assert "Connect this host by SSH" in world.condition("UnsafeEntries").message


def test_a_foreign_ca_is_not_trusted(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization)
    other = make_root("other", now=datetime.now(UTC), valid_for=DAY)
    Host.objects.filter(pk=host.pk).update(server_ca=other.certificate.public_bytes(Encoding.PEM).decode())
    world = world_of(stand_in, host, organization, alice, tmp_path)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "endpoint-not-trusted"


def test_an_authority_that_expired_signs_nothing_until_there_is_another(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization)
    valid = tmp_path / "authority.pem", tmp_path / "key.pem"
    valid[0].write_text(host.authority)
    valid[1].write_text(Opener().open(Purpose.AUTHORITY_KEY, bytes(host.sealed_key or b"")))
    old = make_root("rock", now=datetime.now(UTC) - 2 * DAY, valid_for=DAY)
    given = pem_of(old)
    Host.objects.filter(pk=host.pk).update(
        authority=given["authority"], sealed_key=seal(Purpose.AUTHORITY_KEY, given["authority_key"])
    )
    world = world_of(stand_in, host, organization, alice, tmp_path)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "authority-expired"
    assert "manage.py host_authority HOST" in world.advice()
    with pytest.raises(CommandError, match="not in PEM"):
        call_command("host_authority", host.name, authority=valid[1], key=valid[1])
    call_command("host_authority", host.name, authority=valid[0], key=valid[1])
    assert world.reconcile() is Ending.AGREED, world.advice()
    told = Event.objects.get(verb="renew_authority")
    assert "PRIVATE" not in str((told.sentence, told.before, told.after))


def test_an_intermediate_for_another_path_is_said(
    stand_in: StandIn, alice: Actor, organization: Organization, tmp_path: Path
) -> None:
    host = connect_tls(stand_in, alice, organization, by_intermediate=True)
    host.shares.update(path="elsewhere")
    world = world_of(stand_in, host, organization, alice, tmp_path)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "authority-elsewhere"
