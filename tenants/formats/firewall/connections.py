"""Which TCP connections of some addresses stand, as the connection tracking of a host tells it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tenants.formats.text import FormatError

HEAD = "rookery-connections 1"
MOST_CONNECTIONS = 1000
MOST_REPORT = 1_000_000
_LINE = re.compile(
    r"tcp +6 \d+ ESTABLISHED src=([0-9.]{7,15}) dst=[0-9.]{7,15} sport=\d{1,5} dport=(\d{1,5})"
    r".* src=([0-9.]{7,15}) dst=[0-9.]{7,15} sport=\d{1,5} dport=\d{1,5}"
)


@dataclass(frozen=True, order=True)
class Connection:
    """From a client to the port that it asked for, at the server that really answers."""

    client: str
    server: str
    port: int

    def __str__(self) -> str:
        return f"{self.client} to port {self.port} of {self.server}"


def read_connections(text: str, addresses: Collection[str]) -> tuple[Connection, ...]:
    """Read what `rookery-firewall connections` printed, at most 1,000. Raises FormatError (`connections`) for
    something else. After the addresses of the client's own packets, the line has those of the answers: from
    these comes who the server is, behind a destination NAT too."""
    head, _, body = text.partition("\n")
    if head != HEAD:
        raise FormatError(
            "connections", "The helper did not tell the connections.", "Install its newest version."
        )
    found = (
        Connection(match[1], match[3], int(match[2]))
        for match in map(_LINE.search, body.splitlines()[:MOST_CONNECTIONS])
        if match and not {match[1], match[3]}.isdisjoint(addresses)
    )
    return tuple(sorted(found))
