"""Reading what workers found out about where mail goes: for actions, pages and the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tenants.formats.exchanges import Answer, Dmarc, Exchanges, Notice, Shared, notices, shared_pairs
from tenants.models import Domain, TargetAddress, TargetDomain

_AT_ONCE = 500
Exchange = TargetAddress.Exchange


@dataclass(frozen=True)
class HostFacts:
    """One target domain: what is known (None: not yet), since when, and whether the DNS is silent now."""

    exchanges: Exchanges | None = None
    looked_up_at: datetime | None = None
    silent: bool = False


def exchanges_of(row: TargetDomain) -> Exchanges | None:
    """What a row says, as the pure rules want it."""
    if not row.answer:
        return None
    return Exchanges(Answer(row.answer), tuple(row.hosts), frozenset(row.addresses), Dmarc(row.dmarc))


def facts_about(hosts: Iterable[str]) -> dict[str, HostFacts]:
    """What is known of each of these domains; one query for every 500."""
    wanted = sorted(set(hosts))
    found = dict.fromkeys(wanted, HostFacts())
    for start in range(0, len(wanted), _AT_ONCE):
        for row in TargetDomain.objects.filter(name__in=wanted[start : start + _AT_ONCE]):
            found[row.name] = HostFacts(exchanges_of(row), row.looked_up_at, silent=row.failures > 0)
    return found


def known_exchanges(facts: Mapping[str, HostFacts]) -> dict[str, Exchanges | None]:
    return {host: each.exchanges for host, each in facts.items()}


@dataclass(frozen=True)
class Guards:
    """What is known of many target domains, asked once for a whole page."""

    facts: Mapping[str, HostFacts]
    own_domains: frozenset[str] = frozenset()

    @classmethod
    def about(cls, hosts: Iterable[str], organization_id: int) -> Guards:
        """`own_domains` are the organization's: whether others have a domain here is not told."""
        wanted = set(hosts)
        rows = Domain.objects.filter(organization=organization_id, name__in=sorted(wanted)[:_AT_ONCE])
        own = rows.values_list("name", flat=True) if wanted else ()
        return cls(facts_about(wanted), frozenset(own))

    def notices(self, host: str) -> list[Notice]:
        """What is worth knowing about one target domain."""
        facts = self.facts.get(host, HostFacts())
        return notices(host, facts.exchanges, silent=facts.silent, hosted=host in self.own_domains)

    def shared(self, hosts: Iterable[str]) -> tuple[Shared, ...]:
        """Which of these domains ptt's relay would mix."""
        return shared_pairs(hosts, known_exchanges(self.facts))

    def told(self, hosts: Iterable[str]) -> list[str]:
        """All of it about these domains, as sentences; what is not known yet is being found out."""
        named = sorted(set(hosts))
        found = [pair.sentence for pair in self.shared(named)]
        found += [notice.sentence for host in named for notice in self.notices(host)]
        waiting = [host for host in self.unknown(named) if not self.facts.get(host, HostFacts()).silent]
        return found + [f"Checking where mail of {host} goes." for host in waiting]

    def unknown(self, hosts: Iterable[str]) -> list[str]:
        """Those that nobody has looked up yet."""
        return sorted(host for host in set(hosts) if self.facts.get(host, HostFacts()).exchanges is None)
