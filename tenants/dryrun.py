"""Dry runs: an action is really done, looked at, and taken back before anybody else can see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

_rehearsed: ContextVar[bool] = ContextVar("rehearsed", default=False)


def is_rehearsed() -> bool:
    """Will all of this be taken back? What no database takes back must not be done then."""
    return _rehearsed.get()


@contextmanager
def rehearsal(dry: bool = True) -> Iterator[None]:
    """Run the block in a transaction that is rolled back at its end.

    Read what the block made inside of it: afterwards its rows are gone. Callbacks that were waiting for the
    commit (hints to workers) are dropped with it, and mails are rows, so none leaves. With `dry` false the
    block is run as it is: an action opens its own transaction.
    """
    if not dry:
        yield
        return
    token = _rehearsed.set(True)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        _rehearsed.reset(token)
