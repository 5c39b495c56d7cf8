from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenants.formats.sshkeys import new_ssh_key
from workers import ssh
from workers.repository import Mirror, RemoteRepository
from workers.sandbox.git_host import GitHost

PRIVATE, PUBLIC = new_ssh_key("test")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.0.1") as running:
        running.authorize(PUBLIC)
        running.create_repository("relay.git")
        yield running


@pytest.fixture
def endpoint(host: GitHost) -> ssh.SshEndpoint:
    return ssh.SshEndpoint(
        host.host, host.port, "git", PRIVATE, pinned_key=host.public_key, connect_timeout=5, timeout=5
    )


@pytest.fixture
def remote(endpoint: ssh.SshEndpoint) -> RemoteRepository:
    return RemoteRepository(endpoint, "relay.git", "main")


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    mirror = Mirror(tmp_path / "mirror")
    yield mirror
    mirror.close()


@pytest.fixture
def pool() -> Iterator[ssh.ConnectionPool]:
    pool = ssh.ConnectionPool()
    yield pool
    pool.close()
