"""What is around the unikernels of the sandbox: the git host, names and mail servers of everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from tenants.formats.zones.names import Name
from workers.sandbox.certificates import Authority
from workers.sandbox.delegation import Resolved, called
from workers.sandbox.dns_listener import DNS_PORT
from workers.sandbox.names import HostedView
from workers.sandbox.primary.answers import answer_query
from workers.sandbox.primary.server import Primary
from workers.sandbox.primary.signing import Request
from workers.sandbox.primary.zones import Held
from workers.sandbox.resolver import Zones
from workers.sandbox.stack.nat import NO_RULES, Nat
from workers.sandbox.stack.realm import Realm, real_port

__all__ = ["GitPlace", "SharedPrimary", "World"]

TLS_BITS, GIT_PORT = 4096, 22
Endpoint = tuple[str, int]


@dataclass(frozen=True)
class GitPlace:
    """Where the git host of the gateway really is, and its key (`ssh-ed25519 …`)."""

    host: str
    port: int
    public_key: str


@dataclass(frozen=True)
class SharedPrimary:
    """A primary on the host itself, which unikernels reach at their gateway; `held` are its zones now."""

    where: Callable[[], Endpoint]
    held: Callable[[], Held]


@dataclass
class World:
    """Shared by all unikernels of a sandbox host; used in one event loop, but for `resolve`.

    `mailroom` takes the mail for everybody else; `exchanger` is the mail server of a domain that the sandbox
    serves in another way. `pace` stretches what unikernels wait for. `tls_bits` is the size of the keys that
    submission and receiver make of their seeds: the real 4096 take seconds.
    """

    folder: Path
    realm: Realm
    git: GitPlace
    mailroom: Callable[[], Endpoint]
    production: Authority
    staging: Authority
    view: HostedView = field(default_factory=HostedView)
    zones: Zones | None = None
    exchanger: Callable[[str], Endpoint | None] = lambda _domain: None
    nat: Callable[[], Nat] = lambda: NO_RULES
    shared: SharedPrimary | None = None
    pace: float = 1.0
    tls_bits: int = TLS_BITS
    primaries: dict[str, Primary] = field(default_factory=dict)
    """Those that run, by their private address."""
    private: dict[str, str] = field(default_factory=dict)
    """The private address of each loopback address on which a unikernel is."""
    gateways: set[str] = field(default_factory=set)
    """Private addresses that are the host's own."""

    def seen_as(self, loopback: str) -> str:
        """The address that stands for this one of loopback, as a unikernel sees a client."""
        public = {self.realm.here(address): address for address in self.nat().publics}
        return self.private.get(loopback) or public.get(loopback) or loopback

    def primary_at(self, address: str, port: int) -> Endpoint:
        """Where the primary at a private address really is."""
        if self.shared is not None and address in self.gateways and port == DNS_PORT:
            return self.shared.where()
        return self.realm.here(address), real_port(port)

    def zones_at(self, address: str) -> tuple[Name, ...]:
        """The zones of the primary at a private address."""
        if self.shared is not None and address in self.gateways:
            return tuple(self.shared.held().zones())
        running = self.primaries.get(address)
        return tuple(running.held.zones()) if running else ()

    def reach(self, address: str, port: int) -> Endpoint | None:
        """Where a private address and port are that the host itself reaches; None for all others."""
        try:
            given = IPv4Address(address)
        except ValueError:
            return None
        if given.is_loopback:
            return address, port
        if not given.is_private:
            return None
        if address in self.gateways and port == GIT_PORT:
            return self.git.host, self.git.port
        return self.primary_at(address, port)

    def door(self, public: str, port: int) -> Endpoint | None:
        """Where a forwarded public port is; None where nothing is forwarded."""
        if (public, "tcp", port) not in self.nat().doors:
            return None
        return self.realm.here(public), real_port(port)

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """Resolve a name in a zone that a primary here serves: an obliging registrar delegated it. Then in
        the other zones of the sandbox; None for everything else. For any thread."""
        return self.resolve_here(name, kind) or (self.zones.resolve(name, kind) if self.zones else None)

    def resolve_here(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """The same without the other zones."""
        asked = Name(name.labels[:-1])
        running = list(self.primaries.values())
        if kind == dns.rdatatype.PTR:
            return next((found for each in running if (found := called(each.held, name))), None)
        best, primary = _deepest(asked, running)
        if best is None or primary is None:
            return None
        wires = answer_query(primary.held, Request(dns.message.make_query(name, kind)), udp=False)
        said = dns.message.from_wire(wires[0])
        if said.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Resolved(dns.rcode.SERVFAIL)
        return Resolved(said.rcode(), said.answer, said.authority)


def _deepest(name: Name, primaries: Iterable[Primary]) -> tuple[Name | None, Primary | None]:
    best: tuple[Name | None, Primary | None] = (None, None)
    for primary in primaries:
        for zone in primary.held.zones():
            if name.within(zone) and (best[0] is None or len(zone.labels) > len(best[0].labels)):
                best = zone, primary
    return best
