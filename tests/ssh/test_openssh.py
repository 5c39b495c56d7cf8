"""Our SSH against Debian's sshd and the real git programs behind it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenants.formats.sshkeys import new_ssh_key
from tests.bench.host_process import OpenSshHost
from workers import ssh
from workers.repository import (
    FileChange,
    Mirror,
    RemoteRepository,
    RepositoryError,
    ShellUnavailable,
    build_commit,
    push,
    read_refs,
    read_tips_at_once,
    read_tips_side_by_side,
)
from workers.repository.mirror import git_environment

pytestmark = pytest.mark.debian
PRIVATE, PUBLIC = new_ssh_key("test")


class Host(OpenSshHost):
    """The bench's sshd, with further lines of configuration."""

    def __init__(self, folder: Path, *, git_only: bool = False, extra: str = "") -> None:
        super().__init__(folder, git_only=git_only)
        folder.mkdir()
        self.folder, self.extra = folder, extra

    def _configuration(self, port: int, key: Path) -> str:
        return f"{super()._configuration(port, key)}{self.extra}\n"

    def __enter__(self) -> Host:
        told: dict[str, Any] = self.start()
        self.authorize(PUBLIC)
        self.key = str(told["key"])
        self.endpoint = ssh.SshEndpoint(
            "127.0.0.1", int(told["port"]), str(told["user"]), PRIVATE, self.key, connect_timeout=5, timeout=5
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log(self) -> str:
        return self._log.read_text()

    def repository(self, name: str = "relay.git") -> RemoteRepository:
        path = self.folder / name
        words = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)]
        subprocess.run(words, check=True, env=git_environment())
        return RemoteRepository(self.endpoint, str(path), "main")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path / "repositories") as running:
        yield running


@pytest.fixture
def pool() -> Iterator[ssh.ConnectionPool]:
    pool = ssh.ConnectionPool()
    yield pool
    pool.close()


def write(
    mirror: Mirror, pool: ssh.ConnectionPool, remote: RemoteRepository, old: str | None, name: bytes
) -> str:
    """Push one more file; returns the commit."""
    changes = [FileChange(name, b"content of " + name)]
    new = build_commit(
        mirror, old, changes, author="x", email="x@y", message=f"Add {name!r}", now=int(time.time())
    )
    assert new is not None
    with pool.connection(remote.endpoint) as connection:
        push(connection, remote, new, old)
        mirror.add(new)
        assert read_refs(connection, remote).tip == new.id
    return new.id


def test_pushes_through_the_real_receive_pack_on_one_kept_connection(
    host: Host, pool: ssh.ConnectionPool, tmp_path: Path
) -> None:
    remote, tip = host.repository(), None
    with closing(Mirror(tmp_path / "mirror")) as mirror:
        for number in range(4):
            tip = write(mirror, pool, remote, tip, b"name%d" % number)
    words = ["git", "-C", remote.path, "fsck", "--strict", "--full"]
    assert subprocess.run(words, check=True, env=git_environment(), capture_output=True).stdout == b""
    # Another mirror has nothing yet: it is fetched, on the same connection.
    with closing(Mirror(tmp_path / "other")) as other, pool.connection(remote.endpoint) as connection:
        other.fetch(connection, remote, expected_tip=str(tip))
        assert sorted(other.files(str(tip))) == [b"name0", b"name1", b"name2", b"name3"]
    assert host.log().count("Accepted publickey") == 1


def test_the_socket_does_not_wait_and_notices_a_silent_end(host: Host) -> None:
    seen: list[socket.socket] = []

    def dial(name: str, port: int, timeout: float) -> socket.socket:
        seen.append(socket.create_connection((name, port), timeout))
        return seen[-1]

    connection = ssh.connect(host.endpoint, dialer=dial)
    assert seen[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    assert seen[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
    began = time.monotonic()
    for _ in range(5):
        assert connection.run("true").status == 0
    # Waiting for delayed acknowledgements would cost 40 ms in each.
    assert time.monotonic() - began < 5.0
    connection.close()


@pytest.mark.parametrize("pinned", ["", "another"])
def test_before_the_host_key_is_compared_nothing_of_ours_is_sent(host: Host, pinned: str) -> None:
    line = new_ssh_key("another")[1] if pinned else None
    with pytest.raises(ssh.HostKeyChanged if pinned else ssh.HostKeyUnknown) as refused:
        ssh.connect(replace(host.endpoint, pinned_key=line, username="who-we-are"))
    assert refused.value.offered_key.split()[:2] == host.key.split()[:2]
    wait_for_log(host, "preauth")
    assert "who-we-are" not in host.log()
    assert "publickey" not in host.log()


def wait_for_log(host: Host, word: str) -> None:
    end = time.monotonic() + 10
    while word not in host.log() and time.monotonic() < end:
        time.sleep(0.02)


def test_a_pinned_rsa_key_is_asked_for_where_a_host_has_several(tmp_path: Path) -> None:
    key = tmp_path / "rsa"
    words = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True, timeout=60)
    with Host(tmp_path / "repositories", extra=f"HostKey {key}") as host:
        line = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        connection = ssh.connect(replace(host.endpoint, pinned_key=line))
        assert connection.run("echo in").stdout == b"in\n"
        connection.close()


def test_a_key_that_is_not_authorized(host: Host) -> None:
    with pytest.raises(ssh.AuthenticationRefused):
        ssh.connect(replace(host.endpoint, private_key=new_ssh_key("stranger")[0]))


def test_an_account_that_may_only_run_git(tmp_path: Path, pool: ssh.ConnectionPool) -> None:
    assert shutil.which("git-shell")
    with Host(tmp_path / "repositories", git_only=True) as host:
        remote = host.repository()
        with closing(Mirror(tmp_path / "mirror")) as mirror:
            write(mirror, pool, remote, write(mirror, pool, remote, None, b"ada"), b"bea")
        with pytest.raises(ShellUnavailable), pool.connection(remote.endpoint) as connection:
            read_tips_at_once(connection, [remote])
        with pool.connection(remote.endpoint) as connection:
            assert read_refs(connection, remote).branches == ("main",)


def test_a_command_that_ends_before_it_reads_tells_its_own_reason(
    host: Host, pool: ssh.ConnectionPool
) -> None:
    """More than fits the channel's window, so that writing always notices the end."""
    with pool.connection(host.endpoint) as connection:
        with pytest.raises(ssh.CommandFailed) as caught:
            connection.run("echo 'not today' >&2; exit 3", b"x" * (8 << 20))
        assert (caught.value.status, "not today" in str(caught.value)) == (3, True)
        assert connection.run("echo fine; exit 0", b"x" * (8 << 20)).stdout == b"fine\n"


def test_an_account_that_greets_is_told_so(tmp_path: Path, pool: ssh.ConnectionPool) -> None:
    with Host(
        tmp_path / "repositories", extra='ForceCommand echo Welcome; sh -c "$SSH_ORIGINAL_COMMAND"'
    ) as host:
        remote = host.repository()
        with pytest.raises(RepositoryError, match="greeting"), pool.connection(remote.endpoint) as connection:
            read_refs(connection, remote)


def test_a_command_that_hangs_is_given_up_and_its_connection_is_not_used_again(
    host: Host, pool: ssh.ConnectionPool
) -> None:
    endpoint = replace(host.endpoint, timeout=0.4)
    began = time.monotonic()
    with pytest.raises(ssh.Unreachable), pool.connection(endpoint) as hanging:
        hanging.run("sleep 30")
    assert time.monotonic() - began < 5
    assert not hanging.alive
    with pool.connection(endpoint) as fresh:
        assert fresh is not hanging


def test_too_long_an_answer_is_refused(host: Host, pool: ssh.ConnectionPool) -> None:
    with pytest.raises(ssh.ProtocolError), pool.connection(host.endpoint) as connection:
        connection.run("head -c 3000000 /dev/zero")


def test_a_connection_that_the_host_ended_is_made_again(host: Host, pool: ssh.ConnectionPool) -> None:
    with pytest.raises(ssh.SshError), pool.connection(host.endpoint) as first:
        first.run("kill -9 $PPID; sleep 5")
    with pool.connection(host.endpoint) as second:
        assert second.run("echo back").stdout == b"back\n"
    # The host goes away while nobody uses the connection.
    with pool.connection(host.endpoint) as kept, kept.open("sleep 0.1; kill -9 $PPID"):
        pass
    end = time.monotonic() + 5
    while kept.alive and time.monotonic() < end:
        time.sleep(0.01)
    with pool.connection(host.endpoint) as third:
        assert third is not kept
        assert third.run("echo again").stdout == b"again\n"


def test_a_forked_process_speaks_on_connections_of_its_own(host: Host, pool: ssh.ConnectionPool) -> None:
    with pool.connection(host.endpoint) as ours:
        assert ours.run("true").status == 0
    child = os.fork()
    if not child:
        status = 1
        try:
            with pool.connection(host.endpoint) as theirs:
                status = 0 if theirs is not ours and theirs.run("echo child").stdout == b"child\n" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pool.connection(host.endpoint) as still:
        assert still is ours
        assert still.run("echo parent").stdout == b"parent\n"
    assert host.log().count("Accepted publickey") == 2


def borrow(pool: ssh.ConnectionPool, host: Host, stack: ExitStack) -> ssh.Channel:
    """A command without end, on whatever connection the pool lends."""
    with ExitStack() as own:
        connection = own.enter_context(pool.connection(host.endpoint))
        channel = own.enter_context(connection.open("echo on; exec cat"))
        assert channel.read_exactly(3) == b"on\n"
        stack.push(own.pop_all())
    return channel


def test_endless_commands_share_connections(host: Host) -> None:
    pool = ssh.SharingPool()
    with ExitStack() as stack:
        channels = [borrow(pool, host, stack) for _ in range(10)]
        assert host.log().count("Accepted publickey") == 2
        # What one of them runs into is its own affair.
        with pytest.raises(RuntimeError), pool.connection(host.endpoint):
            raise RuntimeError
        for number, channel in enumerate(channels):
            channel.write(b"%d\n" % number)
            assert channel.read_exactly(2) == b"%d\n" % number
    with pool.connection(host.endpoint) as kept:
        assert kept.run("true").status == 0
    pool.close()


def test_a_host_that_takes_fewer_at_once_gets_fewer(tmp_path: Path) -> None:
    pool = ssh.SharingPool()
    with Host(tmp_path / "repositories", extra="MaxSessions 2") as host, ExitStack() as stack:
        for _ in range(2):
            borrow(pool, host, stack)
        with pytest.raises(ssh.TooManyChannels):
            borrow(pool, host, stack)
        for _ in range(4):
            borrow(pool, host, stack)
        assert host.log().count("Accepted publickey") == 3
    pool.close()


def test_commands_that_end_at_once_leave_the_connection_to_the_others(
    tmp_path: Path, pool: ssh.ConnectionPool
) -> None:
    """sshd hangs up as a whole on a client that speaks of a channel after it is closed on both sides."""
    with Host(tmp_path / "repositories", extra="MaxSessions 100") as host:
        remotes = [host.repository()] * 400
        with pool.connection(host.endpoint) as connection:
            tips = read_tips_side_by_side(connection, remotes, seconds=60)
            assert (len(tips.found), tips.silent) == (400, set())
            with ThreadPoolExecutor(6) as threads:
                ended = list(threads.map(lambda _: connection.run("true").status, range(400)))
            assert ended == [0] * 400
            assert connection.alive
        assert "nonexistent channel" not in host.log()
