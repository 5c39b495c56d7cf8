"""Holding a row while an action decides about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from tenants.errors import Absent, Conflict
from tenants.models import Installation, Zone

RowT = TypeVar("RowT", bound=Model)
_held: ContextVar[frozenset[tuple[type[Model], Any]]] = ContextVar("held", default=frozenset())


def lock(row: Model) -> None:
    """Read `row` again, as it is now, and keep others from changing it until the transaction ends.

    Actions are given rows that were read some time before. SQLite needs no lock: its transactions that
    write come one after the other. Locks are taken in one order: installation, event, address request,
    invitation, request rules, mailbox, domain, zone, image feed, webhook, its delivery, organization,
    account, name server, host, part of a host, firewall, its rule, mail stack, unikernel, image, run, sync
    targets by id. Raises Absent when the row is gone, or was handed over to another organization meanwhile:
    whether somebody may do this was asked about the one that had it.
    """
    if (type(row), row.pk) in _held.get():
        return
    kind = row._meta.concrete_model or type(row)  # `request.user` is a lazy object around its row
    known = dict(row._state.fields_cache)
    owner = row.__dict__.get("organization_id")
    try:
        # Rows that name this one may still be made: PostgreSQL checks them at each commit, where waiting
        # for a row in the order above would be too late.
        row.refresh_from_db(from_queryset=kind._default_manager.select_for_update(no_key=True))
    except kind.DoesNotExist as error:  # type: ignore[attr-defined]
        raise Absent from error
    if owner is not None and row.__dict__["organization_id"] != owner:
        raise Absent
    # What it belongs to is not read again: the names of those rows are all that actions use.
    for field in kind._meta.concrete_fields:
        related = known.get(field.name)
        if related is not None and getattr(row, field.attname) == related.pk:
            row._state.fields_cache[field.name] = related


def lock_kept(zone: Zone) -> None:
    """Lock a zone that is to be changed. Raises Conflict for one that was removed or let go."""
    lock(zone)
    if not zone.is_kept:
        raise Conflict(f"{zone} is {zone.get_standing_display()}. Bring it back first.")


@contextmanager
def holding(rows: QuerySet[RowT]) -> Iterator[list[RowT]]:
    """Lock a set of rows in the order of their ids, and read them; inside, `lock` need not read each again.

    Only the instances that this gives may be changed inside: they are as the database has them.
    """
    found = list(rows.select_for_update(of=("self",)).order_by("pk"))
    token = _held.set(_held.get() | {(type(row), row.pk) for row in found})
    try:
        yield found
    finally:
        _held.reset(token)


def lock_installation() -> None:
    """For the few rules that hold across organizations: those who come later wait and see what was made."""
    Installation.objects.select_for_update().get(pk=Installation.current_id())
