"""The stand-in's consoles and statistics: who may follow them, and what ends a subscription."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.albatross.conftest import MakeHost
from tests.albatross.raw_client import RawClient
from tests.albatross.test_client import config
from tests.albatross.test_sandbox_quirks import wait_for
from workers.albatross import Client, Name, Release
from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.errors import DecodeError
from workers.albatross.framing import frame
from workers.albatross.grammar.envelope import Header, Request, write_request
from workers.albatross.values import QuotaPolicy
from workers.sandbox.albatross.consoles import LINES, Consoles
from workers.sandbox.albatross.profile import Profile
from workers.sandbox.albatross.refusal import Died

MakeClient = Callable[..., Client]
WEB = Name((), "web")


@pytest.mark.parametrize(("release", "dies"), [((2, 7, 1), True), ((2, 7, 2), False)])
def test_a_full_console_hangs_older_daemons(release: tuple[int, ...], dies: bool) -> None:
    consoles = Consoles(Profile(Release(*release)))
    consoles.write(WEB, b"line\n" * (LINES + 5))

    class Nobody:
        def send(self, line: r.ConsoleLine) -> None: ...

        def close(self) -> None: ...

    ring = consoles.subscribe(WEB, c.SubscribeConsole(count=LINES), Nobody())[1]
    assert len(ring) == LINES
    too_old = c.SubscribeConsole(since=ring[0].timestamp.replace(year=2000))
    for command in (too_old, c.SubscribeConsole(count=LINES + 1)):
        if dies:
            with pytest.raises(Died):
                consoles.subscribe(WEB, command, Nobody())
        else:
            assert len(consoles.subscribe(WEB, command, Nobody())[1]) == LINES


@pytest.mark.parametrize(("release", "most"), [((2, 3, 0), 1), ((2, 7, 2), 5)])
def test_a_console_has_so_many_subscribers(
    make_host: MakeHost, make_client: MakeClient, release: tuple[int, ...], most: int
) -> None:
    host, client = make_host(*release), make_client(*release)
    streams = [client.console(WEB, 1) for _ in range(most + 1)]
    try:
        host.write(WEB, b"hello\n")
        read = [[one.reply for one in stream.read(2) + stream.read(0.01)] for stream in streams]
        assert [bool(lines) for lines in read] == [False] + [True] * most
        assert streams[0].ended
    finally:
        for stream in streams:
            stream.close()


def test_a_newcomer_ends_the_statistics_of_the_same_name(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 7, 2)
    client = make_client(2, 7, 2)
    client.create(WEB, config())
    with client.statistics() as first, client.statistics(WEB) as other, client.statistics() as second:
        wait_for(lambda: not first.read(0.05) and first.ended)
        assert any(isinstance(one.reply, r.Measured) for one in second.read(2))
        assert any(isinstance(one.reply, r.Measured) for one in other.read(2))


def test_anything_from_the_client_ends_a_subscription(tmp_path: Path, make_host: MakeHost) -> None:
    make_host(2, 7, 2)
    message = b"".join(frame(write_request(Request(Header(WEB), c.SubscribeConsole(count=1)))))
    with RawClient(tmp_path, "console") as client:
        client.send([message])
        assert client.answer() is not None
        client.send([b"x"])
        assert client.answer() is None


def test_tomorrow_sends_what_nobody_knows(
    tmp_path: Path, make_host: MakeHost, make_client: MakeClient
) -> None:
    host = make_host(2, 8, 0)
    message = b"".join(frame(write_request(Request(Header(WEB), c.SubscribeConsole(count=1)))))
    with RawClient(tmp_path, "console") as raw:
        raw.send([message])
        assert raw.answer() is not None
        with pytest.raises(DecodeError, match="unknown tag 9"):
            raw.answer()
    with make_client(2, 8, 0).console(WEB, 1) as console:
        host.write(WEB, b"hello\n")
        assert [one.reply.line for one in console.read(2) if isinstance(one.reply, r.ConsoleLine)] == [
            b"hello"
        ]


def test_a_path_keeps_as_many_consoles_as_its_policy_allows(
    make_host: MakeHost, make_client: MakeClient
) -> None:
    make_host(2, 7, 2)
    client, path = make_client(2, 7, 2), Name(("alice",))
    client.set_policy(path, QuotaPolicy(1, 64, (0,)))
    for label in ("a", "b", "c"):
        client.create(Name(("alice",), label), config())
        client.destroy(Name(("alice",), label))
    assert [name.label for name in client.inactive_consoles(path)] == ["c", "b"]
