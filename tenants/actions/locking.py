"""Holding a row while an action decides about it."""

from __future__ import annotations

from django.db.models import Model

from tenants.errors import Absent


def lock(row: Model) -> None:
    """Read `row` again, as it is now, and keep others from changing it until the transaction ends.

    Actions are given rows that were read some time before. SQLite needs no lock: its transactions that
    write come one after the other. Raises Absent when the row is gone.
    """
    kind = row._meta.concrete_model or type(row)  # `request.user` is a lazy object around its row
    try:
        row.refresh_from_db(from_queryset=kind._default_manager.select_for_update())
    except kind.DoesNotExist as error:  # type: ignore[attr-defined]
        raise Absent from error
