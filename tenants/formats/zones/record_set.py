"""Record sets: all records of one name and type. They share a TTL and change together (RFC 2181 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name

__all__ = ["DEFAULT_TTL", "MAX_TTL", "Key", "RecordSet", "type_rank"]

DEFAULT_TTL = 3600
"""Seconds, where a file says none; the primary's choice and the blog's."""
MAX_TTL = 2**31 - 1
"""Seconds (RFC 2181 §8). The primary rejects a zone with a longer one."""

Key = tuple[Name, str]
"""What names a record set: its owner and type."""

_WRITTEN_FIRST = "SOA NS MX CNAME A AAAA PTR SRV SVCB HTTPS DNSKEY CAA TLSA SSHFP TXT DS LOC"
_RANKS = {name: rank for rank, name in enumerate(_WRITTEN_FIRST.split())}


def type_rank(record_type: str) -> int:
    """Return where the primary writes records of a type, among the records of one name.

    Types that it does not know come last, by number.
    """
    rank = _RANKS.get(record_type)
    return len(_RANKS) + int(record_type.removeprefix("TYPE")) if rank is None else rank


class RecordSet:
    """Records of one owner and type; immutable, equal when owner, TTL and the set of data are.

    `data` is kept without repetitions in the order in which the primary writes it: the greatest first.
    """

    __slots__ = ("_line_memo", "data", "owner", "ttl", "type")

    owner: Name
    type: str
    ttl: int
    data: tuple[Data, ...]
    _line_memo: tuple[Name, int, bytes] | None

    def __init__(self, owner: Name, ttl: int, data: Iterable[Data]) -> None:
        """`ttl` in seconds. Raises ValueError when there is no data, or data of several types."""
        distinct = tuple(dict.fromkeys(data))
        types = {item.type for item in distinct}
        if len(types) != 1:
            raise ValueError("a record set has records, all of one type")
        if len(distinct) > 1:
            distinct = tuple(sorted(distinct, key=_order, reverse=True))
        store = object.__setattr__
        store(self, "owner", owner)
        store(self, "type", types.pop())
        store(self, "ttl", ttl)
        store(self, "data", distinct)
        store(self, "_line_memo", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a record set does not change")

    @property
    def key(self) -> Key:
        return self.owner, self.type

    @property
    def rank(self) -> tuple[tuple[bytes, ...], int]:
        """Where the set stands in its zone: by name, then by type."""
        return self.owner.key, type_rank(self.type)

    def lines(self, origin: Name, usual_ttl: int) -> bytes:
        """Return the set's lines as the primary writes them in the zone of `origin`.

        A TTL equal to `usual_ttl` (the zone's `$TTL`) is left out. Kept, because zones change a few sets
        at a time.
        """
        memo = self._line_memo
        if memo is not None and memo[1] == usual_ttl and memo[0] == origin:
            return memo[2]
        ttl = b"" if self.ttl == usual_ttl else b"%d\t" % self.ttl
        extra = b"\t" if self.type == "DNSKEY" else b""  # the primary's own slip, see `DNSKEY`
        head = b"%s\t%s%s%s\t" % (self.owner.relative(origin), ttl, extra, self.type.encode())

        def name(target: Name) -> bytes:
            return target.relative(origin)

        text = b"".join([b"%s%s\n" % (head, item.text(name)) for item in self.data])
        object.__setattr__(self, "_line_memo", (origin, usual_ttl, text))
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordSet):
            return NotImplemented
        return self.key == other.key and self.ttl == other.ttl and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.owner, self.type, self.ttl, self.data))

    def __repr__(self) -> str:
        return f"RecordSet({self.owner}, {self.ttl}, {self.data!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (RecordSet, (self.owner, self.ttl, self.data))


def _order(item: Data) -> Any:
    return item.order
