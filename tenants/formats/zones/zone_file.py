"""A zone as a file, byte for byte as ptt's primary would write it back, and a zone from any file.

The primary regenerates a zone's file at every dynamic update. So Rookery writes the very same shape: a
machine's commit then shows what the machine changed and nothing else, and a changed record set changes its
own lines only. (The SOA's minimum is also the file's `$TTL`: with another minimum, lines that named no TTL
name theirs.)
"""

from __future__ import annotations

from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW, Dialect
from tenants.formats.zones.primary.errors import BrokenRuleError
from tenants.formats.zones.primary.reader import read_records
from tenants.formats.zones.primary.tree import HeldSet, collect, no_soa
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Blocks, Soa, Zone

__all__ = ["arrange", "emit", "read_zone", "soa_line"]


def emit(zone: Zone) -> bytes:
    """Return the zone's file. The primary can read it if `check_zone` lets the zone pass."""
    return arrange(zone.origin, zone.soa, zone.blocks)


def read_zone(data: bytes, origin: Name, dialect: Dialect = NEW) -> Zone:
    """Return the zone that a file holds, glue included.

    Addresses outside the zone are kept when they belong to its name servers; other records outside are left
    out, as the primary does. Raises UnreadableError where the primary cannot read the file, and
    BrokenRuleError when it has no SOA of its own or one of a zone below. Other rules are not looked at: that
    is what `judge` and `check_zone` are for.
    """
    names = collect(read_records(data, dialect))
    top = names.get(origin, {})
    soa, servers = top.get("SOA"), top.get("NS")
    if not isinstance(soa, Soa):
        raise no_soa(origin)
    glued = {item.order for item in servers.data} if isinstance(servers, HeldSet) else set()
    sets: list[RecordSet] = []
    for owner, held in names.items():
        inside = owner.within(origin)
        for kind, item in held.items():
            if isinstance(item, HeldSet):
                if inside or (owner in glued and kind in {"A", "AAAA"}):
                    sets.append(RecordSet(owner, item.ttl, item.data))
            elif inside and owner != origin:
                raise BrokenRuleError(
                    f"The file holds another zone, {owner.short}.",
                    "Put that zone into a file of its own.",
                )
    return Zone(origin, soa, sets)


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
