"""Columns that compare in the same way on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _Text = models.CharField[str, str]
else:
    _Text = models.CharField


class ByteOrdered(_Text):
    """Text in the order of its bytes, whatever language the database speaks.

    So one index serves equality, order, pages that go on after a value, and "begins with" as a range.
    SQLite orders so by itself; PostgreSQL is told to.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        found: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "postgresql":
            found["collation"] = "C"
        return found
