"""How the record sets of a zone stand together: aliases, name servers, exchangers, delegations and glue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.rules.problem import Problem
from tenants.formats.zones.zone import Zone

__all__ = ["has_address", "structure_problems"]

_AT_CUT = {"NS", "DS"}
_ADDRESSES = ("A", "AAAA")

Targets = Mapping[Name, set[Name]]
"""The name servers of each name that has any."""


def structure_problems(zone: Zone) -> Iterator[Problem]:
    """Yield what is wrong between sets that are each well-formed."""
    yield from _servers(zone)
    targets = {item.owner: {data.order for data in item.data} for item in zone.sets if item.type == "NS"}
    for item in zone.sets:
        if not item.owner.within(zone.origin):
            yield from _outside(zone, item, targets)
            continue
        yield from _alias(zone, item)
        yield from _at_delegation(zone, item, targets)
        if item.type in {"MX", "NS", "SRV"}:
            yield from _targets(zone, item)


def has_address(zone: Zone, name: Name, *, wildcards: bool = True) -> bool:
    """Whether the zone's file gives a name an address, by itself or by a wildcard that covers it."""
    if any(zone.get(name, kind) for kind in _ADDRESSES):
        return True
    return wildcards and any(zone.get(star, kind) for star in _wildcards(zone, name) for kind in _ADDRESSES)


def _wildcards(zone: Zone, name: Name) -> Iterator[Name]:
    """Yield the wildcard that covers a name: the one below its nearest name in the zone (RFC 4592 §3.3.1)."""
    if zone.exists(name):
        return
    for above in name.ancestors():
        if zone.exists(above) or above == zone.origin:
            yield Name((b"*", *above.labels))
            return


def _servers(zone: Zone) -> Iterator[Problem]:
    if zone.get(zone.origin, "NS") is None:
        yield Problem(
            zone.origin,
            "NS",
            "The zone has no name servers.",
            "Add an NS record for each of its name servers.",
        )


def _outside(zone: Zone, item: RecordSet, targets: Targets) -> Iterator[Problem]:
    if item.type in _ADDRESSES and item.owner in targets.get(zone.origin, ()):
        return
    yield Problem(
        item.owner,
        item.type,
        f"{item.owner.short} lies outside {zone.origin.short}: the primary would drop the record.",
        "Put it into the zone of its own domain. Only addresses of this zone's name servers may stand here.",
    )


def _alias(zone: Zone, item: RecordSet) -> Iterator[Problem]:
    if item.type != "CNAME":
        return
    if item.owner == zone.origin:
        yield Problem(
            item.owner,
            "CNAME",
            "The domain itself cannot be an alias, for it has an SOA.",
            "Give it the addresses of the host, or make www the alias.",
        )
    others = zone.types_at(item.owner) - {"CNAME"}
    if others:
        yield Problem(
            item.owner,
            "CNAME",
            f"{item.owner.short} is an alias and has other records too ({', '.join(sorted(others))}): the"
            " primary would drop the zone.",
            "Remove the alias, or the other records.",
        )
    target: Name = item.data[0].order
    if target.within(zone.origin) and zone.delegation(target) is None and not _exists(zone, target):
        text = f"{item.owner.short} is an alias of {target.short}, which does not exist."
        yield Problem(item.owner, "CNAME", text, "Correct the target, or add records for it.", blocks=False)


def _at_delegation(zone: Zone, item: RecordSet, targets: Targets) -> Iterator[Problem]:
    cut = zone.delegation(item.owner)
    if item.type in _AT_CUT and b"*" in item.owner.labels:
        yield Problem(
            item.owner, item.type, "A wildcard cannot be delegated.", "Delegate each name by itself."
        )
    if item.type == "DS" and (cut is None or cut != item.owner):
        text = "A DS record belongs to a delegation, and this name is not delegated."
        yield Problem(item.owner, "DS", text, "Add the NS records of the delegated zone, or remove the DS.")
    if cut is None or (item.owner == cut and item.type in _AT_CUT):
        return
    if item.type in _ADDRESSES and any(item.owner in targets.get(name, ()) for name in (cut, zone.origin)):
        return  # glue
    yield Problem(
        item.owner,
        item.type,
        f"{cut.short} is delegated to other name servers, so nobody is ever told of this record, and the"
        " primary loses it when it writes the zone back.",
        "Put it into the delegated zone, or remove the delegation.",
    )


def _targets(zone: Zone, item: RecordSet) -> Iterator[Problem]:
    what = {"MX": "A mail exchanger", "NS": "A name server", "SRV": "A service"}[item.type]
    for data in item.data:
        record: Any = data
        target: Name = record.target
        if not target.labels or not target.within(zone.origin):
            continue
        if zone.get(target, "CNAME"):
            yield Problem(
                item.owner,
                item.type,
                f"{what} must not be an alias, and {target.short} is one.",
                "Point to the name that has the addresses.",
                blocks=item.type != "SRV",
                data=data,
            )
        elif not _reachable(zone, item, target):
            yield Problem(
                item.owner,
                item.type,
                f"{what} needs an address, and {target.short} has none in this zone.",
                f"Add an A or AAAA record for {target.short}, or correct the name. (A name that ends in the"
                " domain's own name twice lacks its last dot.)",
                blocks=_must_have_address(zone, item, target),
                data=data,
            )


def _must_have_address(zone: Zone, item: RecordSet, target: Name) -> bool:
    """The primary checks exchangers, and the zone's own servers, unless the target is delegated."""
    checked = item.type == "MX" or (item.type == "NS" and item.owner == zone.origin)
    return checked and (zone.delegation(target) is None or item.type == "NS")


def _reachable(zone: Zone, item: RecordSet, target: Name) -> bool:
    cut = zone.delegation(target)
    if cut is not None and (item.type != "NS" or not target.within(item.owner)):
        return True  # the delegated zone knows
    return has_address(zone, target, wildcards=item.type != "NS")


def _exists(zone: Zone, name: Name) -> bool:
    stars = (star for star in _wildcards(zone, name))
    return zone.exists(name) or any(zone.types_at(star) for star in stars)
