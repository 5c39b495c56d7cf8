"""Domain names: labels of bytes, compared without regard to ASCII case (RFC 1034 §3.1, RFC 4343).

A `Name` can hold whatever a zone file can say; which names Rookery publishes is decided in `rules.names`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import total_ordering

from tenants.formats.text import printable

__all__ = ["MAX_LABEL", "MAX_NAME", "ROOT", "Name"]

MAX_LABEL = 63
"""Bytes of one label (RFC 1035 §2.3.4)."""
MAX_NAME = 255
"""Bytes of a name on the wire, with a length byte for every label and the root (RFC 1035 §2.3.4)."""

MAX_SHOWN = 260
"""Characters of a name in a sentence; escapes can make a name longer than that."""

_store = object.__setattr__


@total_ordering
class Name:
    """An absolute domain name; immutable, hashable, ordered as the primary sorts zone files.

    `labels` are in the order people write them, without the root and in the case they were written; `key`
    holds them from the root down in lower case. Names are equal when their keys are, and sort by them: a
    name stands before all names below it.
    """

    __slots__ = ("key", "labels")

    labels: tuple[bytes, ...]
    key: tuple[bytes, ...]

    def __init__(self, labels: Iterable[bytes]) -> None:
        """Raises ValueError when a label is empty or longer than 63 bytes, or the name than 255."""
        written = tuple(labels)
        joined = b".".join(written)
        if written and (not all(written) or max(map(len, written)) > MAX_LABEL):
            raise ValueError("a label has 1 to 63 bytes")
        if len(joined) + 2 > MAX_NAME and written:
            raise ValueError("a name has at most 255 bytes on the wire")
        folded = joined.lower().split(b".") if written else []
        if len(folded) != len(written):  # a dot inside a label
            folded = [label.lower() for label in written]
        folded.reverse()
        _store(self, "labels", written)
        _store(self, "key", tuple(folded))

    @classmethod
    def of(cls, text: str) -> Name:
        """Return the name written as `text`, absolute with or without its last dot; no escapes.

        Raises ValueError for what cannot be a name and for text that is not Latin-1.
        """
        stripped = text.removesuffix(".")
        return cls(stripped.encode("latin-1").split(b".")) if stripped else ROOT

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a name does not change")

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Name) else NotImplemented

    def __lt__(self, other: Name) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Name({str(self)!r})"

    def __str__(self) -> str:
        """The absolute name with its last dot; bytes beyond ASCII as Latin-1."""
        return self.absolute.decode("latin-1")

    def __reduce__(self) -> tuple[type[Name], tuple[tuple[bytes, ...]]]:
        return (Name, (self.labels,))

    @property
    def absolute(self) -> bytes:
        """The name with its last dot; the root is a dot."""
        return b".".join(self.labels) + b"."

    @property
    def short(self) -> str:
        """The name as sentences show it: without its last dot, in harmless characters."""
        return printable(str(self).removesuffix("."), MAX_SHOWN) or "."

    @property
    def first(self) -> bytes:
        """The left-most label in lower case; nothing for the root."""
        return self.key[-1] if self.key else b""

    @property
    def lower(self) -> Name:
        """The same name written in lower case."""
        return Name(reversed(self.key))

    def within(self, domain: Name) -> bool:
        """Whether this is `domain` or a name below it."""
        return self.key[: len(domain.key)] == domain.key

    def below(self, domain: Name) -> bool:
        """Whether this is a name below `domain`, and not `domain` itself."""
        return len(self.key) > len(domain.key) and self.within(domain)

    def ancestors(self) -> Iterable[Name]:
        """Yield the names above this one, the nearest first, the root last."""
        for cut in range(1, len(self.labels) + 1):
            yield Name(self.labels[cut:])

    def relative(self, origin: Name) -> bytes:
        """Return the name as the primary writes it in the zone of `origin`: `@`, a name without a last
        dot, or the absolute name when it lies outside. The root becomes nothing at all outside a zone of
        its own, which no parser can read: such data is refused in `rules.data`."""
        if not self.within(origin):
            return self.absolute if self.labels else b""
        count = len(self.labels) - len(origin.key)
        return b".".join(self.labels[:count]) if count else b"@"


ROOT = Name(())
