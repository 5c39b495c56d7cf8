"""A zone from its file: what Rookery wrote, and what the primary or a person wrote."""

from __future__ import annotations

from tenants.formats.text import printable
from tenants.formats.zones.dialect import NEW, Dialect
from tenants.formats.zones.holding import BrokenRuleError, HeldSet, collect
from tenants.formats.zones.names import Name
from tenants.formats.zones.reader import read_records
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Soa, Zone

__all__ = ["read_zone"]


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
        raise BrokenRuleError(f"The file has no SOA record for {printable(origin.short, 260)}.")
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
                    f"The file holds another zone, {printable(owner.short, 260)}, which needs its own file."
                )
    return Zone(origin, soa, sets)
