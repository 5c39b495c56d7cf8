"""The ways out of this process to what an organization named: a git host, a name server.

A name that somebody typed is no door into the network around the workers. Names are looked up here and the
connection goes to an address that was judged, so that a second answer of the DNS cannot lead elsewhere.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from tenants.formats.public_addresses import Address, Network, may_be_named
from workers.zone.server import connect

_MOST_ADDRESSES = 4


@dataclass(frozen=True)
class Dialers:
    """`near` are networks around this machine that may be named, too; `here`: this machine only."""

    near: Sequence[Network] = ()
    here: bool = False

    def may(self, address: Address) -> bool:
        return address.is_loopback if self.here else may_be_named(address, self.near)

    def name_server(self, address: str, port: int, kind: socket.SocketKind, timeout: float) -> socket.socket:
        """Raises OSError, also for an address that may not be named."""
        if not self.may(ipaddress.ip_address(address)):
            raise self._refusal(address)
        return connect(address, port, kind, timeout)

    def ssh(self, host: str, port: int, timeout: float) -> socket.socket:
        """Raises OSError, also for a name none of whose addresses may be named."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
        judged = [each for each in addresses if self.may(ipaddress.ip_address(each))][:_MOST_ADDRESSES]
        failure = self._refusal(host)
        for address in judged:
            try:
                return connect(address, port, socket.SOCK_STREAM, timeout)
            except OSError as error:
                failure = error
        raise failure

    def _refusal(self, where: str) -> OSError:
        if self.here:
            return OSError(errno.EACCES, f"{where} lies outside the sandbox")
        return OSError(
            errno.EACCES,
            f"{where} is not on the public Internet, and its network is not in ROOKERY_NEAR_NETWORKS",
        )
