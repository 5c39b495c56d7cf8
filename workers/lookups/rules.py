"""What a domain's DNS answers mean for mail to it. Pure: whatever asks the DNS is handed in."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tenants.formats.exchanges import Answer, Dmarc, Exchanges, is_host, read_policy

MOST_HOSTS = 30
MOST_ADDRESSES = 60  # of one host
MOST_PARENTS = 4
WITHIN_SECONDS = 20.0


class Status(StrEnum):
    """How a question was answered."""

    DATA = "data"
    NO_DATA = "no data"  # the name exists, without records of this type
    NO_NAME = "no name"  # NXDOMAIN
    FAILED = "failed"  # SERVFAIL, REFUSED, silence, nonsense


@dataclass(frozen=True)
class Record:
    """One record: `text` is a host name (lower case, no final dot), an address, or empty for TXT."""

    text: str = ""
    preference: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Reply:
    """`problem` says why there is none, in words."""

    status: Status
    records: tuple[Record, ...] = ()
    problem: str = ""


class Dns(Protocol):
    """Something that answers questions; it never raises."""

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        """Ask for records of `kind` (MX, A, AAAA, TXT, NS), taking `seconds` at most."""


class Silent(Exception):
    """The DNS gave no usable answer: nothing is known, which is not the same as nothing being there."""


def look_up(domain: str, dns: Dns, clock: Callable[[], float], within: float = WITHIN_SECONDS) -> Exchanges:
    """Find out where mail of `domain` goes. Raises Silent when any part of the answer is missing.

    The DMARC policy is no such part: without an answer it counts as absent.
    """
    asking = _Asking(dns, clock, clock() + within)
    answer, hosts = _hosts(domain, asking)
    addresses = {address for host in hosts for address in asking.addresses(host)}
    dmarc = Dmarc.ABSENT if answer is Answer.NO_DOMAIN else _dmarc(domain, asking)
    return Exchanges(answer, hosts, frozenset(addresses), dmarc)


@dataclass
class _Asking:
    dns: Dns
    clock: Callable[[], float]
    end: float

    def ask(self, name: str, kind: str) -> Reply:
        left = self.end - self.clock()
        if left <= 0:
            return Reply(Status.FAILED, problem="it took too long")
        return self.dns.ask(name, kind, left)

    def surely(self, name: str, kind: str) -> Reply:
        """Like `ask`, but raises Silent for a failure."""
        reply = self.ask(name, kind)
        if reply.status is Status.FAILED:
            raise Silent(f"no answer for {name} {kind}: {reply.problem or 'it failed'}")
        return reply

    def addresses(self, host: str) -> Iterator[str]:
        for kind in ("A", "AAAA"):
            for record in self.surely(host, kind).records[:MOST_ADDRESSES]:
                try:
                    address = ipaddress.ip_address(record.text)
                except ValueError:
                    continue
                mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
                yield str(mapped or address)


def _hosts(domain: str, asking: _Asking) -> tuple[Answer, tuple[str, ...]]:
    reply = asking.surely(domain, "MX")
    if reply.status is Status.NO_NAME:
        return Answer.NO_DOMAIN, ()
    if not reply.records:
        return (Answer.ADDRESS_ONLY if any(asking.addresses(domain)) else Answer.NOTHING), ()
    if len(reply.records) > MOST_HOSTS:
        raise Silent(f"{domain} has {len(reply.records)} MX records, which is more than anybody needs")
    # RFC 7505: a null MX stands alone; beside others it is no host to send to.
    named = [record for record in reply.records if record.text]
    if not named:
        return Answer.NO_MAIL, ()
    best_first = sorted(named, key=lambda record: (record.preference, record.text))
    hosts = tuple(dict.fromkeys(record.text for record in best_first if is_host(record.text)))
    if not hosts:
        raise Silent(f"the MX records of {domain} name no host")
    return Answer.EXCHANGES, hosts


def _dmarc(domain: str, asking: _Asking) -> Dmarc:
    """Of the domain itself, else the sub-domain policy of the nearest parent that has one."""
    labels = domain.split(".")
    for start in range(min(len(labels) - 1, MOST_PARENTS)):
        reply = asking.ask("_dmarc." + ".".join(labels[start:]), "TXT")
        policies = read_policy(record.data for record in reply.records[:50])
        if policies is not None:
            return policies[0] if start == 0 else policies[1]
    return Dmarc.ABSENT
