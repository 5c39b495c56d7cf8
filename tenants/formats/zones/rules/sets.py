"""Rules of one record set: its owner, its TTL, its records, and how they stand beside each other."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.data.services import SVCB
from tenants.formats.zones.data.simple import CAA, TXT
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.record_set import MAX_TTL, RecordSet
from tenants.formats.zones.rules.data import data_refusals
from tenants.formats.zones.rules.names import Refusal, name_refusal
from tenants.formats.zones.rules.problem import Problem

__all__ = ["set_problems"]

_SINGLE = {
    "CNAME": "A name is the alias of one other name.",
    "PTR": "The primary keeps one PTR of each name and drops the others.",
    "LOC": "The primary keeps one LOC of each name and drops the others.",
}


def set_problems(item: RecordSet, origin: Name, dialects: tuple[Dialect, ...]) -> Iterator[Problem]:
    """Yield what is wrong with one record set, wherever it stands in the zone of `origin`."""
    for problem, fix in _refusals(item, origin, dialects):
        yield Problem(item.owner, item.type, problem, fix)
    for data in item.data:
        for problem, fix in data_refusals(data, origin, dialects):
            yield Problem(item.owner, item.type, problem, fix, data=data)
    if item.type == "TXT" and _spf_policies(item) > 1:
        yield Problem(
            item.owner,
            item.type,
            "There are two SPF policies (v=spf1), so receivers ignore both (RFC 7208 §4.5).",
            "Merge them into one.",
            blocks=False,
        )


def _refusals(item: RecordSet, origin: Name, dialects: tuple[Dialect, ...]) -> Iterator[Refusal]:
    refusal = name_refusal(item.owner, origin, dialects)
    if refusal:
        yield refusal
    if not 0 <= item.ttl <= MAX_TTL:
        yield (
            f"The TTL must be from 0 to {MAX_TTL} seconds, not {item.ttl}.",
            "Give seconds; an hour is 3600, a day 86400.",
        )
    if len(item.data) > 1 and item.type in _SINGLE:
        yield (_SINGLE[item.type], "Keep one of the records.")
    yield from _together(item)


def _together(item: RecordSet) -> Iterator[Refusal]:
    services = [data for data in item.data if isinstance(data, SVCB)]
    if len({len(data.parameters) for data in services}) > 1:
        yield (
            (
                f"The {item.type} records have different numbers of parameters, which the primary cannot"
                " compare: it would drop the zone."
            ),
            "Give each the same number of parameters.",
        )
    if len({data.order for data in services}) < len(services):
        yield (
            f"Two {item.type} records have the same priority and target.",
            "Merge them, or give them different priorities.",
        )
    if len({len(data.value) for data in item.data if isinstance(data, CAA)}) > 1:
        yield ("The CAA values have different numbers of parts.", "Write each value in one pair of quotes.")


def _spf_policies(item: RecordSet) -> int:
    texts = [data.value for data in item.data if isinstance(data, TXT)]
    return sum(text.lower() == b"v=spf1" or text.lower().startswith(b"v=spf1 ") for text in texts)
