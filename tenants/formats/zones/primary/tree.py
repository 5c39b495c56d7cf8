"""What ptt's primary keeps in memory: one tree of names, filled from files.

Only what decides whether a zone is served, and what is written back, is modelled; answering queries is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tenants.formats.zones.data.services import SVCB
from tenants.formats.zones.data.simple import CAA, MX, NS, TXT, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.cursor import host_problem
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.errors import BrokenRuleError
from tenants.formats.zones.primary.reader import Record
from tenants.formats.zones.record_set import MAX_TTL, type_rank
from tenants.formats.zones.zone import Soa

__all__ = ["Delegated", "Held", "HeldSet", "Node", "Tree", "check_tree", "collect", "no_soa"]

_ONE_ONLY = {"CNAME", "PTR", "LOC"}
"""Types of which the primary keeps one record for each name: the first of a file."""
_Key = tuple[bytes, ...]
"""A name from the root down, as `Name.key`: cheap for the thousands of names that pass."""


@dataclass(slots=True)
class HeldSet:
    """The records of one name and type as the primary has them, in the order of the file."""

    ttl: int
    data: dict[Data, None]


Held = dict[str, "HeldSet | Soa"]
"""By type, what the primary has at one name."""


@dataclass(slots=True)
class Node:
    """A name of the tree: what is at it, and the names one label below."""

    held: Held = field(default_factory=dict)
    below: dict[bytes, Node] = field(default_factory=dict)


class Delegated(Exception):
    """The name asked for is below a delegation."""


class Tree:
    """Names of all zones. A look-up follows the primary's, wildcards included."""

    def __init__(self, dialect: Dialect) -> None:
        self.root = Node()
        self.dialect = dialect
        self.spelling: dict[tuple[bytes, ...], Name] = {}
        """Owners as they are written back: the old primary keeps their case."""

    def insert(self, names: Mapping[Name, Held]) -> None:
        """Add what a file holds. Raises BrokenRuleError for names that the primary cannot sort in."""
        for name in sorted(names, key=lambda name: name.key):
            owner = self._canonical(name) if self.dialect.folds_owners else name
            node = self.root
            for label in owner.key:
                node = node.below.setdefault(label, Node())
            self.spelling[owner.key] = owner
            for kind, held in names[name].items():
                node.held[kind] = _united(kind, node.held.get(kind), held)

    def node(self, name: Name) -> Node | None:
        """Return the node of exactly this name, or None."""
        node: Node | None = self.root
        for label in name.key:
            node = node.below.get(label) if node else None
        return node

    def find(self, name: Name, kind: str) -> HeldSet | Soa | None:
        """Return a set as a query would find it, or None when there is none.

        Raises Delegated when another server answers for the name.
        """
        node, authority = self._walk(name)
        if authority == "NS":
            raise Delegated
        return node.held.get(kind) if node and authority else None

    def answers_for(self, name: Name) -> bool:
        """Whether a zone of the tree is responsible for a name."""
        return self._walk(name)[1] == "SOA"

    def glue(self, name: Name) -> Held:
        """Return what is at a name, or at the wildcard that covers it, whoever answers for it."""
        node, _ = self._walk(name)
        return node.held if node else {}

    def _walk(self, name: Name) -> tuple[Node | None, str]:
        """Return the node for `name`, and SOA or NS: whose answer it is, by the nearest name that has one."""
        node, authority = self.root, ""
        for label in (*name.key, None):
            authority = "SOA" if "SOA" in node.held else "NS" if "NS" in node.held else authority
            if label is None:
                break
            step = node.below.get(label)
            if step is None:
                return (node.below.get(b"*") if authority == "SOA" else None), authority
            node = step
        return node, authority

    def _canonical(self, name: Name) -> Name:
        if name.key == name.labels[::-1] and not any(b"." in label for label in name.labels):
            return name
        try:
            return Name(b".".join(name.labels).lower().split(b".")) if name.labels else name
        except ValueError:
            raise BrokenRuleError(
                f"{name.short} has a dot inside a label, which stops the primary altogether.",
                "Choose another name.",
            ) from None


def no_soa(origin: Name) -> BrokenRuleError:
    """Return the error for a file without an SOA of its own zone, which is no zone for the primary."""
    return BrokenRuleError(
        f"The file has no SOA record for {origin.short}.",
        f"Begin it with “$ORIGIN {origin.short}.” and an SOA record; without $ORIGIN, names end at the root.",
    )


def collect(records: Iterable[Record]) -> dict[Name, Held]:
    """Return the records of one file by name. The first TTL of a set counts for all of it.

    Raises BrokenRuleError for records that the primary cannot compare.
    """
    found: dict[Name, Held] = {}
    for record in records:
        held = found[record.owner] = found.pop(record.owner, {})  # the name as written last
        if isinstance(record.data, Soa):
            held.setdefault("SOA", record.data)
            continue
        kind = record.data.type
        known = held.get(kind)
        if isinstance(known, HeldSet):
            _add(known, record.data)
        else:
            held[kind] = HeldSet(record.ttl, {record.data: None})
    return found


def _united(kind: str, known: HeldSet | Soa | None, added: HeldSet | Soa) -> HeldSet | Soa:
    if isinstance(added, HeldSet) and isinstance(known, HeldSet) and kind not in _ONE_ONLY:
        return HeldSet(added.ttl, known.data | added.data)
    return added


def _add(known: HeldSet, item: Data) -> None:
    if item.type in _ONE_ONLY:
        return
    if _parts(item) != _parts(next(iter(known.data))):
        raise BrokenRuleError(
            f"{item.type} records of one name must have the same number of parts: the primary cannot compare"
            " others, and gives up on the file.",
            "Give each the same number of parts.",
        )
    known.data.setdefault(item)


def _parts(item: Data) -> int:
    return len(item.value) if isinstance(item, CAA) else len(item.parameters) if isinstance(item, SVCB) else 0


def check_tree(tree: Tree) -> None:
    """Raise BrokenRuleError for the first rule that the tree breaks, in the primary's order.

    It does so after each file, and ignores the file. Delegations need no address, an exchanger or the zone's
    own name server inside the zone does; a CNAME stands alone; no TTL from 2^31 on; text is not empty; the
    SOA's first server is a host name.
    """
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
        raise BrokenRuleError(
            f"{_shown(key)} is an alias (CNAME) and has other records too.",
            "Remove the alias, or the other records.",
        )
    for kind in sorted(held, key=type_rank) if len(held) > 1 else held:
        item = held[kind]
        if isinstance(item, Soa):
            problem = host_problem(item.primary)
            if problem:
                raise BrokenRuleError(f"The first name server of the SOA: {problem}", "Name a host.")
            continue
        if item.ttl > MAX_TTL:
            raise BrokenRuleError(
                f"The TTL of {_shown(key)} {kind} is longer than {MAX_TTL} seconds.", "Write a shorter TTL."
            )
        if kind in {"NS", "MX"}:
            _check_addresses(tree, item, domain)
        if kind == "TXT" and not any(text.value for text in item.data if isinstance(text, TXT)):
            raise BrokenRuleError(
                f"{_shown(key)} has a TXT record without text.", "Write some text, or remove the record."
            )


def _check_addresses(tree: Tree, held: HeldSet, domain: _Key) -> None:
    for item in sorted(held.data, key=lambda item: item.order):
        if not isinstance(item, NS | MX) or item.target.key[: len(domain)] != domain:
            continue
        if not _has_address(tree, item.target):
            raise BrokenRuleError(
                f"{_shown(item.target.key)} has no address in the zone, but {item.type} records point to it.",
                f"Add an A or AAAA record for it, or correct the {item.type} record. (A name that ends in the"
                " domain's own name twice lacks its last dot.)",
            )


def _has_address(tree: Tree, name: Name) -> bool:
    try:
        return tree.find(name, "A") is not None or tree.find(name, "AAAA") is not None
    except Delegated:
        return True


def _shown(key: _Key) -> str:
    return Name(reversed(key)).short
