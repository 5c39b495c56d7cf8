"""A host that takes our bytes and says nothing, or takes none, costs the time-out and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.formats.sshkeys import new_ssh_key
from tests.contract.wire import Break, Wire
from workers import ssh
from workers.sandbox import git_host, git_session

PRIVATE, PUBLIC = new_ssh_key("test")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[git_host.GitHost]:
    with git_host.GitHost(tmp_path / "host", "127.0.0.1", shell=True) as host:  # noqa: S604 - its own host
        host.authorize(PUBLIC)
        yield host


@pytest.fixture
def wire(host: git_host.GitHost) -> Iterator[Wire]:
    with Wire(host.host, host.port) as wire:
        yield wire


@pytest.fixture
def connection(host: git_host.GitHost, wire: Wire) -> Iterator[ssh.Connection]:
    endpoint = ssh.SshEndpoint(
        "127.0.0.1", wire.port, "git", PRIVATE, host.public_key, connect_timeout=5, timeout=0.5
    )
    connection = ssh.connect(endpoint)
    yield connection
    connection.close()


def test_a_command_that_is_neither_accepted_nor_refused(
    connection: ssh.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = threading.Event()

    def think(*_: Any) -> bool:
        given_up.wait(20)
        return False

    monkeypatch.setattr(git_session._Server, "check_channel_exec_request", think)
    began = time.monotonic()
    with pytest.raises(ssh.Unreachable):
        connection.open("true")
    assert time.monotonic() - began < 10
    assert not connection.alive
    given_up.set()


def test_a_host_that_stops_reading(connection: ssh.Connection, wire: Wire) -> None:
    with connection.open("cat >/dev/null") as channel:
        channel.write(b"x" * 1000)
        wire.goes_silent()
        with pytest.raises(ssh.Unreachable):
            channel.write(bytes(64_000_000))


def test_an_answer_that_never_comes(connection: ssh.Connection, wire: Wire) -> None:
    assert connection.run("echo here").stdout == b"here\n"
    with connection.open("cat") as channel:
        wire.goes_silent()
        channel.write(b"hello")
        with pytest.raises(ssh.Unreachable):
            channel.read_exactly(5)
    wire.breaks(Break())
    with pytest.raises(ssh.Unreachable):
        connection.run("echo gone")
