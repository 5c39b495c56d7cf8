"""Where a block volume stands."""

from __future__ import annotations

from typing import Any

from panel.web.sentences import State
from tenants.models import HostShare, SyncTarget, Volume

GONE_SOON, MAKING = State("live", "Being deleted"), State("live", "On its way")
LEFT, THERE, IN_USE = State("todo", "Left alone"), State("ok", "There"), State("ok", "In use")


def volume_line(row: Volume, share: HostShare) -> dict[str, Any]:
    """Where a volume stands, by what was proved and by what the host said last."""
    target = share.sync_target
    unit, observed = f"volume {row.label}", row.generation <= target.observed_generation
    full = f"{share.prefix}{row.label}"
    seen = {each["name"]: each for each in share.host.seen.get("volumes", [])}
    if observed and unit in target.proof.get("left", []):
        state = LEFT
    elif row.deleted_at is not None:
        state = GONE_SOON
    elif not observed:
        state = MAKING
    else:
        state = IN_USE if seen.get(full, {}).get("used") else THERE
    return {"row": row, "state": state, "full_name": full, "why": _why(target, unit) if state is LEFT else ""}


def _why(target: SyncTarget, unit: str) -> str:
    for condition in target.conditions.all():
        for each in condition.details.get("units", []) if condition.status else []:
            if each.get("unit") == unit:
                return str(each.get("sentence", ""))
    return ""
