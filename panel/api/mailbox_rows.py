"""Mailboxes as plain values, made from columns: a list of a hundred costs three queries and no instances.

The state is decided twice, in SQL to filter and here to tell; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest

from tenants.models import Condition, Delivery, Mailbox, TargetAddress
from tenants.reach import IS_SERVED, REACHES_SOMEBODY


class State(StrEnum):
    """Asked in this order; the first that holds is told."""

    TRASHED = "trashed"
    OFF = "off"
    UNCONFIRMED = "unconfirmed"
    NO_SERVER = "no_server"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    WRITING = "writing"
    RESTARTING = "restarting"
    WORKS = "works"


MEANINGS = {
    State.TRASHED: "in the trash",
    State.OFF: "switched off",
    State.UNCONFIRMED: "nobody has confirmed to get its mail, so it is not written outside",
    State.NO_SERVER: "its domain has no relay repository",
    State.STOPPED: "its last change waits for a person to decide",
    State.UNREACHABLE: "the repository cannot be reached; it is tried again",
    State.WRITING: "its last change is being written",
    State.RESTARTING: "its last change is written; the mail servers take it up when they restart",
    State.WORKS: "its last change was read back from outside",
}

_SYNC = "domain__relay__sync_target__"
_WATCHED = (Condition.Type.RELOAD_PENDING, Condition.Type.REACHABLE)
# The order of what `rows_of` fetches and `show_rows` takes apart.
_COLUMNS = (
    "pk",
    "local_part",
    "domain__name",
    "kind",
    "enabled",
    "note",
    "generation",
    "created_at",
    "changed_at",
    "trashed_at",
    "expires_at",
    "made_for__local_part",
    f"{_SYNC}pk",
    f"{_SYNC}generation",
    f"{_SYNC}observed_generation",
    f"{_SYNC}stop_code",
    f"{_SYNC}stop_generation",
)


def rows_of(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox, dict[str, Any]]:
    rows: QuerySet[Mailbox, dict[str, Any]] = mailboxes.values(*_COLUMNS)
    return rows


def decide_state(
    row: Mapping[str, Any], *, confirmed: bool, restarting: bool, unreachable: bool
) -> tuple[State, bool]:
    """The state of one row, and whether its last change was observed outside."""
    connected = row[f"{_SYNC}pk"] is not None
    written = connected and row[f"{_SYNC}observed_generation"] >= max(row["generation"], 1)
    stopped = (
        connected
        and row[f"{_SYNC}stop_code"] != ""
        and row[f"{_SYNC}generation"] <= row[f"{_SYNC}stop_generation"]
    )
    questions = (
        (State.TRASHED, row["trashed_at"] is not None),
        (State.OFF, not row["enabled"]),
        (State.UNCONFIRMED, not confirmed),
        (State.NO_SERVER, not connected),
        (State.RESTARTING, written and restarting),
        (State.WORKS, written),
        (State.STOPPED, stopped),
        (State.UNREACHABLE, unreachable),
    )
    return next((state for state, holds in questions if holds), State.WRITING), written


def show_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The bodies of mailboxes, two queries for all of them together and one for aliases."""
    targets = _targets_of(row["pk"] for row in rows)
    deliveries = _deliveries_of(row["pk"] for row in rows if row["kind"] == Mailbox.Kind.ALIAS)
    conditions = _conditions_of(row[f"{_SYNC}pk"] for row in rows)
    return [
        _show(
            row,
            targets.get(row["pk"], []),
            deliveries.get(row["pk"], _NO_DELIVERIES),
            conditions.get(row[f"{_SYNC}pk"], {}),
        )
        for row in rows
    ]


def _show(
    row: Mapping[str, Any],
    targets: list[dict[str, Any]],
    deliveries: _Deliveries,
    conditions: Mapping[str, bool],
) -> dict[str, Any]:
    state, observed = decide_state(
        row,
        confirmed=deliveries.served
        or any(target["confirmed_at"] and target["exchange"] in TargetAddress.FLOWS for target in targets),
        restarting=conditions.get(Condition.Type.RELOAD_PENDING, False),
        unreachable=not conditions.get(Condition.Type.REACHABLE, True),
    )
    domain, made_for = row["domain__name"], row["made_for__local_part"]
    return {
        "address": f"{row['local_part']}@{domain}",
        "domain": domain,
        "kind": row["kind"],
        "enabled": row["enabled"],
        "state": state,
        "observed": observed,
        "targets": targets,
        "delivers_to": [f"{name}@{domain}" for name in deliveries.names],
        "made_for": f"{made_for}@{domain}" if made_for else None,
        "expires_at": row["expires_at"],
        "note": row["note"],
        "generation": row["generation"],
        "created_at": row["created_at"],
        "changed_at": row["changed_at"],
        "trashed_at": row["trashed_at"],
    }


def _targets_of(mailbox_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    rows = TargetAddress.objects.filter(mailbox__in=list(mailbox_ids)).order_by("pk")
    columns = ("address", "confirmed_at", "exchange")
    for mailbox_id, *told in rows.values_list("mailbox_id", *columns):
        found.setdefault(mailbox_id, []).append(dict(zip(columns, told, strict=True)))
    return found


@dataclass
class _Deliveries:
    """Where an alias delivers, and whether anybody gets its mail that way."""

    names: list[str] = field(default_factory=list)
    served: bool = False


_NO_DELIVERIES = _Deliveries()


def _deliveries_of(alias_ids: Iterable[int]) -> dict[int, _Deliveries]:
    found: dict[int, _Deliveries] = {}
    wanted = list(alias_ids)
    if not wanted:
        return found
    rows = Delivery.objects.filter(alias__in=wanted).order_by("pk").annotate(is_served=IS_SERVED)
    for alias_id, local_part, is_served in rows.values_list("alias_id", "mailbox__local_part", "is_served"):
        deliveries = found.setdefault(alias_id, _Deliveries())
        deliveries.names.append(local_part)
        deliveries.served = deliveries.served or is_served
    return found


def _conditions_of(target_ids: Iterable[int | None]) -> dict[int, dict[str, bool]]:
    wanted = {target_id for target_id in target_ids if target_id is not None}
    found: dict[int, dict[str, bool]] = {}
    rows = Condition.objects.filter(target__in=wanted, type__in=_WATCHED)
    for target_id, kind, status in rows.values_list("target_id", "type", "status"):
        found.setdefault(target_id, {})[kind] = status
    return found


def with_state(mailboxes: QuerySet[Mailbox], state: str) -> QuerySet[Mailbox]:
    """Those in one state; `decide_state` as SQL."""
    connected = Q(**{f"{_SYNC}isnull": False})
    in_use = Q(trashed_at=None, enabled=True) & REACHES_SOMEBODY
    written = Q(**{f"{_SYNC}observed_generation__gte": Greatest(F("generation"), Value(1))})
    stopped = ~Q(**{f"{_SYNC}stop_code": ""}) & Q(**{f"{_SYNC}generation__lte": F(f"{_SYNC}stop_generation")})
    restarting = Q(_stated(Condition.Type.RELOAD_PENDING, True))
    unreachable = Q(_stated(Condition.Type.REACHABLE, False))
    going = in_use & connected & ~written
    conditions = {
        State.TRASHED: Q(trashed_at__isnull=False),
        State.OFF: Q(trashed_at=None, enabled=False),
        State.UNCONFIRMED: Q(trashed_at=None, enabled=True) & ~REACHES_SOMEBODY,
        State.NO_SERVER: in_use & ~connected,
        State.STOPPED: going & stopped,
        State.UNREACHABLE: going & ~stopped & unreachable,
        State.WRITING: going & ~stopped & ~unreachable,
        State.RESTARTING: in_use & connected & written & restarting,
        State.WORKS: in_use & connected & written & ~restarting,
    }
    return mailboxes.filter(conditions[State(state)])


def _stated(kind: str, status: bool) -> Exists:
    return Exists(
        Condition.objects.filter(target=OuterRef(_SYNC.removesuffix("__")), type=kind, status=status)
    )


def matching(mailboxes: QuerySet[Mailbox], words: str) -> QuerySet[Mailbox]:
    """Those whose name, note or target holds `words`, in any case."""
    reaches = TargetAddress.objects.filter(mailbox=OuterRef("pk"), address__icontains=words)
    return mailboxes.filter(Q(local_part__icontains=words) | Q(note__icontains=words) | Exists(reaches))
