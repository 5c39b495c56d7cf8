"""A zone's file, byte for byte as ptt's primary would write it back.

The primary regenerates a zone's file at every dynamic update. So Rookery writes the very same shape: a
machine's commit then shows what the machine changed and nothing else, and a changed record set changes its
own lines only. (The SOA's minimum is also the file's `$TTL`: with another minimum, lines that named no TTL
name theirs.)
"""

from __future__ import annotations

from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Blocks, Soa, Zone

__all__ = ["arrange", "emit"]


def emit(zone: Zone) -> bytes:
    """Return the zone's file. The primary can read it if `check_zone` lets the zone pass."""
    return arrange(zone.origin, zone.soa, zone.blocks)


def arrange(origin: Name, soa: Soa, blocks: Blocks) -> bytes:
    """Return a file in the primary's arrangement: head, names, an empty line, glue, two empty lines, and
    the names that begin with an underscore."""
    return b"".join((_head(origin, soa), *blocks.plain, b"\n", *blocks.glue, b"\n\n", *blocks.services))


def _head(origin: Name, soa: Soa) -> bytes:
    minimum = soa.minimum if soa.minimum < 2**31 else soa.minimum - 2**32  # printed signed there
    numbers = (soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
    return b"$ORIGIN %s\n$TTL %d\n@\tSOA\t%s\t%s\t%s\n" % (
        origin.absolute,
        minimum,
        soa.primary.relative(origin),
        soa.mailbox.relative(origin),
        b"\t".join(b"%d" % number for number in numbers),
    )
