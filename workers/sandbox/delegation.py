"""The world around the sandbox's primary: the zones above its own, and a resolver's way down through them.

Above every zone that the primary has served stands its delegation, as an obliging registrar would enter it:
the name servers and addresses that the zone itself gave when it was served last. `delegate` enters another
one, so that delegations can be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

from tenants.formats.zones.data.simple import MX, NS, PTR, A
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.tree import HeldSet
from tenants.formats.zones.zone import Soa
from workers.sandbox.primary.answers import answer_query, place_of, wire_of
from workers.sandbox.primary.signing import Request
from workers.sandbox.primary.zones import Held
from workers.zone.messages import dns_name
from workers.zone.records import rdata_of

__all__ = ["Delegation", "Delegations", "Resolved", "called"]

TTL = 300
MOST_ALIASES = 8
REGISTRY = Name.of("ns.registry.example")
"""The name server of everything above delegated zones."""


@dataclass(frozen=True)
class Delegation:
    """What stands in the zone above: the name servers, and the addresses of those inside the zone (glue)."""

    servers: tuple[Name, ...]
    glue: tuple[tuple[Name, IPv4Address], ...] = ()


@dataclass(frozen=True)
class Resolved:
    """An answer as a resolver gives it."""

    code: dns.rcode.Rcode
    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)


class Delegations:
    """Knows the delegations, answers as the name server above them, and resolves names in them.

    `held` gives what the primary holds now; `primary` and `registry` are the addresses of the two servers.
    """

    def __init__(self, held: Callable[[], Held], primary: str, registry: str) -> None:
        self._held, self._primary, self._registry = held, IPv4Address(primary), IPv4Address(registry)
        self._entered: dict[Name, Delegation] = {}
        self._copied: dict[Name, Delegation] = {}

    def delegate(self, zone: Name, delegation: Delegation | None) -> None:
        """Enter a delegation by hand; None leaves it to the registrar again."""
        if delegation is None:
            self._entered.pop(zone, None)
        else:
            self._entered[zone] = delegation

    def find(self, name: Name) -> tuple[Name, Delegation] | None:
        """The nearest delegated zone at or above a name."""
        self._copy()
        for zone in (name, *name.ancestors()):
            found = self._entered.get(zone) or self._copied.get(zone)
            if found is not None:
                return zone, found
        return None

    def _copy(self) -> None:
        held = self._held()
        for zone in held.zones():
            node = held.tree.node(zone)
            servers = node.held.get("NS") if node else None
            if isinstance(servers, HeldSet):
                names = tuple(item.target for item in servers.data if isinstance(item, NS))
                glue = tuple(
                    (name, address)
                    for name in names
                    if name.within(zone)
                    for address in _addresses(held, name)
                )
                self._copied[zone] = Delegation(names, glue)

    # the server above -----------------------------------------------------------------------------

    async def handle(self, wire: bytes, source: str, udp: bool) -> list[bytes]:
        """The answer of the name server above, to one message."""
        del source, udp
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError, IndexError):
            return []
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return []
        made = dns.message.make_response(query, our_payload=512)
        if query.opcode() != dns.opcode.QUERY:
            made.set_rcode(dns.rcode.NOTIMP)
        else:
            self._refer(made, Name(query.question[0].name.labels[:-1]), query.question[0].rdtype)
        return [wire_of(made)]

    def _refer(self, made: dns.message.Message, name: Name, kind: dns.rdatatype.RdataType) -> None:
        found = self.find(name)
        if found is not None and not (kind == dns.rdatatype.DS and found[0] == name):
            zone, delegation = found
            made.authority.append(_servers(zone, delegation.servers))
            made.additional += [_address(owner, address) for owner, address in delegation.glue]
            return
        made.flags |= dns.flags.AA
        above = Name(name.labels[-1:])
        if name == above and kind == dns.rdatatype.NS:
            made.answer.append(_servers(above, (REGISTRY,)))
            made.additional.append(_address(REGISTRY, self._registry))
        elif name == REGISTRY and kind == dns.rdatatype.A:
            made.answer.append(_address(REGISTRY, self._registry))
        elif name == above and kind == dns.rdatatype.SOA:
            made.answer.append(_soa(above))
        else:
            made.authority.append(_soa(above))
            if found is None and name not in (above, REGISTRY, ROOT):
                made.set_rcode(dns.rcode.NXDOMAIN)

    # the resolver ---------------------------------------------------------------------------------

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """Resolve a name that lies in a delegated zone, or is of the name server above; None otherwise."""
        asked = Name(name.labels[:-1])
        if asked == REGISTRY and kind == dns.rdatatype.A:
            return Resolved(dns.rcode.NOERROR, [_address(REGISTRY, self._registry)])
        if len(asked.labels) == 1 and kind == dns.rdatatype.NS:
            return Resolved(dns.rcode.NOERROR, [_servers(asked, (REGISTRY,))])
        if kind == dns.rdatatype.PTR and (pointed := called(self._held(), name)) is not None:
            return pointed
        if self.find(asked) is None:
            return None
        answer: list[dns.rrset.RRset] = []
        for _ in range(MOST_ALIASES):
            step = self._step(asked, kind)
            answer += step.answer
            alias = _alias(step.answer, kind)
            if alias is None or self.find(alias) is None:
                return Resolved(step.code, answer, step.authority)
            asked = alias
        return Resolved(dns.rcode.SERVFAIL)

    def _step(self, name: Name, kind: dns.rdatatype.RdataType) -> Resolved:
        found = self.find(name)
        if found is None or not self._leads_here(found[1]):
            return Resolved(dns.rcode.SERVFAIL)
        query = dns.message.make_query(dns_name(name), kind)
        wires = answer_query(self._held(), Request(query), udp=False)
        said = dns.message.from_wire(wires[0])
        if said.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not said.flags & dns.flags.AA:
            return Resolved(dns.rcode.SERVFAIL)
        return Resolved(said.rcode(), said.answer, said.authority)

    def _leads_here(self, delegation: Delegation) -> bool:
        """Whether one of the name servers has the primary's address, by glue or by its own zone."""
        glue = dict(delegation.glue)
        return any(
            self._primary in ({glue[name]} if name in glue else set(_addresses(self._held(), name)))
            for name in delegation.servers
        )


def called(held: Held, pointer: dns.name.Name) -> Resolved | None:
    """The reverse name that an obliging provider gives: that of the mail server at the address."""
    try:
        address = dns.reversename.to_address(pointer)
    except dns.exception.DNSException:
        return None
    for zone in held.zones():
        node = held.tree.node(zone)
        found = node.held.get("MX") if node else None
        for item in found.data if isinstance(found, HeldSet) else ():
            if isinstance(item, MX) and address in map(str, _addresses(held, item.target)):
                pointed = dns.rrset.from_rdata(pointer, TTL, rdata_of(PTR(item.target)))
                return Resolved(dns.rcode.NOERROR, [pointed])
    return None


def _addresses(held: Held, name: Name) -> list[IPv4Address]:
    place = place_of(held.tree, name)
    found = place.node.held.get("A") if place.node else None
    return [item.address for item in found.data if isinstance(item, A)] if isinstance(found, HeldSet) else []


def _alias(answer: list[dns.rrset.RRset], kind: dns.rdatatype.RdataType) -> Name | None:
    if kind in (dns.rdatatype.CNAME, dns.rdatatype.ANY):
        return None
    for found in answer:
        if found.rdtype == dns.rdatatype.CNAME:
            return Name(found[0].target.labels[:-1])
    return None


def _servers(zone: Name, names: tuple[Name, ...]) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(dns_name(zone), TTL, [rdata_of(NS(name)) for name in names])


def _address(owner: Name, address: IPv4Address) -> dns.rrset.RRset:
    return dns.rrset.from_rdata(dns_name(owner), TTL, rdata_of(A(address)))


def _soa(zone: Name) -> dns.rrset.RRset:
    soa = Soa(REGISTRY, Name((b"hostmaster", *REGISTRY.labels)), 1)
    return dns.rrset.from_rdata(dns_name(zone), TTL, rdata_of(soa))
