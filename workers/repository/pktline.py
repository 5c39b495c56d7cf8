"""Git's pkt-line framing (gitprotocol-common), read from a hostile stream with bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from workers.repository.errors import RepositoryError

LONGEST = 65_520
FLUSH = b"0000"
_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class Readable(Protocol):
    def read_exactly(self, size: int) -> bytes: ...


def pkt(payload: bytes) -> bytes:
    """One framed line."""
    return b"%04x%s" % (len(payload) + 4, payload)


def read_pkt(stream: Readable) -> bytes | None:
    """The next line, or None for a flush. Raises RepositoryError for what is no pkt-line."""
    return read_pkt_after(stream.read_exactly(4), stream)


def read_pkt_after(head: bytes, stream: Readable) -> bytes | None:
    """The same when its four digits were read already."""
    if not _DIGITS.issuperset(head):
        raise RepositoryError("the answer is not git's; does this account print a greeting?")
    size = int(head, 16)
    if size == 0:
        return None
    if not 4 <= size <= LONGEST:
        raise RepositoryError("the answer is not git's: a line has an impossible length")
    return stream.read_exactly(size - 4)


def read_lines(stream: Readable, *, at_most: int) -> Iterator[bytes]:
    """Lines up to the next flush, without their line ends."""
    for _ in range(at_most):
        line = read_pkt(stream)
        if line is None:
            return
        yield line.rstrip(b"\n")
    raise RepositoryError(f"the repository lists more than {at_most} references")
