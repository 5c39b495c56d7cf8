"""Every message that is known to end a daemon, or to be no use, is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workers.albatross import commands as c
from workers.albatross.commands import Command
from workers.albatross.errors import NotSendable
from workers.albatross.grammar.envelope import Header, Request, write_request
from workers.albatross.guards import check
from workers.albatross.names import ROOT, Name
from workers.albatross.releases import Dialect, Release, dialect_of
from workers.albatross.values import BlockDevice, NetworkDevice, QuotaPolicy, Settings, UnikernelConfig

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEB = Name(("alice",), "web")
PATH = Name(("alice",))
SETTINGS = Settings(memory=32)
POLICY = QuotaPolicy(4, 256, (0, 1), 100, ("service",))
NEWEST = dialect_of(Release(2, 7, 2))


def config(**changes: object) -> UnikernelConfig:
    return UnikernelConfig(replace(SETTINGS, **changes), b"\x7fELF")  # type: ignore[arg-type]


def create(dialect: Dialect, **changes: object) -> c.Create:
    return c.Create(dialect.create, config(**changes))


def block(**changes: object) -> dict[str, object]:
    return {"blocks": (BlockDevice("storage", **changes),)}  # type: ignore[arg-type]


def network(**changes: object) -> dict[str, object]:
    return {"networks": (NetworkDevice("service", **changes),)}  # type: ignore[arg-type]


MAC = bytes.fromhex("020000000001")
DEADLY_OR_USELESS: list[tuple[Name, Command, str]] = [
    (ROOT, create(NEWEST), "label"),
    (PATH, create(NEWEST), "label"),
    (Name((), "Web"), create(NEWEST), "capital"),
    (Name((), "a_b"), create(NEWEST), "label"),
    (Name((), "-a"), c.Destroy(), "label"),
    (WEB, c.Create(4, config()), "another form"),
    (WEB, create(NEWEST, memory=0), "memory"),
    (WEB, create(NEWEST, memory=-1), "memory"),
    (WEB, create(NEWEST, cpuids=frozenset()), "cpuids"),
    (WEB, create(NEWEST, cpuids=frozenset((-1,))), "cpuids"),
    (WEB, create(NEWEST, cpus=0), "cpus"),
    (WEB, create(NEWEST, arguments=(b"--a=\x00",)), "NUL"),
    (WEB, create(NEWEST, **block(sector_size=500)), "sector"),
    (WEB, create(NEWEST, **block(sector_size=256)), "sector"),
    (WEB, create(NEWEST, **block(volume="a/b")), "label"),
    (WEB, create(NEWEST, **block(volume="")), "label"),
    (WEB, create(NEWEST, blocks=(BlockDevice("a"), BlockDevice("a", "b"))), "twice"),
    (WEB, create(NEWEST, blocks=(BlockDevice(""),)), "no name"),
    (WEB, create(NEWEST, **network(bridge="br 0")), "bridge"),
    (WEB, create(NEWEST, **network(bridge="a-name-too-long-")), "bridge"),
    (WEB, create(NEWEST, **network(bridge="")), "bridge"),
    (WEB, create(NEWEST, **network(mac=b"\x02")), "mac"),
    (WEB, create(NEWEST, **network(mac=b"\xff" * 6)), "mac"),
    (WEB, create(NEWEST, networks=(NetworkDevice("a", mac=MAC), NetworkDevice("b", mac=MAC))), "twice"),
    (WEB, create(NEWEST, networks=(NetworkDevice("a"), NetworkDevice("a"))), "twice"),
    (WEB, c.Create(5, UnikernelConfig(SETTINGS, b"")), "empty"),
    (WEB, c.ReadInfo(5), "another form"),
    (WEB, c.ReadInfo(4), "another form"),
    (WEB, c.GetImage(3, 10), "level"),
    (WEB, c.GetImage(3, -1), "level"),
    (WEB, c.GetImage(2), "another form"),
    (WEB, c.DumpBlock(99), "level"),
    (WEB, c.DumpBlock(10, old=True), "level"),
    (WEB, c.SubscribeConsole(count=0), "count"),
    (WEB, c.SubscribeConsole(count=-1), "count"),
    (WEB, c.SubscribeConsole(count=1025), "count"),
    (WEB, c.SubscribeConsole(count=5, old=True), "another form"),
    (PATH, c.SubscribeConsole(count=5), "label"),
    (WEB, c.ListInactiveConsoles(), "path"),
    (WEB, c.SubscribeLog(), "log"),
    (WEB, c.Restart(old=True), "restart"),
    (WEB, c.Restart(SETTINGS, 1), "another form"),
    (WEB, c.Restart(replace(SETTINGS, memory=0), 2), "memory"),
    (PATH, c.Destroy(), "label"),
    (WEB, c.AddConsole(5), "daemons"),
    (WEB, c.AddStatistics("", 1), "daemons"),
    (WEB, c.RemoveStatistics(), "daemons"),
    (WEB, c.ConnectStatistics(), "daemons"),
    (WEB, c.AddPolicy(POLICY), "path"),
    (WEB, c.RemovePolicy(), "path"),
    (PATH, c.AddPolicy(replace(POLICY, unikernels=0)), "unikernels"),
    (PATH, c.AddPolicy(replace(POLICY, memory=16)), "memory"),
    (PATH, c.AddPolicy(replace(POLICY, cpuids=())), "cpuids"),
    (PATH, c.AddPolicy(replace(POLICY, cpuids=(0, 0))), "twice"),
    (PATH, c.AddPolicy(replace(POLICY, block=-1)), "block"),
    (PATH, c.AddPolicy(replace(POLICY, bridges=("a", "a"))), "twice"),
    (PATH, c.AddPolicy(replace(POLICY, bridges=("a/b",))), "bridge"),
    (WEB, c.AddBlock(0), "size"),
    (WEB, c.AddBlock(-5), "size"),
    (WEB, c.AddBlock(2**40), "size"),
    (PATH, c.AddBlock(5), "label"),
]


@pytest.mark.parametrize(
    ("name", "command", "reason"),
    [
        pytest.param(*row, id=f"{type(row[1]).__name__}-{row[2]}-{at}")
        for at, row in enumerate(DEADLY_OR_USELESS)
    ],
)
def test_what_harms_is_not_sent(name: Name, command: Command, reason: str) -> None:
    with pytest.raises(NotSendable, match=reason) as problem:
        check(name, command, NEWEST)
    assert problem.value.hint


OLD = [
    ((1, 4, 3), Name((), "a" * 20), c.Destroy(), "label"),
    ((1, 4, 3), Name((), "a.b"), c.Destroy(), "label"),
    ((1, 5, 0), WEB, create(dialect_of(Release(1, 5)), **network(mac=MAC)), "1.5.1"),
    ((1, 5, 2), WEB, create(dialect_of(Release(1, 5)), **block(sector_size=512)), "1.5.3"),
    ((2, 0, 0), WEB, c.SubscribeConsole(count=5), "another form"),
    ((2, 0, 0), WEB, c.Restart(), "restart"),
    ((2, 3, 0), WEB, c.Restart(old=True), "restart"),
    ((2, 4, 1), WEB, c.Restart(SETTINGS, 0), "restart"),
    ((2, 4, 1), WEB, c.SetBlock(compressed=False), "2.5"),
    ((2, 4, 1), WEB, c.DumpBlock(0), "2.5"),
    ((1, 2, 0), WEB, c.DumpBlock(0, old=True), "1.3"),
    ((2, 5, 1), WEB, create(dialect_of(Release(2, 5)), add_name=True), "2.6"),
    ((2, 5, 1), WEB, create(dialect_of(Release(2, 5)), startup=3), "2.6"),
    ((2, 6, 0), ROOT, c.ListInactiveConsoles(), "ended consoles"),
    ((2, 6, 2), WEB, create(dialect_of(Release(2, 6)), cpuids=frozenset((0, 1))), "2.7"),
    ((2, 6, 2), WEB, create(dialect_of(Release(2, 6)), cpus=2), "2.7"),
    ((2, 6, 2), WEB, c.ReadInfo(6), "another form"),
    ((2, 7, 1), WEB, c.SubscribeConsole(since=NOON), "since"),
]


@pytest.mark.parametrize(("release", "name", "command", "reason"), OLD)
def test_what_a_release_does_not_know_is_not_sent(
    release: tuple[int, int, int], name: Name, command: Command, reason: str
) -> None:
    with pytest.raises(NotSendable, match=reason):
        check(name, command, dialect_of(Release(*release)))


@pytest.mark.parametrize(
    "release", [(1, 1), (1, 4, 3), (1, 5), (2, 0), (2, 3), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8)]
)
def test_each_release_is_spoken_to_in_its_own_forms(release: tuple[int, ...]) -> None:
    dialect = dialect_of(Release(*release))
    for name, command in (
        (WEB, create(dialect)),
        (ROOT, c.ReadInfo(dialect.info)),
        (WEB, c.GetImage(dialect.get, 9 if dialect.get == 3 else 0)),
        (WEB, c.SubscribeConsole(count=1024, old=dialect.old_console)),
        (ROOT, c.SubscribeStatistics()),
        (WEB, c.Destroy()),
        (PATH, c.AddPolicy(POLICY)),
        (WEB, c.AddBlock(64)),
    ):
        check(name, command, dialect)
        assert write_request(Request(Header(name, version=dialect.wire), command))


def test_a_time_is_sent_only_where_it_is_safe() -> None:
    check(WEB, c.SubscribeConsole(since=NOON), NEWEST)
    with pytest.raises(NotSendable, match="exactly one"):
        write_request(Request(Header(WEB), c.SubscribeConsole(since=NOON, count=5)))
    with pytest.raises(NotSendable, match="exactly one"):
        write_request(Request(Header(WEB), c.SubscribeConsole()))


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("version v2.7.2 protocol version 5", Release(2, 7, 2)),
        ("version v2.7.2-5-gabcdef0 protocol version 5", Release(2, 7, 2)),
        ("2.6.2-1", Release(2, 6, 2)),
        ("albatrossd 1.5", Release(1, 5)),
        ("protocol version 5", None),
        ("", None),
        ("127.0.0.1 refused", None),
    ],
)
def test_releases_are_found_in_what_programs_print(text: str, release: Release | None) -> None:
    assert Release.find(text) == release


def test_releases_before_1_1_take_names_of_devices_only() -> None:
    oldest = dialect_of(Release(1, 0, 0))
    plain = create(oldest, **network(bridge="br0"), **block())
    write_request(Request(Header(WEB, version=4), plain))
    for bad in (create(oldest, **block(volume="b")), create(oldest, **network(mac=MAC))):
        with pytest.raises(NotSendable, match="release"):
            write_request(Request(Header(WEB, version=4), bad))
