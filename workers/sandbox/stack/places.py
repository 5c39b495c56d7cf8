"""Where the port of a unikernel is in a sandbox: nothing outside of this machine is asked, through whatever
host."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

from tenants.models import Host
from workers.sandbox.stack.realm import Realm, real_port

__all__ = ["place_here"]


def place_here(
    note: Callable[[], dict[str, Any]],
) -> Callable[[Host, IPv4Address, int], tuple[IPv4Address, int] | None]:
    """By the sandbox's note, read when asked. Its own host leads private addresses into the realm itself;
    whoever asks from this machine looks there at once. Other hosts are asked about loopback alone."""

    def place(host: Host, address: IPv4Address, port: int) -> tuple[IPv4Address, int] | None:
        if address.is_loopback:
            return address, port
        try:
            told = note()
            realm, own = Realm(int(told["stacks"]["realm"])), tuple(told["git"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not address.is_private:
            return None
        if host.transport == Host.Transport.LOCAL:
            return IPv4Address(realm.here(address)), real_port(port)
        return (address, port) if (host.host, host.port) == own else None

    return place
