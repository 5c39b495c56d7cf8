"""The last check before a commit: what our copy of the primary makes of the file."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.dialect import Dialect
from tenants.formats.zones.emitter import emit
from tenants.formats.zones.holding import BrokenRuleError
from tenants.formats.zones.problem import Problem
from tenants.formats.zones.reader import UnreadableError
from tenants.formats.zones.verdict import judge
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import read_zone

__all__ = ["trial"]

_FIX = "Do not publish it. This is a fault in Rookery's rules: please report it with the zone."


def trial(zone: Zone, dialect: Dialect) -> Iterator[Problem]:
    """Yield why a file would be dropped, changed, or lost at the next dynamic update."""
    data = emit(zone)
    verdict = judge(data, zone.origin, dialect)
    which = f"A primary on ocaml-dns {dialect.version}"
    if not verdict.accepted:
        yield Problem(None, "", f"{which} would not serve this zone. {verdict.reason}", _FIX)
        return
    try:
        understood = read_zone(data, zone.origin, dialect)
    except (UnreadableError, BrokenRuleError) as error:
        yield Problem(None, "", f"{which} would read something else. {error}", _FIX)
        return
    for item in {*zone.sets} ^ {*understood.sets}:
        yield Problem(item.owner, item.type, f"{which} would serve other data than these.", _FIX)
    if verdict.written_back is None or not verdict.survives:
        yield Problem(None, "", f"{which} would lose the zone at its next dynamic update.", _FIX)
    elif verdict.written_back != data:
        yield from _kept(zone, verdict.written_back, dialect)


def _kept(zone: Zone, written_back: bytes, dialect: Dialect) -> Iterator[Problem]:
    """What is lost when the primary writes the file; glue below delegations always is."""
    kept = set(read_zone(written_back, zone.origin, dialect).sets)
    for item in zone.sets:
        if item not in kept and not zone.is_glue(item):
            text = (
                f"A primary on ocaml-dns {dialect.version} would lose or change this when it writes the zone."
            )
            yield Problem(item.owner, item.type, text, _FIX)
