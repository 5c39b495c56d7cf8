"""Plain questions and zone transfers, answered from what the primary holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tenants.formats.text import FormatError
from tenants.formats.zones.data.simple import MX, NS, SRV
from tenants.formats.zones.keyfile import Right
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.tree import HeldSet, Node, Tree
from tenants.formats.zones.primary.write_back import transferred
from tenants.formats.zones.zone import Soa
from workers.sandbox.primary.signing import Request
from workers.sandbox.primary.zones import Held, may, type_name
from workers.zone.messages import dns_name
from workers.zone.records import rdata_of

__all__ = ["Place", "answer_query", "place_of", "reply", "wire_of", "zone_of"]

UDP_AT_MOST = 400
"""Bytes of an answer over UDP, whatever size the client offers."""
_MESSAGE = 60_000
"""Bytes of records, names not compressed, in one message of a transfer."""
_LARGEST = 65_535
_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True)
class Place:
    """Where a name stands: the zone that holds it, the delegation above it, and its node."""

    zone: Name | None = None
    cut: Name | None = None
    node: Node | None = None
    wildcard: bool = False


def zone_of(name: dns.message.Message) -> Name:
    """The name that a message asks about."""
    return Name(name.question[0].name.labels[:-1])


def place_of(tree: Tree, name: Name) -> Place:
    """Find a name in the tree; below a delegation only the delegation counts."""
    node: Node | None = tree.root
    zone: Name | None = None
    cut: Name | None = None
    for depth in range(len(name.key) + 1):
        if node is None:
            return Place(zone, cut)
        if "SOA" in node.held:
            zone, cut = Name(reversed(name.key[:depth])), None
        elif "NS" in node.held and zone is not None and cut is None:
            cut = Name(reversed(name.key[:depth]))
        if depth == len(name.key):
            break
        step = node.below.get(name.key[depth])
        if step is None and cut is None and (star := node.below.get(b"*")):
            return Place(zone, None, star, wildcard=True)
        node = step
    return Place(zone, cut, node)


def reply(request: Request, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """An answer without records; it is signed when the request was."""
    made = dns.message.make_response(request.message, our_payload=512)
    made.flags |= dns.flags.AA
    made.set_rcode(code)
    return made


def wire_of(made: dns.message.Message) -> bytes:
    """An answer on the wire, whatever size the client says it takes."""
    return made.to_wire(max_size=_LARGEST)


def answer_query(held: Held, request: Request, *, udp: bool, open_transfers: bool = False) -> list[bytes]:
    """Return the answer to a question, or all messages of a transfer, on the wire."""
    question = request.message.question[0]
    if question.rdclass != dns.rdataclass.IN:
        return [wire_of(reply(request, dns.rcode.NOTIMP))]
    if question.rdtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR):
        return list(_transfer(held, request, udp=udp, open_transfers=open_transfers))
    made = _answered(held.tree, request)
    wire = wire_of(made)
    if udp and len(wire) > UDP_AT_MOST:
        for section in (made.answer, made.authority, made.additional):
            section.clear()
        made.flags |= dns.flags.TC
        wire = wire_of(made)
    return [wire]


def _answered(tree: Tree, request: Request) -> dns.message.Message:
    name = zone_of(request.message)
    kind = type_name(request.message.question[0].rdtype)
    place = place_of(tree, name)
    if place.zone is None:
        return reply(request, dns.rcode.NOTAUTH)
    made = reply(request)
    if place.cut is not None and not (kind == "DS" and place.cut == name):
        return _referral(tree, made, place.cut)
    held = place.node.held if place.node else {}
    wanted = [found for found in held if kind in {found, "ANY"}] or [
        found for found in held if found == "CNAME"
    ]
    for found in wanted:
        made.answer.append(_rrset(name, held[found]))
    if wanted:
        _add_addresses(tree, made, [held[found] for found in wanted])
        return made
    top = tree.node(place.zone)
    if top:
        made.authority.append(_rrset(place.zone, top.held["SOA"]))
    if place.node is None:
        made.set_rcode(dns.rcode.NXDOMAIN)
    return made


def _referral(tree: Tree, made: dns.message.Message, cut: Name) -> dns.message.Message:
    made.flags &= ~dns.flags.AA
    node = tree.node(cut)
    servers = node.held["NS"] if node else None
    if servers:
        made.authority.append(_rrset(cut, servers))
        _add_addresses(tree, made, [servers])
    return made


def _add_addresses(tree: Tree, made: dns.message.Message, sets: list[HeldSet | Soa]) -> None:
    targets = [
        item.target
        for held in sets
        if isinstance(held, HeldSet)
        for item in held.data
        if isinstance(item, NS | MX | SRV)
    ]
    for target in dict.fromkeys(targets):
        node = tree.node(target)
        for kind in _ADDRESSES:
            if node and kind in node.held:
                made.additional.append(_rrset(target, node.held[kind]))


def _transfer(held: Held, request: Request, *, udp: bool, open_transfers: bool) -> Iterator[bytes]:
    zone = zone_of(request.message)
    allowed = open_transfers or (request.key is not None and may(request.key, Right.TRANSFER, zone))
    soa, top = held.soa(zone), held.tree.node(zone)
    if udp:
        yield wire_of(reply(request, dns.rcode.REFUSED))
        return
    if not allowed or soa is None or top is None:
        yield wire_of(reply(request, dns.rcode.NOTAUTH))
        return
    border = _rrset(zone, soa)
    body = [
        _rrset(owner, found) for owner, sets in transferred(held.tree, zone, top) for found in sets.values()
    ]
    # Each message is signed for itself, against the request: not what RFC 8945 §5.3.1 says.
    for group in _grouped([border, *body, border]):
        made = reply(request)
        made.answer = group
        yield wire_of(made)


def _grouped(sets: list[dns.rrset.RRset]) -> Iterator[list[dns.rrset.RRset]]:
    group: list[dns.rrset.RRset] = []
    size = 0
    for found in sets:
        pieces = [(found, _size(found))]
        if pieces[0][1] > _MESSAGE:
            singles = [dns.rrset.from_rdata(found.name, found.ttl, item) for item in found]
            pieces = [(single, _size(single)) for single in singles]
        for piece, cost in pieces:
            if group and size + cost > _MESSAGE:
                yield group
                group, size = [], 0
            group.append(piece)
            size += cost
    yield group


def _size(found: dns.rrset.RRset) -> int:
    head = len(found.name.to_wire() or b"") + 10
    return sum(head + len(item.to_wire() or b"") for item in found)


def _rrset(owner: Name, held: HeldSet | Soa) -> dns.rrset.RRset:
    if isinstance(held, Soa):
        return dns.rrset.from_rdata(dns_name(owner), held.minimum, rdata_of(held))
    items: list[Any] = []
    for item in held.data:
        try:
            items.append(rdata_of(item))
        except FormatError:  # what dnspython cannot say; ocaml-dns can say more nonsense than it
            continue
    return dns.rrset.from_rdata_list(dns_name(owner), held.ttl, items)
