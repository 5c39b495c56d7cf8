"""The primary's checks of its whole tree, made after each zone file: one failure, and the file is ignored.

Delegations need no address, an exchanger or the zone's own name server inside the zone does; a CNAME stands
alone; no TTL from 2^31 on; text is not empty; the SOA's first server is a host name.
"""

from __future__ import annotations

from tenants.formats.text import printable
from tenants.formats.zones.cursor import host_problem
from tenants.formats.zones.data import MX, NS, TXT
from tenants.formats.zones.holding import BrokenRuleError, Delegated, Held, HeldSet, Node, Tree
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import MAX_TTL, type_rank
from tenants.formats.zones.zone import Soa

__all__ = ["check_tree"]

_Key = tuple[bytes, ...]
"""A name from the root down, as `Name.key`: cheap for the thousands of names that pass."""


def check_tree(tree: Tree) -> None:
    """Raise BrokenRuleError for the first rule that the tree breaks, in the primary's order."""
    waiting: list[tuple[_Key, Node, _Key | None]] = [((), tree.root, None)]
    while waiting:
        key, node, zone = waiting.pop()
        if "SOA" in node.held:
            zone = key
        elif "NS" in node.held:
            zone = None
        if node.held:
            _check_name(tree, key, node.held, key if zone is None else zone)
        waiting += [((*key, label), node.below[label], zone) for label in sorted(node.below, reverse=True)]


def _check_name(tree: Tree, key: _Key, held: Held, domain: _Key) -> None:
    if "CNAME" in held and len(held) > 1:
        raise BrokenRuleError(f"{_shown(key)} is an alias (CNAME) and has other records too.")
    for kind in sorted(held, key=type_rank) if len(held) > 1 else held:
        item = held[kind]
        if isinstance(item, Soa):
            problem = host_problem(item.primary)
            if problem:
                raise BrokenRuleError(f"The first name server of the SOA: {problem}")
            continue
        if item.ttl > MAX_TTL:
            raise BrokenRuleError(f"The TTL of {_shown(key)} {kind} is longer than {MAX_TTL} seconds.")
        if kind in {"NS", "MX"}:
            _check_addresses(tree, item, domain)
        if kind == "TXT" and not any(text.value for text in item.data if isinstance(text, TXT)):
            raise BrokenRuleError(f"{_shown(key)} has a TXT record without text.")


def _check_addresses(tree: Tree, held: HeldSet, domain: _Key) -> None:
    for item in sorted(held.data, key=lambda item: item.order):
        if not isinstance(item, NS | MX) or item.target.key[: len(domain)] != domain:
            continue
        if not _has_address(tree, item.target):
            raise BrokenRuleError(
                f"{_shown(item.target.key)} has no address in the zone, but {item.type} records point to it."
            )


def _has_address(tree: Tree, name: Name) -> bool:
    try:
        return tree.find(name, "A") is not None or tree.find(name, "AAAA") is not None
    except Delegated:
        return True


def _shown(key: _Key) -> str:
    return printable(Name(reversed(key)).short, 260)
