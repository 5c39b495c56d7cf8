"""Whose a domain is, by what the DNS says: a TXT record, or the delegation in the zone above. Pure.

A zone that nobody serves yet cannot be asked through a resolver: its delegation is read where it stands, at
the name servers of the zone above.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass

from workers.lookups.rules import Dns, Status

LABEL = "_rookery"
WITHIN_SECONDS = 12.0
_MOST_SERVERS, _MOST_ABOVE = 3, 5

Referral = Callable[[str, str, float], frozenset[str]]
"""The name servers that the server at an address names for a domain; none when it does not answer."""


@dataclass(frozen=True)
class Owned:
    """`how` is “text” or “delegation”, or empty: then `problem` says what was seen instead."""

    how: str = ""
    problem: str = ""


def find_owner(
    domain: str,
    challenge: str,
    servers: Collection[str],
    dns: Dns,
    referral: Referral,
    clock: Callable[[], float],
) -> Owned:
    """Look whether `_rookery.<domain>` says the challenge, or the domain is delegated to one of `servers`."""
    end = clock() + WITHIN_SECONDS
    said = dns.ask(f"{LABEL}.{domain}", "TXT", end - clock())
    if any(record.data.strip() == challenge.encode() for record in said.records):
        return Owned("text")
    delegated = _delegated(domain, dns, referral, clock, end)
    if delegated & set(servers):
        return Owned("delegation")
    if delegated:
        names = ", ".join(sorted(delegated)[:4])
        return Owned(problem=f"The TXT record is not there, and {domain} is delegated to {names}.")
    why = f" ({said.problem})" if said.status is Status.FAILED else ""
    return Owned(problem=f"The TXT record is not there{why}, and {domain} is not delegated.")


def _delegated(
    domain: str, dns: Dns, referral: Referral, clock: Callable[[], float], end: float
) -> frozenset[str]:
    labels = domain.split(".")
    for start in range(1, min(len(labels), _MOST_ABOVE)):
        if (left := end - clock()) <= 0:
            break
        above = dns.ask(".".join(labels[start:]), "NS", left)
        for server in above.records[:_MOST_SERVERS]:
            for address in dns.ask(server.text, "A", max(0.1, end - clock())).records[:1]:
                if not _is_address(address.text) or (left := end - clock()) <= 0:
                    continue
                found = referral(address.text, domain, left)
                if found:
                    return found
        if above.records:
            break
    return frozenset()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
