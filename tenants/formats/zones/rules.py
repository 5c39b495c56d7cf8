"""Whole-zone validation before a commit: nothing passes that would take the zone off the air.

First come rules, each with a sentence that helps; last a trial, which catches what no rule thought of.
"""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.cursor import host_problem
from tenants.formats.zones.dialect import NEW, Dialect
from tenants.formats.zones.names import Name
from tenants.formats.zones.problem import Problem, blocking
from tenants.formats.zones.record_set import MAX_TTL
from tenants.formats.zones.rules_names import name_refusal
from tenants.formats.zones.rules_sets import set_problems
from tenants.formats.zones.rules_structure import structure_problems
from tenants.formats.zones.trial import trial
from tenants.formats.zones.zone import Soa, Zone

__all__ = ["check_zone"]

MAX_SERIAL = 2**32 - 1


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
        problems += tuple(problem for dialect in dialects for problem in trial(zone, dialect))
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
    if not 0 <= soa.serial <= MAX_SERIAL:
        yield problem(
            f"The serial {soa.serial} is not from 0 to {MAX_SERIAL}, so the primary would drop the zone.",
            "Use at most ten digits, such as the date and two more.",
        )
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
