"""Albatross's sockets through a real sshd that forwards nothing."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tenants.formats.sshkeys import new_ssh_key
from tests.albatross import solo5_files as files
from tests.albatross.conftest import QUICK, MakeHost
from tests.bench.host_process import OpenSshHost
from workers.albatross import (
    Client,
    Name,
    NotPermitted,
    Release,
    Unreachable,
    dialect_of,
    find_release,
    over_ssh,
)
from workers.albatross import replies as r
from workers.albatross.over_ssh import SshDialer
from workers.albatross.values import Settings, UnikernelConfig
from workers.ssh import ConnectionPool, HostKeyChanged, SshEndpoint

WEB = Name(("acme",), "web")
IMAGE = files.image(files.abi(), files.manifest())
DIALECT = dialect_of(Release(2, 7, 2))
PRIVATE, PUBLIC = new_ssh_key("test")
OTHER, _ = new_ssh_key("other")


class NoForwarding(OpenSshHost):
    def _configuration(self, port: int, key: Path) -> str:
        no = "AllowStreamLocalForwarding no\nAllowTcpForwarding no\nDisableForwarding yes\n"
        return f"{super()._configuration(port, key)}{no}"


@contextmanager
def started(host: OpenSshHost) -> Iterator[SshEndpoint]:
    told: dict[str, Any] = host.start()
    host.authorize(PUBLIC)
    yield SshEndpoint(
        "127.0.0.1",
        int(told["port"]),
        str(told["user"]),
        PRIVATE,
        str(told["key"]),
        connect_timeout=5,
        timeout=5,
    )
    host.stop()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshEndpoint]:
    with started(NoForwarding(tmp_path_factory.mktemp("ssh") / "home", git_only=False)) as made:
        yield made


@pytest.fixture(scope="module")
def forwarding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshEndpoint]:
    with started(OpenSshHost(tmp_path_factory.mktemp("ssh") / "home", git_only=False)) as made:
        yield made


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    pool = ConnectionPool()
    yield pool
    pool.close()


@pytest.fixture
def client(make_host: MakeHost, endpoint: SshEndpoint, pool: ConnectionPool, tmp_path: Path) -> Client:
    make_host(2, 7, 2)
    return Client(SshDialer(pool, endpoint, PurePosixPath(tmp_path)), DIALECT, QUICK)


pytestmark = pytest.mark.debian


def test_commands_streams_and_big_images_go_through_one_connection(
    client: Client, pool: ConnectionPool, endpoint: SshEndpoint
) -> None:
    big = IMAGE + bytes(range(256)) * (3 << 12)
    client.create(WEB, UnikernelConfig(Settings(memory=16), big))
    assert bytes(client.image(WEB).data) == big
    with pool.connection(endpoint) as kept:
        before = kept
    with client.console(WEB) as console:
        assert select.select([console], [], [], 5)[0]
        lines = [one.reply for _ in range(20) for one in console.read(0.1)]
    assert any(isinstance(line, r.ConsoleLine) for line in lines)
    client.destroy(WEB)
    with pool.connection(endpoint) as kept:
        assert kept is before


def test_a_release_is_found(
    client: Client, endpoint: SshEndpoint, pool: ConnectionPool, tmp_path: Path
) -> None:
    del client
    assert find_release(SshDialer(pool, endpoint, PurePosixPath(tmp_path)), QUICK) == Release(2, 7)


def test_without_albatross_the_path_and_the_reason_are_said(
    endpoint: SshEndpoint, pool: ConnectionPool, tmp_path: Path
) -> None:
    nobody = Client(SshDialer(pool, endpoint, PurePosixPath(tmp_path / "it's not there")), DIALECT, QUICK)
    with pytest.raises(Unreachable, match="No such file") as refusal:
        nobody.unikernels()
    assert "vmmd.sock" in refusal.value.sentence


def test_a_host_with_another_key_hears_nothing(pool: ConnectionPool, endpoint: SshEndpoint) -> None:
    _, other = new_ssh_key("someone else")
    changed = SshEndpoint(endpoint.host, endpoint.port, endpoint.username, PRIVATE, other)
    with pytest.raises(HostKeyChanged):
        Client(SshDialer(pool, changed), DIALECT, QUICK).unikernels()


def test_a_key_that_is_not_authorized_is_named(pool: ConnectionPool, endpoint: SshEndpoint) -> None:
    stranger = SshEndpoint(endpoint.host, endpoint.port, endpoint.username, OTHER, endpoint.pinned_key)
    with pytest.raises(NotPermitted, match="not accepted"):
        Client(SshDialer(pool, stranger), DIALECT, QUICK).unikernels()


@pytest.mark.parametrize("way", ["endpoint", "forwarding"])
def test_a_port_that_the_host_reaches(
    pool: ConnectionPool, way: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through sshd itself, or joined as a socket is where sshd forwards nothing; a refused port costs no
    connection."""
    endpoint: SshEndpoint = request.getfixturevalue(way)
    if way == "forwarding":
        monkeypatch.setattr(over_ssh, "port_command", lambda *_: "echo not needed; false")
    dialer = SshDialer(pool, endpoint)
    here = IPv4Address("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        joined = dialer.dial_port(here, port, 5)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220 relay\r\n")
            assert joined.receive(5) == b"220 relay\r\n"
            joined.send((b"QUIT\r\n",), 5)
            assert peer.recv(100) == b"QUIT\r\n"
        joined.close()
    with pool.connection(endpoint) as connection:
        kept = connection
    reason = "nobody took the connection" if way == "forwarding" else "Connection refused"
    with pytest.raises(Unreachable, match=f"port {port} of 127.0.0.1 on the host: {reason}"):
        dialer.dial_port(here, port, 5)
    with pool.connection(endpoint) as connection:
        assert connection is kept


@pytest.mark.parametrize(
    ("complaint", "kind"), [("Permission denied\n", NotPermitted), ("Connection refused\n", Unreachable)]
)
def test_the_reason_of_a_refused_socket_is_told(complaint: str, kind: type[Unreachable]) -> None:
    assert type(over_ssh._not_joined("/run/x.sock", complaint)) is kind


@pytest.mark.parametrize("program", ["perl", "python3"])
def test_either_program_joins_the_socket(make_host: MakeHost, tmp_path: Path, program: str) -> None:
    make_host(2, 7, 2)
    only = tmp_path / "bin"
    only.mkdir()
    # The program itself, not a version manager's wrapper of that name: it runs with nothing else on its path.
    (only / program).symlink_to(
        {"perl": "/usr/bin/perl", "python3": os.path.realpath(sys.executable)}[program]
    )
    line = over_ssh.bridge_command(PurePosixPath(tmp_path, "util", "vmmd.sock"))
    unknown = bytes.fromhex("00000002ffff")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        check=False,
        input=unknown,
        capture_output=True,
        timeout=20,
        env={"PATH": str(only)},
    )
    assert (done.returncode, done.stdout) == (0, b"joined\n")


def test_with_neither_program_that_is_said(tmp_path: Path) -> None:
    line = over_ssh.bridge_command(PurePosixPath("/nowhere"))
    done = subprocess.run(
        ["/bin/sh", "-c", line], check=False, capture_output=True, timeout=20, env={"PATH": str(tmp_path)}
    )
    assert done.returncode == 127
    assert b"neither perl nor python3" in done.stderr
