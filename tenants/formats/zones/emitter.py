"""A zone's file, byte for byte as ptt's primary would write it back.

The primary regenerates a zone's file at every dynamic update. So Rookery writes the very same shape: a
machine's commit then shows what the machine changed and nothing else, and a changed record set changes its
own lines only. (The SOA's minimum is also the file's `$TTL`: with another minimum, lines that named no TTL
name theirs.)
"""

from __future__ import annotations

from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Blocks, Soa, Zone

__all__ = ["arrange", "emit", "soa_line"]


def emit(zone: Zone) -> bytes:
    """Return the zone's file. The primary can read it if `check_zone` lets the zone pass."""
    return arrange(zone.origin, zone.soa, zone.blocks)


def arrange(origin: Name, soa: Soa, blocks: Blocks) -> bytes:
    """Return a file in the primary's arrangement: head, names, an empty line, glue, two empty lines, and
    the names that begin with an underscore."""
    minimum = soa.minimum if soa.minimum < 2**31 else soa.minimum - 2**32  # printed signed there
    head = b"$ORIGIN %s\n$TTL %d\n%s" % (origin.absolute, minimum, soa_line(origin, soa, origin, soa.minimum))
    return b"".join((head, *blocks.plain, b"\n", *blocks.glue, b"\n\n", *blocks.services))


def soa_line(owner: Name, soa: Soa, origin: Name, usual_ttl: int) -> bytes:
    """Return the line of an SOA, whose TTL is always its minimum, in the zone of `origin`."""
    ttl = b"" if soa.minimum == usual_ttl else b"%d\t" % soa.minimum
    numbers = (soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
    return b"%s\t%sSOA\t%s\t%s\t%s\n" % (
        owner.relative(origin),
        ttl,
        soa.primary.relative(origin),
        soa.mailbox.relative(origin),
        b"\t".join(b"%d" % number for number in numbers),
    )
