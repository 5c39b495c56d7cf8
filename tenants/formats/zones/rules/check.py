"""Whole-zone validation before a commit: nothing passes that would take the zone off the air.

First come rules, each with a sentence that helps; last a trial, which catches what no rule thought of.
"""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.text import FormatError
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.cursor import host_problem
from tenants.formats.zones.primary.dialect import NEW, Dialect
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.record_set import MAX_TTL
from tenants.formats.zones.rules.names import name_refusal
from tenants.formats.zones.rules.problem import Problem, blocking
from tenants.formats.zones.rules.sets import set_problems
from tenants.formats.zones.rules.structure import structure_problems
from tenants.formats.zones.serial import check_serial
from tenants.formats.zones.zone import Soa, Zone
from tenants.formats.zones.zone_file import emit, read_zone

__all__ = ["FAULT", "check_zone"]

FAULT = "Do not publish it. This is a fault in Rookery's rules: please report it with the zone."


def check_zone(zone: Zone, dialects: tuple[Dialect, ...] = (NEW,)) -> tuple[Problem, ...]:
    """Return everything that is wrong with a zone that primaries of these generations are to serve.

    The zone is looked at alone: on a primary that also serves a zone above or below it, `judge_all` of the
    files tells more. Time grows with the number of records.
    """
    found = [*_origin_problems(zone.origin), *_soa_problems(zone.soa, zone.origin, dialects)]
    for item in zone.sets:
        found += set_problems(item, zone.origin, dialects)
    found += structure_problems(zone)
    problems = tuple(found)
    if not blocking(problems):
        problems += tuple(problem for dialect in dialects for problem in _trial(zone, dialect))
    return problems


def _origin_problems(origin: Name) -> Iterator[Problem]:
    reason = host_problem(origin)
    if not origin.labels:
        yield Problem(None, "", "The root cannot be a zone of this primary.", "Choose a domain.")
    elif reason:
        yield Problem(None, "", f"A zone's name must be that of a host: {reason}", "Choose another domain.")


def _soa_problems(soa: Soa, origin: Name, dialects: tuple[Dialect, ...]) -> Iterator[Problem]:
    def problem(text: str, fix: str) -> Problem:
        return Problem(origin, "SOA", text, fix)

    for name, what in ((soa.primary, "first name server"), (soa.mailbox, "mailbox")):
        refusal = name_refusal(name, origin, dialects)
        if not name.labels or b"*" in name.labels:
            yield problem(f"The {what} of the SOA must be a name.", "Give a full name.")
        elif refusal:
            yield problem(f"The {what} of the SOA: {refusal[0]}", refusal[1])
    if reason := host_problem(soa.primary):
        yield problem(f"The first name server of the SOA: {reason}", "Name a host.")
    try:
        check_serial(soa.serial)
    except FormatError as error:
        yield problem(error.problem, error.fix)
    for value, what in (
        (soa.refresh, "refresh"),
        (soa.retry, "retry"),
        (soa.expire, "expire"),
        (soa.minimum, "minimum"),
    ):
        if not 0 <= value <= MAX_TTL:
            yield problem(f"The {what} must be from 0 to {MAX_TTL} seconds, not {value}.", "Give seconds.")
    if soa.expire < soa.refresh + soa.retry:
        text = "Secondaries forget the zone before they tried twice to renew it."
        yield Problem(
            origin, "SOA", text, "Let expire be longer than refresh and retry together.", blocks=False
        )


def _trial(zone: Zone, dialect: Dialect) -> Iterator[Problem]:
    """Yield why a file would be dropped, changed, or lost at the next dynamic update."""
    data = emit(zone)
    verdict = judge(data, zone.origin, dialect)
    which = f"A primary on ocaml-dns {dialect.version}"
    if not verdict.accepted:
        yield Problem(None, "", f"{which} would not serve this zone. {verdict.reason}", FAULT)
        return
    try:
        understood = read_zone(data, zone.origin, dialect)
    except ZoneFileError as error:
        yield Problem(None, "", f"{which} would read something else. {error}", FAULT)
        return
    for item in {*zone.sets} ^ {*understood.sets}:
        yield Problem(item.owner, item.type, f"{which} would serve other data than these.", FAULT)
    if verdict.written_back is None or not verdict.survives:
        yield Problem(None, "", f"{which} would lose the zone at its next dynamic update.", FAULT)
    elif verdict.written_back != data:
        yield from _kept(zone, verdict.written_back, dialect)


def _kept(zone: Zone, written_back: bytes, dialect: Dialect) -> Iterator[Problem]:
    """What is lost when the primary writes the file; glue below delegations always is."""
    kept = set(read_zone(written_back, zone.origin, dialect).sets)
    for item in zone.sets:
        if item not in kept and not zone.is_glue(*item.key):
            text = (
                f"A primary on ocaml-dns {dialect.version} would lose or change this when it writes the zone."
            )
            yield Problem(item.owner, item.type, text, FAULT)
