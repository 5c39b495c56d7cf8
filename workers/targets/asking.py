"""Who asked for what a pass writes, for the commit that it makes."""

from __future__ import annotations

from typing import TypedDict

from tenants.models import Event, SyncTarget


class Asked(TypedDict):
    """Names of people, and ids of the events that are undone; in the order in which it was asked."""

    asked_by: list[str]
    undoes: list[int]


def asked(target: SyncTarget) -> Asked:
    """Of the events between what was proved last and what this pass sets out to prove."""
    rows = list(
        Event.objects.filter(
            sync_target=target,
            generation__gt=target.observed_generation,
            generation__lte=target.generation,
        )
        .order_by("pk")
        .values_list("actor_name", "undoes_id")[:1000]
    )
    names = dict.fromkeys(name for name, _ in rows)
    return Asked(asked_by=list(names), undoes=[int(undone) for _, undone in rows if undone])
