"""Reading what was seen of a unikernel: always a bounded number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tenants.formats.exits import End
from tenants.models import ConsoleLine, Sample, Unikernel, UnikernelExit

LINES_SHOWN = 200
ENDS_SHOWN = 20
MOST_SAMPLES = 10_000
LONGEST_SEARCH = 100


def last_lines(row: Unikernel, *, before: int = 0, search: str = "") -> list[ConsoleLine]:
    """The last lines, or the last before an id, in their order; with `search`, those that contain it."""
    lines = ConsoleLine.objects.filter(unikernel=row)
    if before:
        lines = lines.filter(pk__lt=before)
    if search:
        lines = lines.filter(text__icontains=search[:LONGEST_SEARCH])
    return list(lines.order_by("-pk")[:LINES_SHOWN])[::-1]


def lines_after(row: Unikernel, after: int) -> list[ConsoleLine]:
    """What came after an id, in its order; the rest at the next call."""
    return list(ConsoleLine.objects.filter(unikernel=row, pk__gt=after).order_by("pk")[:LINES_SHOWN])


def all_lines(row: Unikernel) -> Iterator[str]:
    """Everything that is kept, for a file."""
    lines = ConsoleLine.objects.filter(unikernel=row).order_by("pk").values_list("at", "text")
    for at, text in lines.iterator(chunk_size=1000):
        yield f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z {text}\n"


def last_ends(row: Unikernel) -> list[UnikernelExit]:
    """The newest first."""
    return list(row.exits.order_by("-at", "-pk")[:ENDS_SHOWN])


def end_of(row: UnikernelExit) -> End:
    return End(row.code, row.signal)


def samples_since(row: Unikernel, since: datetime, *, lasting: bool) -> list[Sample]:
    """In their order; `lasting` reads one of each ten minutes."""
    samples = Sample.objects.filter(unikernel=row, at__gte=since)
    if lasting:
        samples = samples.filter(lasting=True)
    return list(samples.order_by("-at")[:MOST_SAMPLES])[::-1]
