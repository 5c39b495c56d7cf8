"""What the primary holds in memory: zones and keys, from the top-level files of zone.git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import dns.rdatatype

from tenants.formats.zones.keyfile import Right, TsigKey, read_keys, scope_of
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.tree import Node, Tree
from tenants.formats.zones.primary.verdict import serve
from tenants.formats.zones.primary.write_back import write_back
from tenants.formats.zones.zone import Soa

__all__ = [
    "Found",
    "Held",
    "copied",
    "file_zone",
    "held_zones",
    "is_key_file",
    "load",
    "may",
    "may_be_zone",
    "type_name",
]

_KEYS = b"_keys"
_RIGHTS = {Right.UPDATE: 3, Right.TRANSFER: 2, Right.NOTIFY: 1}


@dataclass(frozen=True)
class Held:
    """Zones and keys at one moment. The tree is never changed: an update makes a copy."""

    tree: Tree = field(default_factory=lambda: Tree(NEW), repr=False)
    keys: Mapping[Name, TsigKey] = field(default_factory=dict, repr=False)

    def soa(self, zone: Name) -> Soa | None:
        node = self.tree.node(zone)
        found = node.held.get("SOA") if node else None
        return found if isinstance(found, Soa) else None

    def zones(self) -> list[Name]:
        return list(held_zones(self.tree))

    def file(self, zone: Name) -> bytes | None:
        """The file that the primary writes for a zone; None where it fails to."""
        return write_back(self.tree, zone)


@dataclass(frozen=True)
class Found:
    """What a look at the files gave, and the lines that it wrote to the console: (level, text)."""

    held: Held
    said: tuple[tuple[str, str], ...]


def load(files: Mapping[bytes, bytes]) -> Found:
    """Read all files as the primary does at boot and at every pull. Whatever it cannot use is ignored and
    copied into its console: the secrets of a broken key file too."""
    said: list[tuple[str, str]] = []
    keys: dict[Name, TsigKey] = {}
    zones: dict[Name, bytes] = {}
    for name, content in sorted(files.items()):
        if is_key_file(name):
            _read_keys(name, content, keys, said)
        elif may_be_zone(name):
            zones[_lower(name)] = content
    serving = serve(zones)
    for zone, verdict in serving.rejected.items():
        where = f" (line {verdict.line})" if verdict.line else ""
        said.append(("warn", f"ignoring zone {zone.short}{where}: {verdict.reason}"))
        said += _dumped(zones[zone])
    for zone, names in serving.dropped.items():
        if names:
            said.append(("warn", f"{zone.short} has names of other zones, which are ignored: {len(names)}"))
    return Found(Held(serving.tree, keys), tuple(said))


def is_key_file(name: bytes) -> bool:
    """Whether a file holds keys: its name is, or ends in, the label `_keys`."""
    return may_be_zone(name) and name.lower().split(b".")[-1] == _KEYS


def may_be_zone(name: bytes) -> bool:
    """Whether a file's name is a domain name; other files are never looked at, nor touched."""
    try:
        Name(name.removesuffix(b".").split(b"."))
    except ValueError:
        return False
    return True


def file_zone(name: bytes) -> Name:
    """The zone that a file's name stands for. Raises ValueError for other names."""
    return _lower(name)


def may(key: TsigKey, right: Right, name: Name) -> bool:
    """Whether a key gives a right for a name. Update includes transfer, and transfer notify."""
    scope = scope_of(key.name)
    return bool(scope) and _RIGHTS[scope[0]] >= _RIGHTS[right] and name.within(scope[1]) if scope else False


def held_zones(tree: Tree) -> Iterator[Name]:
    """Yield the names with an SOA, from the root down."""
    waiting: list[tuple[tuple[bytes, ...], Node]] = [((), tree.root)]
    while waiting:
        key, node = waiting.pop()
        if "SOA" in node.held:
            yield Name(reversed(key))
        waiting += [((*key, label), below) for label, below in node.below.items()]


def type_name(number: dns.rdatatype.RdataType) -> str:
    """A type as the primary knows it: by name, or as TYPE and a number; ANY for all."""
    text = dns.rdatatype.to_text(number)
    return text if text in NEW.types or text == "ANY" else f"TYPE{int(number)}"


def copied(tree: Tree) -> Tree:
    """A copy of which the names can be changed; record sets are shared and must be replaced, not changed."""
    made = Tree(tree.dialect)
    made.root = _copied(tree.root)
    made.spelling = dict(tree.spelling)
    return made


def _copied(node: Node) -> Node:
    return Node(dict(node.held), {label: _copied(below) for label, below in node.below.items()})


def _read_keys(name: bytes, content: bytes, keys: dict[Name, TsigKey], said: list[tuple[str, str]]) -> None:
    zone = Name(_lower(name).labels[:-1])
    try:
        found = read_keys(content, zone)
    except UnreadableError as error:
        said.append(("warn", f"ignoring keys of {zone.short}: {error.reason}"))
        said += _dumped(content)
        return
    said += [("warn", f"ignoring key: {reason}") for reason in found.ignored]
    for key in found.keys:
        if key.name in keys:
            said.append(("warn", f"key {key.name.short} is there twice; the last one counts"))
        keys[key.name] = key


def _dumped(content: bytes) -> list[tuple[str, str]]:
    return [("warn", line) for line in content.decode("latin-1").splitlines()[:100]]


def _lower(name: bytes) -> Name:
    return Name(name.removesuffix(b".").lower().split(b"."))
