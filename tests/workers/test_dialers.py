"""What organizations name is reached on the Internet and in networks that the settings allow only."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from workers.dialers import Dialers

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("dialers", [Dialers(near=LOOPBACK), Dialers(here=True)], ids=["near", "sandbox"])
def test_what_is_allowed_is_reached(dialers: Dialers, port: int) -> None:
    for host in ("127.0.0.1", "localhost"):
        with dialers.ssh(host, port, 2.0) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
    with dialers.name_server("127.0.0.1", port, socket.SOCK_STREAM, 2.0) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
def test_no_door_into_the_network_around(host: str, port: int) -> None:
    """However this machine is written."""
    with pytest.raises(PermissionError, match="ROOKERY_NEAR_NETWORKS"):
        Dialers().ssh(host, port, 2.0)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1"]
)
def test_no_name_server_in_the_network_around(address: str) -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with pytest.raises(PermissionError, match="ROOKERY_NEAR_NETWORKS"):
            Dialers().name_server(address, 53, kind, 2.0)


def test_nothing_leaves_a_sandbox() -> None:
    sandbox = Dialers(near=(ipaddress.ip_network("0.0.0.0/0"),), here=True)
    with pytest.raises(PermissionError, match="outside the sandbox"):
        sandbox.ssh("192.0.2.1", 22, 2.0)
    with pytest.raises(PermissionError, match="outside the sandbox"):
        sandbox.name_server("192.0.2.1", 53, socket.SOCK_DGRAM, 2.0)


def test_where_nobody_listens_the_reason_is_the_systems(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Dialers(here=True).ssh("127.0.0.1", closed, 2.0)
