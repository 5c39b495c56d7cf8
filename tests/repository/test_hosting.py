"""Looking at how a git host is set up, setting it up, and letting keys in: through real shells."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.git_access import restricted_line
from tenants.formats.sshkeys import new_ssh_key
from tenants.formats.text import FormatError
from tests.ssh.test_openssh import Host
from workers import ssh
from workers.repository import (
    Hosting,
    RemoteRepository,
    RepositoryError,
    ShellUnavailable,
    authorize,
    inspect,
    read_refs,
    set_up,
)
from workers.repository.mirror import git_environment
from workers.sandbox.git_host import GitHost

PRIVATE, PUBLIC = new_ssh_key("test")
OTHER_PRIVATE, OTHER_PUBLIC = new_ssh_key("unikernel")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.72.1", shell=True) as running:  # noqa: S604 - on loopback
        running.authorize(PUBLIC)
        yield running


@pytest.fixture
def connection(host: GitHost) -> Iterator[ssh.Connection]:
    endpoint = ssh.SshEndpoint(
        host.host, host.port, "git", PRIVATE, pinned_key=host.public_key, connect_timeout=5, timeout=5
    )
    with closing(ssh.connect(endpoint)) as made:
        yield made


def remote(connection: ssh.Connection, path: str, branch: str = "main") -> RemoteRepository:
    return RemoteRepository(connection.endpoint, path, branch)


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], env=git_environment(), check=True, capture_output=True, text=True)
    return done.stdout


def test_a_repository_is_made_as_it_has_to_be(connection: ssh.Connection, host: GitHost) -> None:
    where = remote(connection, "it's new.git", "zones/live")
    assert inspect(connection, where) == Hosting("absent")
    assert Hosting("absent").problems("main") == ("There is no repository yet.",)
    made = set_up(connection, where)
    assert made.problems("zones/live") == ()
    assert (made.kind, made.head, made.refuses_rewriting, made.refuses_deleting) == (
        "bare",
        "zones/live",
        True,
        True,
    )
    assert set_up(connection, where) == made == inspect(connection, where)
    assert (host.folder / "it's new.git").stat().st_mode & 0o077 == 0


def test_what_is_not_as_it_should_be_is_said_and_mended(connection: ssh.Connection, host: GitHost) -> None:
    git("init", "-q", "--bare", "--initial-branch=master", str(host.folder / "zone.git"))
    where = remote(connection, "zone.git")
    problems = inspect(connection, where).problems("main")
    assert len(problems) == 2
    assert "rewritten history" in problems[0]
    assert "default branch is master, not main" in problems[1]
    assert set_up(connection, where).problems("main") == ()


def test_a_repository_in_use_keeps_its_default_branch(connection: ssh.Connection, host: GitHost) -> None:
    path = str(host.folder / "zone.git")
    git("init", "-q", "--bare", "--initial-branch=master", path)
    person = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    empty = git("-C", path, "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    tip = git(*person, "-C", path, "commit-tree", empty, "-m", "x").strip()
    git("-C", path, "update-ref", "refs/heads/master", tip)
    found = set_up(connection, remote(connection, "zone.git", "main"))
    assert (found.head, found.has_branch) == ("master", False)
    assert "default branch is master" in found.problems("main")[0]


def test_something_else_is_left_alone(connection: ssh.Connection, host: GitHost) -> None:
    (host.folder / "notes").mkdir()
    (host.folder / "notes" / "a.txt").write_text("precious")
    git("init", "-q", str(host.folder / "tree"))
    (host.folder / "file").write_text("precious")
    for name, kind in (("notes", "other"), ("tree", "tree"), ("file", "other")):
        where = remote(connection, name)
        assert inspect(connection, where).kind == kind
        assert inspect(connection, where).problems("main")
        with pytest.raises(RepositoryError):
            set_up(connection, where)
    assert [path.name for path in (host.folder / "notes").iterdir()] == ["a.txt"]
    # a folder inside a repository is not that repository
    git("init", "-q", "--bare", str(host.folder / "zone.git"))
    assert inspect(connection, remote(connection, "zone.git/refs")).kind == "other"


def test_hooks_are_told(connection: ssh.Connection, host: GitHost) -> None:
    set_up(connection, remote(connection, "zone.git"))
    hook = host.folder / "zone.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    assert inspect(connection, remote(connection, "zone.git")).hooks == ("pre-receive",)


def test_an_account_without_a_shell_is_told(host: GitHost, connection: ssh.Connection) -> None:
    host.shell = False
    for ask in (inspect, set_up):
        with pytest.raises(ShellUnavailable):
            ask(connection, remote(connection, "zone.git"))
    with pytest.raises(ShellUnavailable):
        authorize(connection, restricted_line(OTHER_PUBLIC, "/srv/zone.git", writes=True))


def test_a_key_is_let_in_once_and_never_with_other_rights(connection: ssh.Connection, host: GitHost) -> None:
    file = host.folder / ".ssh" / "authorized_keys"
    before = file.read_text() + "# by hand\nssh-ed25519 AAAAsomebody somebody"  # no line end
    file.write_text(before)
    line = restricted_line(OTHER_PUBLIC, "/srv/zone.git", writes=True, comment="primary")
    assert authorize(connection, line) == "added"
    assert authorize(connection, line) == "there"
    assert authorize(connection, OTHER_PUBLIC) == "otherwise"
    assert file.read_text() == f"{before}\n{line}\n"
    assert file.stat().st_mode & 0o077 in {0, 0o044}


@pytest.mark.debian
def test_a_restricted_key_reaches_its_repository_and_nothing_else(tmp_path: Path) -> None:
    with Host(tmp_path / "repositories") as running:
        zone, other = running.repository("zone.git"), running.repository("other.git")
        reading, writing = new_ssh_key("reads"), new_ssh_key("writes")
        running.authorize(restricted_line(reading[1], zone.path, writes=False))
        running.authorize(restricted_line(writing[1], zone.path, writes=True, comment="the primary"))
        for private, writes in ((reading[0], False), (writing[0], True)):
            endpoint = replace(running.endpoint, private_key=private)
            with closing(ssh.connect(endpoint)) as connection:
                assert read_refs(connection, zone).tip is None
                # whatever it asks for, it is led to its own
                with connection.open(f"git-receive-pack '{other.path}'") as channel:
                    began = channel.read(4)
                    assert bool(began) is writes
                with pytest.raises(ssh.CommandFailed):
                    connection.run("id")
                with pytest.raises(ssh.CommandFailed):
                    connection.run("git-shell")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("ssh-ed25519", "/srv/zone.git"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAPmiBgy2xDGqYCYvVXhPRJ3EAmqKPP==", "/srv/zone.git"),
        (PUBLIC, "../zone.git"),
        (PUBLIC, "--upload-pack"),
        (PUBLIC, "/srv/it's.git"),
        (PUBLIC, "/srv/zone.git;id"),
        (PUBLIC, "/srv/$(id).git"),
        (PUBLIC, "/srv/zone.git\n"),
    ],
    ids=["short key", "old kind", "parent", "option", "quote", "semicolon", "dollar", "line end"],
)
def test_what_no_line_is_made_of(key: str, path: str) -> None:
    with pytest.raises(FormatError) as refused:
        restricted_line(key, path, writes=True)
    assert refused.value.field == ("path" if key == PUBLIC else "public_key")


@given(st.text(max_size=80))
def test_a_comment_stays_a_comment(comment: str) -> None:
    line = restricted_line(PUBLIC, "/srv/zone.git", writes=True, comment=comment)
    assert line.isprintable()
    assert line.count('"') == 2
