"""Rows of an upgrade → what the walk of its phases reads."""

from __future__ import annotations

from collections.abc import Iterable

from tenants.formats.stacks.phases import Phase, Standing, State
from tenants.formats.stacks.upgrade_phases import upgrade_phases
from tenants.models import StackPhase, Upgrade, UpgradePhase


def changed_roles(upgrade: Upgrade) -> tuple[frozenset[str], frozenset[str]]:
    """Roles that are made beside the old ones, and those that are replaced in place."""
    before = {part["role"]: part for part in upgrade.before.parts}
    changed = [part for part in upgrade.after.parts if part != before.get(part["role"])]
    beside = frozenset(part["role"] for part in changed if part["label"] != before[part["role"]]["label"])
    return beside, frozenset(part["role"] for part in changed) - beside


def way_of(upgrade: Upgrade) -> tuple[Phase, ...]:
    return upgrade_phases(*changed_roles(upgrade))


def standings_of(upgrade: Upgrade) -> dict[str, Standing]:
    return standings(upgrade.phases.all())


def standings(rows: Iterable[StackPhase | UpgradePhase]) -> dict[str, Standing]:
    """How phases stood when they were looked at last, by name."""
    return {row.name: Standing(State(row.state), row.reason, row.proof, row.began_at) for row in rows}
