"""A zone: its name, its SOA and its record sets, held in the order in which its file is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import Key, RecordSet

__all__ = ["Blocks", "Soa", "Zone"]


@dataclass(frozen=True, slots=True)
class Soa:
    """How a zone is kept (RFC 1035 §3.3.13): seconds, but for the serial.

    `primary` is the first name server, `mailbox` a mail address whose first dot stands for the @. The
    primary uses `minimum` as the record's own TTL and as `$TTL` of every file that it writes; with it equal
    to the usual TTL, files stay short and their differences small.
    """

    primary: Name
    mailbox: Name
    serial: int
    refresh: int = 86400
    retry: int = 7200
    expire: int = 1048576
    minimum: int = 3600

    def with_serial(self, serial: int) -> Soa:
        return replace(self, serial=serial)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The three parts of a file below its SOA, each as the lines of one record set after the other."""

    plain: tuple[bytes, ...]
    glue: tuple[bytes, ...]
    services: tuple[bytes, ...]


class Zone:
    """A zone, immutable. Equal when origin, SOA and record sets are.

    `sets` hold everything but the SOA, sorted as files are: by name from the root down, then by type. That
    includes addresses of name servers outside the zone (glue), which ptt's primary keeps in the zone's file.
    `blocks` are its lines, rendered when the zone is made: a set that it shares with an earlier version of
    the zone brings its lines along.
    """

    __slots__ = ("_by_key", "_cuts", "_types", "blocks", "origin", "sets", "soa")

    origin: Name
    soa: Soa
    sets: tuple[RecordSet, ...]
    blocks: Blocks
    _by_key: dict[Key, RecordSet]
    _cuts: frozenset[tuple[bytes, ...]]
    _types: Mapping[tuple[bytes, ...], tuple[str, ...]] | None

    def __init__(self, origin: Name, soa: Soa, sets: Iterable[RecordSet]) -> None:
        """Raises ValueError when two sets have the same name and type."""
        ordered = tuple(sorted(sets, key=_rank))
        by_key = {item.key: item for item in ordered}
        if len(by_key) != len(ordered):
            raise ValueError("a zone has one record set of each name and type")
        cuts = (item.owner for item in ordered if item.type == "NS" and item.owner.below(origin))
        store = object.__setattr__
        store(self, "origin", origin)
        store(self, "soa", soa)
        store(self, "sets", ordered)
        store(self, "_by_key", by_key)
        store(self, "_cuts", frozenset(owner.key for owner in cuts))
        store(self, "_types", None)
        store(self, "blocks", self._arrange())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a zone does not change")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Zone):
            return NotImplemented
        return (self.origin, self.soa, self.sets) == (other.origin, other.soa, other.sets)

    def __hash__(self) -> int:
        return hash((self.origin, self.soa, self.sets))

    def __repr__(self) -> str:
        return f"Zone({self.origin}, serial {self.soa.serial}, {len(self.sets)} record sets)"

    def __reduce__(self) -> tuple[type[Zone], tuple[Name, Soa, tuple[RecordSet, ...]]]:
        return (Zone, (self.origin, self.soa, self.sets))

    @property
    def by_key(self) -> Mapping[Key, RecordSet]:
        """The sets by (owner, type)."""
        return self._by_key

    def get(self, owner: Name, record_type: str) -> RecordSet | None:
        """Return one record set, or None."""
        return self._by_key.get((owner, record_type))

    def types_at(self, name: Name) -> frozenset[str]:
        """Return the types of the sets of a name, the SOA not among them."""
        return frozenset(self._names().get(name.key, ()))

    def exists(self, name: Name) -> bool:
        """Whether the zone has records at or below a name."""
        return name == self.origin or name.key in self._names()

    def with_soa(self, soa: Soa) -> Zone:
        """Return the zone with another SOA. All else is shared: only the minimum shows in other lines."""
        if soa.minimum != self.soa.minimum:
            return Zone(self.origin, soa, self.sets)
        zone = object.__new__(Zone)
        for name in Zone.__slots__:
            object.__setattr__(zone, name, getattr(self, name))
        object.__setattr__(zone, "soa", soa)
        return zone

    def with_sets(self, changed: Iterable[RecordSet], removed: Iterable[Key] = ()) -> Zone:
        """Return the zone with sets added or replaced, and others taken away. Serial as it was."""
        sets = dict(self._by_key)
        for key in removed:
            sets.pop(key, None)
        sets.update((item.key, item) for item in changed)
        return Zone(self.origin, self.soa, sets.values())

    def delegation(self, name: Name) -> Name | None:
        """Return the highest delegated name at or above `name`, or None: the zone itself answers for it."""
        if self._cuts:
            for length in range(len(self.origin.key) + 1, len(name.key) + 1):
                if name.key[:length] in self._cuts:
                    return Name(reversed(name.key[:length]))
        return None

    def is_glue(self, owner: Name, record_type: str) -> bool:
        """Whether a set is in the file only to help others: it lies outside the zone, or at or below a
        delegation and is neither NS nor DS of it. No zone transfer shows such sets."""
        if not owner.within(self.origin):
            return True
        cut = self.delegation(owner)
        return cut is not None and (owner != cut or record_type not in {"NS", "DS"})

    def _names(self) -> Mapping[tuple[bytes, ...], tuple[str, ...]]:
        """The types at each name, also of names in between that have none; made when first asked for."""
        if self._types is None:
            types: dict[tuple[bytes, ...], tuple[str, ...]] = {}
            for item in self.sets:
                key = item.owner.key
                types[key] = (*types.get(key, ()), item.type)
                if item.owner.within(self.origin):
                    for length in range(len(self.origin.key) + 1, len(key)):
                        types.setdefault(key[:length], ())
            object.__setattr__(self, "_types", types)
        return self._types or {}

    def _arrange(self) -> Blocks:
        """The primary's order: names, then glue, then names with an underscore first. It forgets glue
        below delegations when it writes the file; we write that too, among the other glue."""
        plain: list[RecordSet] = []
        glue: list[RecordSet] = []
        services: list[RecordSet] = []
        for item in self.sets:
            if self.is_glue(item.owner, item.type):
                glue.append(item)
            elif item.owner.first[:1] == b"_":
                services.append(item)
            else:
                plain.append(item)
        again = self._repeated_addresses()
        glue = sorted((*glue, *again), key=_rank) if again else glue
        return Blocks(*(self._render(block) for block in (plain, glue, services)))

    def _repeated_addresses(self) -> list[RecordSet]:
        """The AAAA sets of the zone's name servers without an A: the primary writes them as glue too."""
        servers = self.get(self.origin, "NS")
        targets = {item.order for item in servers.data} if servers else set()
        found = (self.get(target, "AAAA") for target in targets if self.get(target, "A") is None)
        return [item for item in found if item is not None and not self.is_glue(item.owner, item.type)]

    def _render(self, block: Iterable[RecordSet]) -> tuple[bytes, ...]:
        return tuple([item.lines(self.origin, self.soa.minimum) for item in block])


def _rank(item: RecordSet) -> tuple[tuple[bytes, ...], int]:
    return item.rank
