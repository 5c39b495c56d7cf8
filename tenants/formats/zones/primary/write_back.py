"""The file that ptt's primary writes for a zone after a dynamic update, from what it holds in memory."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.data.location import LOC
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.tree import Delegated, Held, HeldSet, Node, Tree
from tenants.formats.zones.record_set import RecordSet, type_rank
from tenants.formats.zones.zone import Blocks, Soa
from tenants.formats.zones.zone_file import arrange, soa_line

__all__ = ["transferred", "write_back"]


def write_back(tree: Tree, origin: Name) -> bytes | None:
    """Return the file of a zone that the tree serves, or None where the primary fails to write one.

    Below a delegation only its NS and DS are written; glue is, when it is for the zone's own name servers.
    """
    top = tree.node(origin)
    soa = top.held.get("SOA") if top else None
    if top is None or not isinstance(soa, Soa):
        return None
    plain: list[bytes] = []
    services: list[bytes] = []
    for owner, held in sorted(transferred(tree, origin, top), key=lambda item: item[0].key):
        block = services if owner.first[:1] == b"_" else plain
        for kind in sorted(held, key=type_rank):
            lines = _lines(owner, held[kind], origin, soa.minimum, tree.dialect)
            if lines is None:
                return None
            block.append(lines)
    glue = [
        item.lines(origin, soa.minimum) for item in sorted(_glue(tree, top.held), key=lambda item: item.rank)
    ]
    return arrange(origin, soa, Blocks(tuple(plain), tuple(glue), tuple(services)))


def transferred(tree: Tree, origin: Name, top: Node) -> Iterator[tuple[Name, Held]]:
    """Yield, by name, what a zone transfer shows besides the zone's SOA; `top` is the node of `origin`."""
    waiting = [(origin.key, top)]
    while waiting:
        key, node = waiting.pop()
        owner = tree.spelling.get(key) or Name(reversed(key))
        if node is top:
            yield owner, {kind: held for kind, held in node.held.items() if kind != "SOA"}
        elif "NS" in node.held:
            yield owner, {kind: held for kind, held in node.held.items() if kind in {"NS", "DS"}}
            continue
        else:
            yield owner, node.held
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


def _lines(owner: Name, held: HeldSet | Soa, origin: Name, usual_ttl: int, dialect: Dialect) -> bytes | None:
    """Return the lines of one set, or None where the primary's writer stops."""
    if isinstance(held, Soa):
        return soa_line(owner, held, origin, usual_ttl)
    if not all(data.writable for data in held.data if isinstance(data, LOC)):
        return None
    item = RecordSet(owner, held.ttl, held.data)
    lines = item.lines(origin, usual_ttl)
    if item.type == "DNSKEY" and not dialect.folds_owners:  # the old primary has no tab after a key's name
        name = owner.relative(origin)
        return b"".join(name + line.removeprefix(name + b"\t") for line in lines.splitlines(keepends=True))
    return lines
