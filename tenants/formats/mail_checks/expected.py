"""What Rookery computed for a domain, and how what is seen compares with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tenants.formats.mail_checks.finding import Who
from tenants.formats.mail_checks.reading import Lookup, Reading, Said

__all__ = ["Compared", "DkimKey", "Expected", "KeptCertificate", "Match", "compare", "exactly"]


@dataclass(frozen=True)
class DkimKey:
    """The key that the domain's signer uses: `public_key` as after `p=` of its record."""

    selector: str
    public_key: str


@dataclass(frozen=True)
class KeptCertificate:
    """A certificate in Rookery's zone, as workers found it. `serves`: it is valid and fits, though it may not
    be renewed. `worries`: the machines had their time, and a person should look."""

    host: str
    sentence: str
    fix: str
    serves: bool
    worries: bool
    staging: bool = False


@dataclass(frozen=True)
class Expected:
    """What should be true of a domain, as far as Rookery knows; empty means: not known.

    `servers` are its name servers with the addresses of those inside the domain; empty when its DNS is
    elsewhere. `primaries` are addresses of servers that have what Rookery wrote at once. `records` are those
    that Rookery writes, as texts of `reading.Said`. `receivers` and `senders` are the public addresses of
    the servers where mail arrives and from which it leaves, as the zone says; `submission` the hosts where
    people send. `ours` are addresses of which Rookery knows itself that they are the organization's: only
    there is anything tried that a stranger could take for an attack. `sandboxed`: the world is this machine.
    `block_lists` are the DNS block lists that are asked about `senders`.
    """

    domain: str
    servers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primaries: tuple[str, ...] = ()
    serial: int | None = None
    refresh: int = 86400
    changed_at: datetime | None = None
    records: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    receivers: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    submission: tuple[str, ...] = ()
    ours: frozenset[str] = frozenset()
    sandboxed: bool = False
    block_lists: tuple[str, ...] = ()
    dkim: tuple[DkimKey, ...] = ()
    certificates: tuple[KeptCertificate, ...] = ()
    issuer: str = "letsencrypt.org"
    signed: bool = False

    @property
    def keeper(self) -> Who:
        """Who can change a record of the domain."""
        return Who.OWNER if self.servers else Who.DNS

    def reachable(self, address: str) -> bool:
        """Whether strangers can reach an address at all."""
        found = ipaddress.ip_address(address)
        return found.is_global or (self.sandboxed and found.is_loopback)

    def records_of(self, name: str, kind: str) -> frozenset[str] | None:
        """What Rookery writes there; None when that is not Rookery's."""
        return self.records.get((name, kind))


class Match(Enum):
    """How what is seen compares with what should be."""

    EQUAL = "equal"
    WAITING = "on its way"
    OTHER = "another"
    FAILED = "no answer"


@dataclass(frozen=True)
class Compared:
    """`until`: see Finding."""

    match: Match
    said: Said
    until: datetime | None = None


Fits = Callable[[tuple[str, ...]], bool]
"""Whether records are as they should be."""


def exactly(wanted: frozenset[str]) -> Fits:
    return lambda records: frozenset(records) == wanted


def compare(expected: Expected, reading: Reading, name: str, kind: str, fits: Fits) -> Compared:
    """Compare what the resolver says with what should be there.

    Where it says something else, the servers to which Rookery writes are asked: if they have it, resolvers
    will once they have forgotten the old answer.
    """
    said = reading.said(name, kind)
    if said.failed:
        return Compared(Match.FAILED, said)
    if fits(said.records):
        return Compared(Match.EQUAL, said)
    reading.need(*[Lookup(name, kind, server) for server in expected.primaries])
    sources = [reading.said(name, kind, server) for server in expected.primaries]
    if sources and all(each.authoritative and fits(each.records) for each in sources):
        return Compared(Match.WAITING, said, reading.forgotten(said))
    return Compared(Match.OTHER, said)
