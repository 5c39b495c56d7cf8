"""Taking one row of work for oneself for a while, so that no other worker does the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Now

M = TypeVar("M", bound=Model)


def claim(rows: QuerySet[M], pk: int, lasts: timedelta, *related: str) -> M | None:
    """The row with this id if it is one of `rows` and nobody else has it, with its `related`; it is nobody
    else's for `lasts` then. `rows` asks `claimed_until` itself."""
    if not rows.filter(pk=pk).update(claimed_until=Now() + lasts):
        return None
    return rows.model._default_manager.select_related(*related).filter(pk=pk).first()
