"""What a host's last look found of single unikernels that are not as they should be, and were left so."""

from __future__ import annotations

from collections.abc import Iterable

from tenants.models import Condition, SyncTarget

ABOUT_UNITS = (
    Condition.Type.ENDED,
    Condition.Type.UNSAFE_ENTRIES,
    Condition.Type.DRIFTED,
    Condition.Type.CONFLICTED,
)


def left_units(rows: Iterable[Condition]) -> dict[str, tuple[str, str]]:
    """The condition's type and a sentence, by label; each condition tells the first fifty."""
    return {
        str(each.get("unit", "")): (row.type, str(each.get("sentence", ""))[:600])
        for row in rows
        if row.status and row.type in ABOUT_UNITS
        for each in row.details.get("units", ())
    }


def left_alone(target: SyncTarget) -> dict[str, str]:
    """A sentence by label."""
    rows = target.conditions.filter(status=True, type__in=ABOUT_UNITS)
    return {label: sentence for label, (_, sentence) in left_units(rows).items()}
