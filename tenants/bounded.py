"""Reading a bounded number of rows, however many there are.

A page of a million addresses must cost what a page of a thousand costs: so counts stop at a bound, "begins
with" is a range of an index, and a list that several indexes serve is asked of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import IntegerField, Model, Q, QuerySet, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThan

# Counts go up to one more, which means: more than that.
MOST_COUNTED = 1000
_HIGHEST = "\U0010ffff"

ModelT = TypeVar("ModelT", bound=Model)


class _Counted(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"


def counted(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Coalesce:
    """An annotation: how many `rows` there are, at most one more than `most`."""
    return Coalesce(_Counted(rows.order_by().values("pk")[: most + 1], output_field=IntegerField()), 0)


def count(rows: QuerySet[Any], most: int = MOST_COUNTED) -> int:
    """How many `rows` there are, at most one more than `most`."""
    return rows.order_by().values("pk")[: most + 1].count()


def begins_with(field: str, prefix: str) -> Q:
    """As a range, which an index of a byte-ordered column answers in its order."""
    return Q(**{f"{field}__gte": prefix, f"{field}__lt": prefix + _HIGHEST})


def counts(parts: Mapping[str, QuerySet[Any]], most: int = MOST_COUNTED) -> dict[str, int]:
    """How many there are of each, at most one more than `most`, in one question."""
    columns, values = [], list[Any]()
    for rows in parts.values():
        sql, parameters = _sql(rows.order_by(), most + 1)
        columns.append(f"(SELECT COUNT(*) FROM ({sql}) AS part)" if sql else "0")  # noqa: S608 - by Django
        values += parameters
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)}", values)
        return dict(zip(parts, cursor.fetchone(), strict=True))


def first_of_each(parts: Iterable[QuerySet[Any]], most: int) -> list[int]:
    """The keys of the first `most` rows of every part, in one question. Each part has its own order.

    Parts are ordered querysets of one model; a database that gets their conditions with OR between them
    reads everything that matches before it can order it.
    """
    questions, values = [], list[Any]()
    for part in parts:
        sql, parameters = _sql(part, most)
        if sql:
            questions.append(f"SELECT * FROM ({sql}) AS part")  # noqa: S608 - by Django
            values += parameters
    if not questions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions), values)
        return [row[0] for row in cursor.fetchall()]


def _sql(rows: QuerySet[Any], most: int) -> tuple[str, Sequence[Any]]:
    """The question for the keys of the first `most` rows; empty where there can be none."""
    try:
        return rows.values("pk")[:most].query.sql_with_params()
    except EmptyResultSet:
        return "", ()


class _RowAfter(TupleGreaterThan):
    """Rows are compared by the database itself, which uses an index for it; SQLite can that too."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return GreaterThan.as_sql(self, compiler, connection)


class _RowBefore(TupleLessThan):
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return LessThan.as_sql(self, compiler, connection)


def rows_after(names: Sequence[str], position: Sequence[Any], is_down: bool) -> Any:
    """A condition: what comes after `position` in the order of these columns, all of one direction."""
    if len(names) == 1:
        return Q(**{f"{names[0]}__{'lt' if is_down else 'gt'}": position[0]})
    return (_RowBefore if is_down else _RowAfter)(Tuple(*names), tuple(position))


def newest_of_each(parts: Sequence[QuerySet[ModelT]], most: int) -> list[int]:
    """The keys of the newest `most` rows of all parts together, the newest first."""
    return sorted(set(first_of_each([part.order_by("-pk") for part in parts], most)), reverse=True)[:most]
