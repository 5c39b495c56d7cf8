"""Least rights on the sandbox's git host: lines as they are written over SSH, and what a key can then do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tenants.formats.git_access import restricted_line
from tenants.formats.sshkeys import new_ssh_key
from tests.sandbox.world import UserRepository, entry
from workers import ssh
from workers.repository import RemoteRepository, authorize, read_refs
from workers.sandbox.git_host import GitHost

PRIVATE, PUBLIC = new_ssh_key("Rookery")
USERS, USERS_PUBLIC = new_ssh_key("users")
ZONES, ZONES_PUBLIC = new_ssh_key("zones")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    UserRepository(tmp_path / "host" / "relay.git").commit({"john": entry("jane@ext.test")})
    UserRepository(tmp_path / "host" / "zone.git").commit({"john": entry("other@ext.test")})
    with GitHost(tmp_path / "host", "127.0.0.1", shell=True) as running:  # noqa: S604 - on loopback
        running.authorize(PUBLIC)
        yield running


@pytest.mark.parametrize("seen_from", ["home", "root"])
def test_each_key_may_do_one_thing(host: GitHost, seen_from: str) -> None:
    folder = f"{host.folder.resolve()}/" if seen_from == "root" else ""
    endpoint = ssh.SshEndpoint(host.host, host.port, "git", PRIVATE, pinned_key=host.public_key)
    with closing(ssh.connect(endpoint)) as connection:
        for public, path, writes in ((USERS_PUBLIC, "relay.git", False), (ZONES_PUBLIC, "zone.git", True)):
            assert authorize(connection, restricted_line(public, f"{folder}{path}", writes=writes)) == "added"
    with closing(ssh.connect(replace(endpoint, private_key=USERS))) as users:
        tip = read_refs(users, RemoteRepository(users.endpoint, "relay.git", "main")).tip or ""
        assert tip
        for asked in (
            "git-receive-pack 'relay.git'",
            "git-upload-pack 'zone.git'",
            "cat .ssh/authorized_keys",
        ):
            assert told(users, asked, tip.encode()) in {b"nothing", b"the users"}
    with closing(ssh.connect(replace(endpoint, private_key=ZONES))) as zones:
        assert read_refs(zones, RemoteRepository(zones.endpoint, "zone.git", "main")).tip
        assert told(zones, "git-receive-pack 'zone.git'") == b"pushing"
        assert told(zones, "sh -c 'echo hello'") == b"nothing"


def told(connection: ssh.Connection, command: str, tip: bytes = b"") -> bytes:
    """What answers a command: git as for pushing, the users' repository, or nothing of use."""
    with connection.open(command) as channel:
        said = b""
        while b"0000" not in said and (part := channel.read(4096)):
            said += part
    if b"report-status" in said:
        return b"pushing"
    return b"the users" if tip and tip in said else said or b"nothing"
