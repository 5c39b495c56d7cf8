"""Dynamic updates (RFC 2136) as ocaml-dns makes them: all of one message or nothing.

| it does                                                                             | others do          |
|-------------------------------------------------------------------------------------|--------------------|
| YXRRSET for a result that breaks a rule (a CNAME beside others, an MX without address) | ignore, REFUSED |
| nothing at all for a change of nothing but TTLs                                     | BIND applies it    |
| take an older SOA and add one: the serial goes back                                 | ignore it          |
| put records of a zone that it does not serve into the one above, with NOERROR       | NOTAUTH            |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tenants.formats.text import FormatError
from tenants.formats.zones.bind.rdata import data_from_rdata, name_from_dnspython
from tenants.formats.zones.data.simple import MX, NS, SRV, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.cursor import host_problem
from tenants.formats.zones.primary.errors import BrokenRuleError
from tenants.formats.zones.primary.tree import Held as Sets
from tenants.formats.zones.primary.tree import HeldSet, Tree, check_tree
from tenants.formats.zones.serial import newer
from tenants.formats.zones.zone import Soa
from workers.sandbox.primary.answers import place_of
from workers.sandbox.primary.zones import Held, copied, held_zones, type_name

__all__ = ["Refused", "Updated", "apply_update"]

_ONE_ONLY = {"CNAME", "PTR", "LOC"}
_SERIALS = 1 << 32


class Refused(Exception):
    """The update is not made; `code` is the answer."""

    def __init__(self, code: dns.rcode.Rcode) -> None:
        super().__init__(dns.rcode.to_text(code))
        self.code = code


@dataclass(frozen=True)
class Updated:
    """What is held afterwards, the zones whose serial became newer, and those that are gone."""

    held: Held
    newer: tuple[Name, ...] = ()
    gone: tuple[Name, ...] = ()
    changed: bool = False


def apply_update(held: Held, message: dns.message.Message) -> Updated:
    """Return what an update makes of the zones. Raises Refused."""
    zone = name_from_dnspython(message.question[0].name)
    if host_problem(zone):
        raise Refused(dns.rcode.FORMERR)
    _check_prerequisites(held.tree, zone, message.answer)
    tree = copied(held.tree)
    named: dict[Name, Soa] = {}
    touched: dict[Name, None] = {}
    for item in _items(message.authority, zone):
        _apply(tree, item, named, touched)
    if _same(held.tree, tree):
        return Updated(held)
    try:
        check_tree(tree)
    except BrokenRuleError:
        raise Refused(dns.rcode.YXRRSET) from None
    before, after = set(held_zones(held.tree)), set(held_zones(tree))
    risen = tuple(each for each in after if _raise_serial(held, tree, each, named, touched))
    return Updated(Held(tree, held.keys), risen, tuple(before - after), changed=True)


@dataclass(frozen=True)
class _Item:
    """One line of an update: `rdata` is None when a whole set, or with type ANY a whole name, goes."""

    owner: Name
    kind: str
    ttl: int
    data: Data | Soa | None
    removes: bool


def _items(section: Iterable[dns.rrset.RRset], zone: Name) -> Iterator[_Item]:
    for found in section:
        owner = name_from_dnspython(found.name)
        if not owner.within(zone):
            raise Refused(dns.rcode.NOTZONE)
        if found.deleting == dns.rdataclass.ANY or not len(found):
            yield _Item(owner, type_name(found.rdtype), 0, None, removes=True)
        for rdata in found:
            data = _data(rdata)
            removes = found.deleting == dns.rdataclass.NONE
            kind = "SOA" if isinstance(data, Soa) else data.type
            yield _Item(owner, kind, int(found.ttl), data, removes)


def _data(rdata: dns.rdata.Rdata) -> Data | Soa:
    """The data of a record; a name server, exchanger or service must be a host, or nothing can be read."""
    try:
        if rdata.rdclass != dns.rdataclass.IN:
            wire = rdata.to_wire() or b""
            rdata = dns.rdata.from_wire(dns.rdataclass.IN, rdata.rdtype, wire, 0, len(wire))
        data = data_from_rdata(rdata)
    except (FormatError, ValueError):
        raise Refused(dns.rcode.FORMERR) from None
    if isinstance(data, NS | MX | SRV) and host_problem(data.target):
        raise Refused(dns.rcode.FORMERR)
    return data


def _apply(tree: Tree, item: _Item, named: dict[Name, Soa], touched: dict[Name, None]) -> None:
    place = place_of(tree, item.owner)
    if place.zone is not None:
        touched[place.zone] = None
    if item.removes:
        _remove(tree, item)
        return
    if isinstance(item.data, Soa):
        named[item.owner] = item.data
        touched[item.owner] = None
        tree.insert({item.owner: {"SOA": item.data}})
    elif item.data is not None:
        _insert(tree, item, item.data)


def _insert(tree: Tree, item: _Item, data: Data) -> None:
    node = tree.node(item.owner)
    known = node.held.get(item.kind) if node else None
    if isinstance(known, HeldSet) and data in known.data:
        return  # the TTL of what is there stays
    alone = item.kind in _ONE_ONLY or not isinstance(known, HeldSet)
    both = {data: None} if alone or not isinstance(known, HeldSet) else known.data | {data: None}
    try:
        tree.insert({item.owner: {item.kind: HeldSet(item.ttl, {})}})
    except BrokenRuleError:
        raise Refused(dns.rcode.FORMERR) from None
    made = tree.node(item.owner)
    if made is not None:
        made.held[item.kind] = HeldSet(item.ttl, both)


def _remove(tree: Tree, item: _Item) -> None:
    node = tree.node(item.owner)
    if node is None:
        return
    if item.kind == "SOA" and item.data is None and "SOA" in node.held:
        _remove_zone(tree, item.owner)
    elif item.kind == "ANY":
        node.held = {}
    elif item.data is None:
        node.held.pop(item.kind, None)
    else:
        known = node.held.get(item.kind)
        if isinstance(known, HeldSet) and not isinstance(item.data, Soa):
            left = {data: None for data in known.data if data != item.data}
            if left:
                node.held[item.kind] = HeldSet(known.ttl, left)
            else:
                del node.held[item.kind]


def _remove_zone(tree: Tree, zone: Name) -> None:
    """Everything of it goes; zones below stay."""
    top = tree.node(zone)
    if top is None:
        return
    top.held = {}
    waiting = list(top.below.values())
    while waiting:
        node = waiting.pop()
        if "SOA" not in node.held:
            node.held = {}
            waiting += node.below.values()


def _raise_serial(
    held: Held, tree: Tree, zone: Name, named: dict[Name, Soa], touched: dict[Name, None]
) -> bool:
    """Give a touched zone its new serial; return whether it is newer, and so to be written."""
    node = tree.node(zone)
    if node is None or zone not in touched:
        return False
    before, given = held.soa(zone), named.get(zone)
    if before is None:
        return True
    now = given or before
    if given is None or not newer(given.serial, before.serial):
        now = now.with_serial((now.serial + 1) % _SERIALS)
    node.held["SOA"] = now
    return newer(now.serial, before.serial)


def _check_prerequisites(tree: Tree, zone: Name, section: Iterable[dns.rrset.RRset]) -> None:
    wanted: dict[tuple[Name, str], set[Data | Soa]] = {}
    for found in section:
        owner, kind = name_from_dnspython(found.name), type_name(found.rdtype)
        if not owner.within(zone):
            raise Refused(dns.rcode.NOTZONE)
        node = tree.node(owner)
        there: Sets = node.held if node else {}
        if len(found):
            wanted.setdefault((owner, kind), set()).update(_data(rdata) for rdata in found)
        elif found.deleting == dns.rdataclass.NONE:
            if kind == "ANY" and there:
                raise Refused(dns.rcode.YXDOMAIN)
            if kind in there:
                raise Refused(dns.rcode.YXRRSET)
        elif kind == "ANY" and not there:
            raise Refused(dns.rcode.NXDOMAIN)
        elif kind != "ANY" and kind not in there:
            raise Refused(dns.rcode.NXRRSET)
    for (owner, kind), data in wanted.items():
        node = tree.node(owner)
        known = node.held.get(kind) if node else None
        now: set[Data | Soa] = set(known.data) if isinstance(known, HeldSet) else {known} if known else set()
        if now != data:
            raise Refused(dns.rcode.NXRRSET)


def _same(one: Tree, other: Tree) -> bool:
    """Whether two trees say the same; TTLs do not count."""
    waiting = [(one.root, other.root)]
    while waiting:
        left, right = waiting.pop()
        if _bare(left.held) != _bare(right.held):
            return False
        labels = left.below.keys() | right.below.keys()
        for label in labels:
            a, b = left.below.get(label), right.below.get(label)
            if a is not None and b is not None:
                waiting.append((a, b))
            elif any(True for _ in _filled(a or b)):
                return False
    return True


def _bare(held: Sets) -> dict[str, object]:
    return {kind: item if isinstance(item, Soa) else frozenset(item.data) for kind, item in held.items()}


def _filled(node: object) -> Iterator[object]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if getattr(current, "held", None):
            yield current
        waiting += getattr(current, "below", {}).values()
