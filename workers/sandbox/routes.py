"""Where the sandbox's relays bring mail: to another domain of the sandbox, to the public address of a mail
stack, or to the rest of the world."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Protocol

import dns.name
import dns.rdatatype
from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX

from tenants.formats.mailbox_syntax import Name
from workers.sandbox import expansion, hop
from workers.sandbox.certificates import Authority
from workers.sandbox.delegation import Resolved
from workers.sandbox.names import HostedView
from workers.sandbox.paths import domain_text

__all__ = ["Routes", "Stacks", "chain_only"]

SMTP = 25


class Stacks(Protocol):
    """The mail stacks beside the sandbox."""

    def resolve_here(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """What there is at a name in one of their zones; None when it lies in none."""

    def door(self, public: str, port: int) -> tuple[str, int] | None:
        """Where a forwarded public port is; None where nothing is forwarded."""


class Here(Protocol):
    """What of the sandbox mail goes by."""

    stacks: Stacks | None

    @property
    def authority(self) -> Authority: ...

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None: ...

    def exchanger(self, domain: str) -> tuple[str, int] | None: ...


class Routes:
    """`mx_of` and `way` are a relay's."""

    def __init__(self, here: Here, view: HostedView) -> None:
        self._here, self._view = here, view

    def mx_of(self, domain: str) -> str | None:
        """The address of a domain's mail server, by the zones that are really there, or the small world."""
        domain = domain.lower()
        if self._here.resolve(dns.name.from_text(domain), dns.rdatatype.MX) is None:
            return self._view.mx_of(domain)
        found = self._records(domain, dns.rdatatype.MX)
        exchanges = sorted((each.preference, each.exchange) for each in found if isinstance(each, MX))
        addresses = (
            address
            for _, host in exchanges
            for address in self._addresses(host.to_text(omit_final_dot=True).lower())
        )
        return next(addresses, None)

    def way(self, group: expansion.Group) -> hop.Way | None:
        """None for the rest of the world."""
        door = self._here.stacks.door(group.mx, SMTP) if self._here.stacks else None
        if door is not None:
            return hop.Way(*door, trust=chain_only(self._here.authority))
        domain = domain_text(group.domain) if isinstance(group.domain, Name) else ""
        address = self._here.exchanger(domain) if domain else None
        return hop.Way(*address) if address else None

    def _addresses(self, host: str) -> Iterator[str]:
        if self._here.resolve(dns.name.from_text(host), dns.rdatatype.A) is None:
            yield from self._view.ask(host, "A").records
        else:
            yield from (each.to_text() for each in self._records(host, dns.rdatatype.A))

    def _records(self, name: str, kind: dns.rdatatype.RdataType) -> list[Rdata]:
        found = self._here.resolve(dns.name.from_text(name), kind)
        return [each for item in (found.answer if found else ()) if item.rdtype == kind for each in item]


def chain_only(authority: Authority) -> ssl.SSLContext:
    """What a relay of ptt believes of the next server: a chain to an authority that it knows, any name."""
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    trust.check_hostname = False
    return trust
