"""What Rookery computed for a domain, and how what is seen compares with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tenants.formats.mail_checks.finding import Who
from tenants.formats.mail_checks.reading import Lookup, Reading, Said, Status

__all__ = ["Compared", "DkimKey", "Expected", "Match", "compare"]


@dataclass(frozen=True)
class DkimKey:
    """The key that the domain's signer uses: `public_key` as after `p=` of its record."""

    selector: str
    public_key: str


@dataclass(frozen=True)
class Expected:
    """What should be true of a domain, as far as Rookery knows; empty means: not known.

    `servers` are its name servers with the addresses of those inside the domain; empty when its DNS is
    elsewhere. `primaries` are addresses of servers that have what Rookery wrote at once. `records` are those
    that Rookery writes, as texts of `reading.Said`. `receivers` and `senders` are the public addresses of
    the servers where mail arrives and from which it leaves; `submission` the hosts where people send.
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
    dkim: tuple[DkimKey, ...] = ()
    issuer: str = "letsencrypt.org"
    signed: bool = False

    @property
    def keeper(self) -> Who:
        """Who can change a record of the domain."""
        return Who.OWNER if self.servers else Who.DNS

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


def compare(expected: Expected, reading: Reading, name: str, kind: str, wanted: frozenset[str]) -> Compared:
    """Compare what the resolver says with what should be there.

    Where it says something else, the servers to which Rookery writes are asked: if they have it, resolvers
    will once they have forgotten the old answer.
    """
    said = reading.said(name, kind)
    if said.failed:
        return Compared(Match.FAILED, said)
    if frozenset(said.records) == wanted:
        return Compared(Match.EQUAL, said)
    return Compared(*_at_source(expected, reading, name, kind, wanted, said))


def _at_source(
    expected: Expected, reading: Reading, name: str, kind: str, wanted: frozenset[str], said: Said
) -> tuple[Match, Said, datetime | None]:
    reading.need(*[Lookup(name, kind, server) for server in expected.primaries])
    sources = [reading.said(name, kind, server) for server in expected.primaries]
    right = [
        each
        for each in sources
        if each.authoritative and each.status is Status.DATA and frozenset(each.records) == wanted
    ]
    if right and len(right) == len(sources):
        return Match.WAITING, said, reading.forgotten(said)
    return Match.OTHER, said, None
