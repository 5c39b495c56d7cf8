"""What the page of a mail stack shows of its upgrade, and of its releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from panel.web import times
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.upgrade_phases import is_final
from tenants.models import Release, Stack, StackPhase, Upgrade, UpgradePhase
from tenants.upgrade_standings import standings, way_of

State = StackPhase.State
_BADGES = {
    State.PENDING: ("off", "Later"),
    State.DOING: ("live", "Now"),
    State.PROVED: ("ok", "Proved"),
    State.FAILED: ("fail", "Failed"),
    State.LEAVING: ("live", "Being taken back"),
    State.GONE: ("off", "Taken back"),
}
_PROOFS = {
    "proved": "read back",
    "roots": "root servers that answered",
    "serial": "serial that it serves",
    "valid_until": "valid until",
}
"""How proofs are called that one word does not tell."""
_MOST_RELEASES = 50
_BAR = {
    Upgrade.State.GOING: ("live", "On its way"),
    Upgrade.State.RETURNING: ("live", "Going back"),
    Upgrade.State.DONE: ("ok", "Done"),
    Upgrade.State.RETURNED: ("todo", "Rolled back"),
}


def phase_line(row: StackPhase | UpgradePhase, title: str, now: datetime) -> dict[str, Any]:
    """A phase as it is shown. What was taken back keeps what was measured on the way."""
    state, at = State(row.state), row.ended_at or row.began_at
    told = row.proof.items() if state in (State.PROVED, State.GONE) else ()
    return {
        "name": row.name,
        "title": title,
        "state": state,
        "badge": _BADGES[state],
        "reason": row.reason,
        "proof": [f"{_PROOFS.get(name, name)}: {value}" for name, value in told],
        "since": times.moment(at, now, relative=True) if at else None,
    }


def upgrade_context(stack: Stack) -> dict[str, Any]:
    """The last upgrade, with its phases, and the releases, the newest first."""
    upgrade = stack.upgrades.select_related("before", "after").order_by("pk").last()
    context: dict[str, Any] = {"upgrade": upgrade, "releases": _releases(stack, upgrade)}
    if upgrade is None:
        return context
    rows, now = list(upgrade.phases.all()), timezone.now()
    titles = {phase.name: phase.title for phase in way_of(upgrade)}
    going = upgrade.state == Upgrade.State.GOING
    stuck = any(row.state == State.FAILED for row in rows)
    return {
        **context,
        "upgrade_badge": _BAR[Upgrade.State(upgrade.state)],
        "upgrade_lines": [phase_line(row, titles.get(row.name, row.name), now) for row in rows],
        "upgrade_ended": times.moment(upgrade.ended_at, now, relative=True) if upgrade.ended_at else None,
        "may_go_back": not upgrade.is_over and (stuck if not going else not is_final(standings(rows))),
    }


def _releases(stack: Stack, upgrade: Upgrade | None) -> list[dict[str, Any]]:
    on_its_way = upgrade is not None and not upgrade.is_over
    now = timezone.now()
    rows = list(stack.releases.order_by("-number")[: _MOST_RELEASES + 1])
    found = []
    for row, older in zip(rows, [*rows[1:], None], strict=True):
        found.append(
            {
                "number": row.number,
                "note": row.note,
                "by": row.made_by,
                "at": times.moment(row.made_at, now, relative=True),
                "changes": _changes(row, older),
                "serves": row.pk == stack.release_id,
                "can_return": row.pk != stack.release_id
                and not on_its_way
                and stack.wanted == Stack.Wanted.RUNNING,
            }
        )
    return found[:_MOST_RELEASES]


def _changes(row: Release, older: Release | None) -> str:
    """Which roles have another image than in the release before."""
    if older is None:
        return ""
    before = {part["role"]: part["image"] for part in older.parts}
    names = [ROLES[part["role"]].title for part in row.parts if part["image"] != before.get(part["role"])]
    return ", ".join(names)
