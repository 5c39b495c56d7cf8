"""The stand-in has the faults of the real daemons: what ends them, what they forget, what they get wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.albatross import solo5_files as files
from tests.albatross.conftest import MakeHost
from tests.albatross.raw_client import RawClient
from tests.albatross.test_client import PLAIN, POLICY, config
from workers.albatross import Client, CommandFailed, Name, Release
from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.errors import DecodeError
from workers.albatross.framing import frame
from workers.albatross.grammar.envelope import Answer, Header, Request, read_message, write_request
from workers.albatross.names import ROOT
from workers.albatross.services import service_of
from workers.albatross.values import NetworkDevice, Settings, UnikernelConfig
from workers.sandbox.albatross.daemon import Machine
from workers.sandbox.albatross.exits import AfterExit, after_exit
from workers.sandbox.albatross.host import AlbatrossHost
from workers.sandbox.albatross.profile import Profile

MakeClient = Callable[..., Client]
WEB = Name((), "web")


def ask(folder: Path, name: Name, command: c.Command, version: int = 5) -> Answer | None:
    """Send a command that no guard has seen; None when the daemon says nothing."""
    message = b"".join(frame(write_request(Request(Header(name, 7, version), command))))
    with RawClient(folder, service_of(command).value) as client:
        client.send([message])
        return client.answer()


def words(answer: Answer | None) -> str:
    assert answer is not None
    assert isinstance(answer.reply, r.Failure | r.Said)
    return answer.reply.text.decode()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


DEADLY = [
    (c.GetImage(3, 10), "compression level"),
    (c.GetImage(3, -1), "compression level"),
    (c.DumpBlock(99), "compression level"),
    (c.DumpBlock(10, old=True), "compression level"),
    (c.ReadInfo(5), "old form"),
    (c.ReadInfo(4), "old form"),
    (c.SubscribeConsole(count=-1), "walks the ring"),
]


@pytest.mark.parametrize(("command", "reason"), DEADLY)
def test_what_ends_a_daemon(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient, command: c.Command, reason: str
) -> None:
    host, client = make_host(2, 7, 2), make_client(2, 7, 2)
    client.create(WEB, config(cpuids=frozenset((0, 1))))
    assert ask(tmp_path, WEB, command) is None
    (death,) = host.deaths
    assert reason in death
    with pytest.raises(OSError, match="refused"):
        ask(tmp_path, WEB, command)
    host.restart()
    assert [one.name for one in client.unikernels()] == [WEB]


@pytest.mark.parametrize("service", ["vmmd", "console", "stat"])
def test_a_short_sequence_ends_every_daemon(tmp_path: Path, make_host: MakeHost, service: str) -> None:
    host = make_host(2, 7, 2)
    short = bytes.fromhex("3015300b02010504030000000c013aa006a304b3020500")
    with pytest.raises(DecodeError, match="fewer than 8"):
        read_message(short)
    with RawClient(tmp_path, service) as client:
        client.send([b"".join(frame((short,)))])
        assert client.answer() is None
    assert len(host.deaths) == 1


def test_a_long_sequence_is_answered_by_its_first_eight_bytes(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 7, 2)
    long = bytes.fromhex("301b3011020105040900000000000000ff010c013aa006a304b3020500")
    with RawClient(tmp_path, "vmmd") as client:
        client.send([b"".join(frame((long,)))])
        answer = client.answer()
    assert answer is not None
    assert answer.header.sequence == 0xFF


@pytest.mark.parametrize(
    ("release", "version", "command", "understood"),
    [
        ((1, 4, 3), 4, c.ReadInfo(2), True),
        ((1, 4, 3), 5, c.ReadInfo(2), False),
        ((1, 4, 3), 4, c.ReadInfo(3), False),
        ((1, 5, 6), 4, c.ReadInfo(1), True),
        ((1, 5, 6), 5, c.ReadInfo(2), True),
        ((2, 0, 0), 5, c.ReadInfo(3), False),
        ((2, 3, 0), 5, c.ReadInfo(3), True),
        ((2, 5, 1), 4, c.ReadInfo(4), True),
        ((2, 5, 1), 5, c.ReadInfo(5), False),
        ((2, 6, 0), 4, c.ReadInfo(4), False),
        ((2, 6, 0), 5, c.ReadInfo(3), True),
        ((2, 6, 0), 5, c.ReadInfo(2), False),
        ((2, 6, 0), 5, c.ListInactiveConsoles(), False),
        ((2, 6, 1), 5, c.ListInactiveConsoles(), True),
        ((2, 7, 2), 5, c.ReadInfo(3), False),
        ((2, 7, 2), 6, c.ReadInfo(6), False),
        ((2, 0, 0), 5, c.SubscribeConsole(count=1), False),
        ((2, 0, 0), 5, c.SubscribeConsole(count=1, old=True), True),
        ((2, 6, 0), 5, c.SubscribeConsole(count=1, old=True), False),
    ],
)
def test_what_a_release_understands(
    tmp_path: Path,
    make_host: MakeHost,
    release: tuple[int, ...],
    version: int,
    command: c.Command,
    understood: bool,
) -> None:
    host = make_host(*release)
    name = ROOT if isinstance(command, c.ListInactiveConsoles) else WEB
    assert (ask(tmp_path, name, command, version) is not None) == understood
    assert host.deaths == []


def test_wrong_daemons(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 7, 2)

    def wrong(service: str, command: c.Command) -> Answer | None:
        with RawClient(tmp_path, service) as client:
            client.send([b"".join(frame(write_request(Request(Header(WEB), command))))])
            return client.answer()

    assert words(wrong("vmmd", c.SubscribeStatistics())) == "unknown command"
    assert words(wrong("stat", c.Destroy())) == "unexpected command"
    assert wrong("console", c.Destroy()) is None


def test_names_come_back_as_the_daemon_stores_them(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 7, 2)
    answer = ask(tmp_path, Name((), "Web"), c.ReadInfo(6))
    assert answer is not None
    assert answer.header == Header(WEB, 7)


def test_older_releases_keep_capitals_and_say_vm(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 0, 0)
    name = Name((), "Web")
    assert words(ask(tmp_path, name, c.Create(3, config()))) == "created VM"
    assert "VM with same name" in words(ask(tmp_path, name, c.Create(3, config())))
    answer = ask(tmp_path, name, c.ReadInfo(2))
    assert answer is not None
    assert isinstance(answer.reply, r.Infos)
    assert answer.reply.unikernels[0].name == name
    assert words(ask(tmp_path, name, c.Destroy())).endswith("signal SIGTERM (numeric -11)")


def test_a_create_without_a_label_breaks_the_next_ones(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient
) -> None:
    host, client = make_host(2, 7, 2), make_client(2, 7, 2)
    for name in (ROOT, WEB):
        assert words(ask(tmp_path, name, c.Create(5, config()))).endswith("console failed")
    host.restart()
    client.create(WEB, config())


def test_force_create_loses_the_old_one_before_it_looks_at_the_image(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    client.create(WEB, config())
    with pytest.raises(CommandFailed, match="ELF parsing"):
        client.create(WEB, UnikernelConfig(Settings(memory=16), b"no image"), force=True)
    assert client.unikernels() == ()


def test_a_refused_policy_does_not_lose_the_old_one(make_host: MakeHost, make_client: MakeClient) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    client.create(WEB, config())
    with pytest.raises(CommandFailed, match="maximum allowed memory"):
        client.create(WEB, config(memory=90_000), force=True)
    assert [one.name for one in client.unikernels()] == [WEB]


def test_restart_in_2_4_loses_compressed_images(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 4, 1)
    client = make_client(2, 4, 1)
    client.create(WEB, config(compressed=True))
    assert words(ask(tmp_path, WEB, c.Restart())) == "error during ELF parsing"
    assert client.unikernels() == ()


def test_restart_before_2_4_never_answers(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 3, 0)
    make_client(2, 3, 0).create(WEB, config())
    message = b"".join(frame(write_request(Request(Header(WEB), c.Restart(old=True)))))
    with RawClient(tmp_path, "vmmd", timeout=0.2) as client:
        client.send([message])
        with pytest.raises(TimeoutError):
            client.answer()
    assert len(make_client(2, 3, 0).unikernels()) == 1


@pytest.mark.parametrize(
    ("settings", "code", "release", "follows"),
    [
        (Settings(16), 0, (2, 7, 2), AfterExit.END),
        (Settings(16), 2, (2, 7, 2), AfterExit.END),
        (Settings(16, restart_on_exit=frozenset()), 0, (2, 7, 2), AfterExit.AGAIN),
        (Settings(16, restart_on_exit=frozenset()), 255, (2, 7, 2), AfterExit.AGAIN),
        (Settings(16, restart_on_exit=frozenset()), 1, (2, 7, 2), AfterExit.END),
        (Settings(16, restart_on_exit=frozenset()), 60, (2, 7, 2), AfterExit.END),
        (Settings(16, restart_on_exit=frozenset((64, 1))), 64, (2, 7, 2), AfterExit.END),
        (Settings(16, restart_on_exit=frozenset((2,))), 2, (2, 7, 2), AfterExit.AGAIN),
        (Settings(16, restart_on_exit=frozenset((2,))), 3, (2, 7, 2), AfterExit.END),
        (Settings(16, add_name=True), 64, (2, 7, 2), AfterExit.WITHOUT_NAME),
        (Settings(16, add_name=True), 124, (2, 7, 2), AfterExit.END),
        (Settings(16, add_name=True), 124, (2, 8, 0), AfterExit.WITHOUT_NAME),
        (Settings(16, restart_on_exit=frozenset()), 125, (2, 7, 2), AfterExit.AGAIN),
        (Settings(16, restart_on_exit=frozenset()), 125, (2, 8, 0), AfterExit.END),
    ],
)
def test_what_follows_an_exit(
    settings: Settings, code: int, release: tuple[int, ...], follows: AfterExit
) -> None:
    assert after_exit(settings, code, Profile(Release(*release))) is follows


def test_exits_are_seen_from_outside(make_host: MakeHost, make_client: MakeClient) -> None:
    host, client = make_host(2, 7, 2), make_client(2, 7, 2)
    client.create(WEB, config(restart_on_exit=frozenset((2,))))
    started = client.unikernels()[0].started
    time.sleep(0.002)
    host.exit(WEB, 2)
    wait_for(lambda: client.unikernels() != () and client.unikernels()[0].started != started)
    host.exit(WEB, 0)
    wait_for(lambda: client.unikernels() == ())
    assert client.inactive_consoles() == (WEB,)


def test_a_reboot_starts_in_order_and_forgets_what_has_no_bridge(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    machine = Machine(bridges=["service", "other"])
    host, client = make_host(2, 7, 2, machine=machine), make_client(2, 7, 2)
    needs = files.image(files.abi(), files.manifest(files.entry(b"service", files.NETWORK)))
    client.set_policy(Name(("alice",)), replace(POLICY, bridges=("service", "other")))
    client.create(Name(("alice",), "late"), config(startup=60))
    client.create(Name(("alice",), "first"), config(startup=1))
    client.create(Name(("alice",), "lost"), config(needs, networks=(NetworkDevice("service", "other"),)))
    machine.bridges.remove("other")
    host.restart()
    started = [one.name.label for one in sorted(client.unikernels(), key=lambda one: str(one.started))]
    assert set(started) == {"first", "late"}
    assert list(host.daemon.unikernels) == [Name(("alice",), "first"), Name(("alice",), "late")]
    root = next(one.policy for one in client.policies() if one.name == ROOT)
    assert root.bridges == ("service",)
    assert len(client.policies()) == 2


def test_policies_before_2_2_are_lost_at_a_restart(make_host: MakeHost, make_client: MakeClient) -> None:
    host, client = make_host(2, 1, 0), make_client(2, 1, 0)
    client.set_policy(Name(("alice",)), POLICY)
    host.restart()
    assert client.policies() == ()


def test_sockets_are_for_their_owner_only(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 7, 2)
    assert (tmp_path / "util" / "vmmd.sock").stat().st_mode & 0o777 == 0o600


def test_images_are_really_read(make_host: MakeHost, make_client: MakeClient) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    refused = {
        files.image(files.abi(3), files.manifest()): "unsupported solo5 target virtio",
        files.image(files.abi(1, 9), files.manifest()): "tender does not exist, looked for",
        files.image(files.abi(), files.manifest(files.entry(b"x", files.BLOCK))): "block device.* manifest",
        PLAIN[:-1]: "ELF parsing",
    }
    for image, reason in refused.items():
        with pytest.raises(CommandFailed, match=reason):
            client.create(WEB, config(image))
    with pytest.raises(CommandFailed, match="failed to uncompress"):
        client.create(WEB, UnikernelConfig(Settings(memory=16), PLAIN, compressed=True))
    client.create(WEB, config(PLAIN, compressed=True))


def test_it_starts_and_stops_often(tmp_path: Path) -> None:
    for _ in range(3):
        with AlbatrossHost(tmp_path, Release(2, 7, 2), pace=0.01) as host:
            host.restart()
