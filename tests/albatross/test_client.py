"""The client against the stand-in, at the releases that people have."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.albatross import solo5_files as files
from tests.albatross.conftest import QUICK, MakeHost
from workers.albatross import (
    Client,
    CommandFailed,
    FailureKind,
    LocalDialer,
    Name,
    NotSendable,
    Release,
    Subscription,
    dialect_of,
    find_release,
)
from workers.albatross import replies as r
from workers.albatross.names import ROOT, default_mac
from workers.albatross.values import BlockDevice, NetworkDevice, QuotaPolicy, Settings, UnikernelConfig

MakeClient = Callable[..., Client]
RELEASES = [(1, 5, 6), (2, 0, 0), (2, 3, 0), (2, 4, 1), (2, 5, 1), (2, 6, 2), (2, 7, 2), (2, 8, 0)]
WEB = Name(("alice",), "web")
PLAIN = files.image(files.abi(), files.manifest())
FULL = files.image(
    files.abi(), files.manifest(files.entry(b"service", files.NETWORK), files.entry(b"data", files.BLOCK))
)
POLICY = QuotaPolicy(4, 256, (0, 1), 100, ("service",))


def config(image: bytes = PLAIN, *, compressed: bool = False, **changes: object) -> UnikernelConfig:
    settings = replace(Settings(memory=16, arguments=(b"--secret=x",)), **changes)  # type: ignore[arg-type]
    return UnikernelConfig(settings, zlib.compress(image) if compressed else image, compressed)


def lines(stream: Subscription, wanted: int, tries: int = 200) -> list[r.ConsoleLine]:
    found: list[r.ConsoleLine] = []
    for _ in range(tries):
        found += [one.reply for one in stream.read(0.1) if isinstance(one.reply, r.ConsoleLine)]
        if len(found) >= wanted or stream.ended:
            break
    return found


def measured_name(stream: Subscription) -> Name | None:
    """The name in full of the first measurement."""
    for _ in range(50):
        for answer in stream.read(0.1):
            if isinstance(answer.reply, r.Measured):
                return answer.header.name
    return None


@pytest.mark.parametrize(
    ("release", "found"),
    [
        ((1, 4, 3), Release(1)),
        ((1, 5, 6), Release(1, 5)),
        ((2, 0, 0), Release(1, 5)),
        ((2, 3, 0), Release(2, 1)),
        ((2, 4, 1), Release(2, 4)),
        ((2, 5, 1), Release(2, 5)),
        ((2, 6, 0), Release(2, 6)),
        ((2, 6, 2), Release(2, 6, 1)),
        ((2, 7, 2), Release(2, 7)),
        ((2, 8, 0), Release(2, 7)),
    ],
)
def test_a_release_is_found_by_asking(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient, release: tuple[int, ...], found: Release
) -> None:
    host = make_host(*release)
    many = frozenset((0, 1)) if release >= (2, 7) else frozenset((0,))
    if release >= (1, 5):  # what would end 2.7 when it is asked in an old form
        make_client(*release).create(Name((), "many"), config(cpuids=many))
    assert find_release(LocalDialer(tmp_path), QUICK) == found
    assert host.deaths == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_unikernels_life(make_host: MakeHost, make_client: MakeClient, release: tuple[int, ...]) -> None:
    host, client = make_host(*release), make_client(*release)
    client.set_policy(WEB.inside, POLICY)
    client.add_volume(Name(("alice",), "store"), 1)
    network = NetworkDevice("service", "service")
    wanted = config(FULL, compressed=True, blocks=(BlockDevice("data", "store"),), networks=(network,))
    client.create(WEB, wanted)

    (found,) = client.unikernels()
    assert found.name == WEB
    assert client.unikernels(Name(("alice",))) == client.unikernels(WEB) == (found,)
    assert found.digest == hashlib.sha256(FULL).digest()
    assert found.settings.arguments == (b"--secret=x",)
    assert (found.started is not None) == (release >= (2, 1))
    if release >= (2, 4):
        assert found.settings.networks == (NetworkDevice("service", "service", default_mac("service", WEB)),)
        assert found.settings.blocks == (BlockDevice("data", "store", 512, 1),)
    (volume,) = client.volumes()
    assert volume.active

    image = client.image(WEB, 0)
    assert (image.compressed, bytes(image.data)) == (False, FULL)
    with client.console(WEB, 1024) as console:
        assert console.answer.reply == r.Said(b"subscribed")
        written = lines(console, 15)
        assert any(b"--secret=x" in one.line for one in written)
        assert "secret" not in repr(written)
    with client.statistics() as measured:
        assert measured_name(measured) == WEB

    with pytest.raises(CommandFailed) as refused:
        client.create(WEB, wanted)
    assert refused.value.kind is FailureKind.EXISTS
    client.create(WEB, replace(wanted, settings=replace(wanted.settings, memory=32)), force=True)
    assert client.unikernels(WEB)[0].settings.memory == 32
    if dialect_of(Release(*release)).restart is not None:
        client.restart(WEB)
        client.restart(WEB, wanted.settings)
        assert client.unikernels(WEB)[0].settings.memory == (32 if (2, 7) <= release < (2, 8) else 16)
    else:
        with pytest.raises(NotSendable, match="restart"):
            client.restart(WEB)

    client.destroy(WEB)
    assert client.unikernels() == ()
    with pytest.raises(CommandFailed) as refused:
        client.destroy(WEB)
    assert refused.value.kind is FailureKind.NOT_FOUND
    if release >= (2, 6, 1):
        assert client.inactive_consoles() == (WEB,)
    client.remove_volume(Name(("alice",), "store"))
    client.remove_policy(WEB.inside)
    assert {one.name for one in client.policies()} == ({ROOT} if release >= (2, 3) else set())
    assert host.deaths == []


def test_wire_4(make_host: MakeHost, make_client: MakeClient) -> None:
    make_host(1, 4, 3)
    client = make_client(1, 4, 3)
    client.create(Name((), "web"), config())
    assert [str(one.name) for one in client.unikernels()] == [":web"]
    client.destroy(Name((), "web"))


def test_policies_are_named_in_full(make_host: MakeHost, make_client: MakeClient) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    client.set_policy(Name(("alice",)), POLICY)
    client.set_policy(Name(("alice", "dev")), replace(POLICY, memory=128))
    assert [str(one.name) for one in client.policies(Name(("alice",)))] == ["alice:", "alice:dev:"]
    client.set_policy(Name(("alice",)), POLICY)
    with pytest.raises(CommandFailed) as refused:
        client.set_policy(Name(("alice", "dev")), replace(POLICY, memory=512))
    assert refused.value.kind is FailureKind.QUOTA_IMPOSSIBLE


@pytest.mark.parametrize("compressed", [False, True])
def test_a_volume_is_written_and_read(make_host: MakeHost, make_client: MakeClient, compressed: bool) -> None:
    make_host(2, 7, 2)
    client, disk = make_client(2, 7, 2), Name((), "disk")
    contents = bytes(range(256)) * 1000
    client.add_volume(disk, 1)
    sent = zlib.compress(contents) if compressed else contents
    client.write_volume(disk, [sent[:100], sent[100:]], compressed=compressed)
    plain = b"".join(bytes(piece) for piece in client.read_volume(disk))
    assert plain == contents.ljust(1 << 20, b"\x00")
    packed = b"".join(bytes(piece) for piece in client.read_volume(disk, 6))
    assert zlib.decompress(packed) == plain


def test_what_is_written_to_a_volume_may_be_refused_early(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    with pytest.raises(CommandFailed, match="not found"):
        client.write_volume(Name((), "nosuch"), [bytes(1 << 20)] * 20)
    client.add_volume(Name((), "small"), 1)
    with pytest.raises(CommandFailed, match="stream exceeds size"):
        client.write_volume(Name((), "small"), [bytes(1 << 20)] * 20)


def test_an_image_of_ten_megabytes_goes_through_the_socket(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    image = PLAIN + bytes(10 << 20)
    client.create(Name((), "big"), config(image))
    assert client.unikernels()[0].digest == hashlib.sha256(image).digest()
    assert bytes(client.image(Name((), "big")).data) == image


def test_a_console_tells_what_comes(make_host: MakeHost, make_client: MakeClient) -> None:
    host, client, name = make_host(2, 7, 2), make_client(2, 7, 2), Name((), "later")
    with client.console(name, 5) as console:
        assert console.answer.reply == r.Said(b"waiting for VM")
        assert console.read(0.01) == []
        host.write(name, b"hi \xff\x1b[31m\n\n" + b"x" * 600 + b"\nhalf")
        first, second = lines(console, 2)
        assert first.line == b"hi \xff\x1b[31m"
        assert second.line == b"x" * 512 + b" [truncated]"
        host.write(name, b" and whole\n")
        assert [one.line for one in lines(console, 1)] == [b"half and whole"]
        host.restart()
        for _ in range(50):
            console.read(0.1)
            if console.ended:
                break
        assert console.ended
        assert console.read(0.1) == []
