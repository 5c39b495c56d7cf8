"""Mailboxes as plain values, made from columns: a list of a hundred costs three queries and no instances.

The state is decided twice, in SQL to filter and here to tell; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest

from tenants.models import Condition, Delivery, Domain, Mailbox, SyncTarget, TargetAddress


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
    "reached",
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
            deliveries.get(row["pk"], []),
            conditions.get(row[f"{_SYNC}pk"], {}),
        )
        for row in rows
    ]


def _show(
    row: Mapping[str, Any],
    targets: list[dict[str, Any]],
    deliveries: list[str],
    conditions: Mapping[str, bool],
) -> dict[str, Any]:
    state, observed = decide_state(
        row,
        confirmed=row["reached"],
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
        "delivers_to": [f"{name}@{domain}" for name in deliveries],
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


def _deliveries_of(alias_ids: Iterable[int]) -> dict[int, list[str]]:
    """By alias, the names of the mailboxes that it delivers to."""
    found: dict[int, list[str]] = {}
    wanted = list(alias_ids)
    rows = Delivery.objects.filter(alias__in=wanted).order_by("pk") if wanted else Delivery.objects.none()
    for alias_id, local_part in rows.values_list("alias_id", "mailbox__local_part"):
        found.setdefault(alias_id, []).append(local_part)
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
    in_use = Q(trashed_at=None, enabled=True, reached=True)
    written = Q(**{f"{_SYNC}observed_generation__gte": Greatest(F("generation"), Value(1))})
    stopped = ~Q(**{f"{_SYNC}stop_code": ""}) & Q(**{f"{_SYNC}generation__lte": F(f"{_SYNC}stop_generation")})
    restarting = Q(_stated(Condition.Type.RELOAD_PENDING, True))
    unreachable = Q(_stated(Condition.Type.REACHABLE, False))
    going = in_use & connected & ~written
    conditions = {
        State.TRASHED: Q(trashed_at__isnull=False),
        State.OFF: Q(trashed_at=None, enabled=False),
        State.UNCONFIRMED: Q(trashed_at=None, enabled=True, reached=False),
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


# The states that all addresses in use share whose last change is on its way, or was observed.
_MOVING = (State.STOPPED, State.UNREACHABLE, State.WRITING)
_WRITTEN = (State.RESTARTING, State.WORKS)
BY_GENERATION = (*_MOVING, *_WRITTEN)


def with_state_in(mailboxes: QuerySet[Mailbox], domain: Domain, state: str) -> QuerySet[Mailbox]:
    """Those of one domain in one state; `with_state` where an index has them.

    The states in BY_GENERATION are told by the domain's sync target for all its addresses: it is asked first.
    """
    rows = mailboxes.filter(domain=domain)
    target = SyncTarget.objects.filter(repository__domain=domain).first()
    if state not in BY_GENERATION:
        return rows.none() if state == State.NO_SERVER and target is not None else with_state(rows, state)
    if target is None:
        return rows.none()
    in_use = rows.filter(trashed_at=None, enabled=True, reached=True)
    conditions = _conditions_of([target.pk]).get(target.pk, {})
    if state in _WRITTEN:
        restarting = conditions.get(Condition.Type.RELOAD_PENDING, False)
        told = State.RESTARTING if restarting else State.WORKS
        found = in_use.filter(generation__lte=target.observed_generation)
        found = found if target.observed_generation else found.none()
    else:
        stopped = target.stop_code != "" and target.generation <= target.stop_generation
        reachable = conditions.get(Condition.Type.REACHABLE, True)
        told = State.STOPPED if stopped else State.WRITING if reachable else State.UNREACHABLE
        found = in_use.filter(generation__gt=target.observed_generation or -1)
    return found if told == state else found.none()
