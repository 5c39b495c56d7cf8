"""SSH with pinned host keys and kept connections. No Django here."""

from __future__ import annotations

from workers.ssh.connection import Channel, Connection, Result, connect
from workers.ssh.endpoint import (
    AuthenticationRefused,
    CommandFailed,
    HostKeyChanged,
    HostKeyUnknown,
    NotForwarded,
    PortClosed,
    ProtocolError,
    SshEndpoint,
    SshError,
    TooManyChannels,
    Unreachable,
)
from workers.ssh.pool import ConnectionPool
from workers.ssh.sharing import SharingPool

__all__ = [
    "AuthenticationRefused",
    "Channel",
    "CommandFailed",
    "Connection",
    "ConnectionPool",
    "HostKeyChanged",
    "HostKeyUnknown",
    "NotForwarded",
    "PortClosed",
    "ProtocolError",
    "Result",
    "SharingPool",
    "SshEndpoint",
    "SshError",
    "TooManyChannels",
    "Unreachable",
    "connect",
]
