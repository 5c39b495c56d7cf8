"""The file that ptt's primary writes for a zone after a dynamic update, from what it holds in memory."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.data_location import LOC
from tenants.formats.zones.dialect import Dialect
from tenants.formats.zones.emitter import arrange
from tenants.formats.zones.holding import Delegated, Held, HeldSet, Node, Tree
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Blocks, Soa

__all__ = ["write_back"]


def write_back(tree: Tree, origin: Name) -> bytes | None:
    """Return the file of a zone that the tree serves, or None where the primary fails to write one.

    Below a delegation only its NS and DS are written; glue is, when it is for the zone's own name servers.
    """
    node = tree.node(origin)
    soa = node.held.get("SOA") if node else None
    if node is None or not isinstance(soa, Soa):
        return None
    plain: list[RecordSet] = []
    services: list[RecordSet] = []
    for item in sorted(_shown(tree, origin, node), key=lambda item: item.rank):
        (services if item.owner.first[:1] == b"_" else plain).append(item)
    glue = sorted(_glue(tree, node.held), key=lambda item: item.rank)
    if any(_unwritable(item) for item in (*plain, *services)):
        return None
    lines = [tuple(_lines(item, origin, soa, tree.dialect) for item in block) for block in (plain, glue, services)]
    return arrange(origin, soa, Blocks(*lines))


def _lines(item: RecordSet, origin: Name, soa: Soa, dialect: Dialect) -> bytes:
    lines = item.lines(origin, soa.minimum)
    if item.type == "DNSKEY" and not dialect.folds_owners:  # the old primary has no tab after a key's name
        owner = item.owner.relative(origin)
        return b"".join(owner + line.removeprefix(owner + b"\t") for line in lines.splitlines(keepends=True))
    return lines


def _shown(tree: Tree, origin: Name, top: Node) -> Iterator[RecordSet]:
    """Yield what a zone transfer shows besides the SOA."""
    waiting = [(origin.key, top)]
    while waiting:
        key, node = waiting.pop()
        owner = tree.spelling.get(key) or Name(reversed(key))
        cut = node is not top and "NS" in node.held
        for kind, held in node.held.items():
            if isinstance(held, HeldSet) and (not cut or kind in {"NS", "DS"}):
                yield RecordSet(owner, held.ttl, held.data)
        if not cut:
            waiting += [((*key, label), below) for label, below in node.below.items()]


def _glue(tree: Tree, held: Held) -> Iterator[RecordSet]:
    servers = held.get("NS")
    for item in servers.data if isinstance(servers, HeldSet) else ():
        target: Name = item.order
        try:
            if tree.find(target, "A") is not None:
                continue
        except Delegated:
            pass
        found = tree.glue(target)
        for kind in ("A", "AAAA"):
            addresses = found.get(kind)
            if isinstance(addresses, HeldSet):
                yield RecordSet(target, addresses.ttl, addresses.data)


def _unwritable(item: RecordSet) -> bool:
    """A height below zero with centimetres stops the primary's writer."""
    return any(isinstance(data, LOC) and data.altitude < 10_000_000 and data.altitude % 100 for data in item.data)
