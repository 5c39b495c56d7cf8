"""Albatross, the daemons that run unikernels on a host: their wire, a client, its guards. No Django here.

`names`, `values`, `commands`, `replies` and `statistics` are what one talks about; `grammar` is how it looks
on the wire; `conversation` knows what may follow what, without any I/O; `dialer` is the seam to the ways to a
host, which are `local`, `over_ssh` and `tls` (with `certificates`); `client` puts them together.
"""

from __future__ import annotations

from workers.albatross.client import Client
from workers.albatross.dialer import Connection, Dialer
from workers.albatross.errors import (
    AlbatrossError,
    ClosedWithoutReply,
    DecodeError,
    NotPermitted,
    NotSendable,
    NotTrusted,
    UnknownOutcome,
    Unreachable,
)
from workers.albatross.exchange import Subscription, Timeouts
from workers.albatross.failures import CommandFailed, FailureKind
from workers.albatross.local import LocalDialer
from workers.albatross.names import ROOT, Name
from workers.albatross.over_ssh import SshDialer
from workers.albatross.probing import find_release
from workers.albatross.releases import Dialect, Release, dialect_of
from workers.albatross.tls import TlsDialer, TlsEndpoint

__all__ = [
    "ROOT",
    "AlbatrossError",
    "Client",
    "ClosedWithoutReply",
    "CommandFailed",
    "Connection",
    "DecodeError",
    "Dialect",
    "Dialer",
    "FailureKind",
    "LocalDialer",
    "Name",
    "NotPermitted",
    "NotSendable",
    "NotTrusted",
    "Release",
    "SshDialer",
    "Subscription",
    "Timeouts",
    "TlsDialer",
    "TlsEndpoint",
    "UnknownOutcome",
    "Unreachable",
    "dialect_of",
    "find_release",
]
