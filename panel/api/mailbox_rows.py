"""Mailboxes as plain values, made from columns: a list of a hundred costs a few queries and no instances.

The state is decided twice, in SQL to filter and in tenants.address_states to tell; a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from tenants.address_states import AddressState as State
from tenants.address_states import decide_address_state
from tenants.models import Delivery, Domain, Mailbox, SyncTarget, TargetAddress
from tenants.relay_states import RelayState, address_facts, relay_states, state_of

TARGET = "domain__relay__sync_target__pk"
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
    TARGET,
)


_NO_RELAY = state_of(None)


def rows_of(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox, dict[str, Any]]:
    rows: QuerySet[Mailbox, dict[str, Any]] = mailboxes.values(*_COLUMNS)
    return rows


def show_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The bodies of mailboxes, two queries for all of them together and one for aliases."""
    targets = _targets_of(row["pk"] for row in rows)
    deliveries = _deliveries_of(row["pk"] for row in rows if row["kind"] == Mailbox.Kind.ALIAS)
    relays = relay_states({row[TARGET] for row in rows} - {None})
    return [
        _show(
            row,
            targets.get(row["pk"], []),
            deliveries.get(row["pk"], []),
            relays.get(row[TARGET], _NO_RELAY),
        )
        for row in rows
    ]


def _show(
    row: Mapping[str, Any],
    targets: list[dict[str, Any]],
    deliveries: list[str],
    relay: RelayState,
) -> dict[str, Any]:
    facts = address_facts(
        relay,
        local_part=row["local_part"],
        generation=row["generation"],
        enabled=row["enabled"],
        trashed=row["trashed_at"] is not None,
        reached=row["reached"],
    )
    domain, made_for = row["domain__name"], row["made_for__local_part"]
    return {
        "address": f"{row['local_part']}@{domain}",
        "domain": domain,
        "kind": row["kind"],
        "enabled": row["enabled"],
        "state": decide_address_state(facts),
        "observed": facts.observed,
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
    columns = ("mailbox_id", "address", "confirmed_at", "exchange")
    for mailbox_id, address, confirmed_at, exchange in rows.values_list(*columns):
        told = {"address": address, "confirmed_at": confirmed_at, "exchange": exchange}
        found.setdefault(mailbox_id, []).append(told)
    return found


def _deliveries_of(alias_ids: Iterable[int]) -> dict[int, list[str]]:
    """By alias, the names of the mailboxes that it delivers to."""
    found: dict[int, list[str]] = {}
    wanted = list(alias_ids)
    rows = Delivery.objects.filter(alias__in=wanted).order_by("pk") if wanted else Delivery.objects.none()
    for alias_id, local_part in rows.values_list("alias_id", "mailbox__local_part"):
        found.setdefault(alias_id, []).append(local_part)
    return found


# The states that addresses have by their generation: lists of them come in its order.
BY_GENERATION = (
    State.STOPPED,
    State.LEFT_ALONE,
    State.UNREACHABLE,
    State.WRITING,
    State.RESTARTING,
    State.TAKING_UP,
    State.WORKS,
)


def pieces_in_state(mailboxes: QuerySet[Mailbox], domain: Domain, state: str) -> list[QuerySet[Mailbox]]:
    """Those of one domain in one state, as `decide_address_state` has it, in pieces that an index finds.

    The domain's relay is the same for all of them, so it is asked first.
    """
    rows = mailboxes.filter(domain=domain)
    target = SyncTarget.objects.filter(repository__domain=domain).prefetch_related("conditions").first()
    relay = state_of(target)
    asked = {
        State.TRASHED: Q(trashed_at__isnull=False),
        State.OFF: Q(trashed_at=None, enabled=False),
        State.UNCONFIRMED: Q(trashed_at=None, enabled=True, reached=False),
        State.WORKS: Q(trashed_at=None, enabled=True, reached=True),
    }
    if target is None:
        found = {State.NO_SERVER: Q(trashed_at=None), State.TRASHED: asked[State.TRASHED]}
        return [rows.filter(found[State(state)])] if state in found else []
    proved, read = target.observed_generation, relay.taken_up_generation
    apart = Q(local_part__in=list(relay.left_alone))
    if state == _of_waiting(relay):
        moving = rows.filter(generation__gt=proved) if proved else rows
        return [moving, rows.filter(apart)] if state == State.STOPPED else [moving.exclude(apart)]
    if state == State.LEFT_ALONE:
        return [] if relay.is_stopped else [rows.filter(apart)]
    if not proved:
        return []
    held = rows.exclude(apart)
    if state == (State.RESTARTING if relay.restart_by_hand else State.TAKING_UP):
        return [held.filter(generation__gt=read, generation__lte=proved)] if read < proved else []
    # One bound: of two, a database may read up to the wrong one.
    return [held.filter(asked[State(state)], generation__lte=min(read, proved))] if state in asked else []


def _of_waiting(relay: RelayState) -> State:
    """The state of what is not outside yet and was not left alone."""
    if relay.is_stopped:
        return State.STOPPED
    return State.WRITING if relay.is_reachable else State.UNREACHABLE
