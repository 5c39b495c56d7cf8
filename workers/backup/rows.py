"""All rows of the panel as JSON lines, the same from every database and for every database.

    {"table": "tenants.Domain", "fields": ["id", "name", …]}
    [1, "example.org", …]
    …

Read in one transaction that sees one moment, beside a panel that goes on working; written in one transaction,
with foreign keys looked at when it ends. A table is written as it was in its release: `models` of the reader
may be those of an earlier state of the migrations.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps as current_apps
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Field, Model
from django.db.models.sql import InsertQuery
from django.utils.dateparse import parse_duration

from tenants.one_moment import one_moment
from workers.backup.seals import Refused

SNAPSHOT = "backup"
AT_ONCE = 500
MOST_LINE = 64 << 20
APP = "tenants"

# Of one browser, one minute or one worker, or looked at again soon: a restored panel begins without them.
LEFT_OUT = frozenset(
    {
        "Session",
        "SignInLink",
        "StoredAnswer",
        "Allowance",
        "Export",
        "OrganizationImport",
        "ConsoleLine",
        "Sample",
    }
)


def kept_models(apps: Apps = current_apps) -> list[type[Model]]:
    """Every table that a backup holds, those that join others included, by name."""
    config = apps.get_app_config(APP)
    found = [
        model
        for model in config.get_models(include_auto_created=True)
        if model._meta.object_name not in LEFT_OUT and model._meta.managed
    ]
    return sorted(found, key=lambda model: model._meta.label)


def stored_fields(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns that have a value of their own."""
    return [field for field in model._meta.concrete_fields if not field.generated]


# reading ------------------------------------------------------------------------------------------------


@contextmanager
def snapshot() -> Iterator[str]:
    """The alias of a connection of its own that sees the database as it is at the first read, and for as
    long as this lasts. Nobody who writes has to wait for it."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    options = dict(connection.settings_dict.get("OPTIONS", {}))
    options.pop("pool", None)
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options, "CONN_MAX_AGE": 0}
    connections[SNAPSHOT] = connection
    try:
        with one_moment(SNAPSHOT):
            yield SNAPSHOT
    finally:
        connection.close()
        del connections[SNAPSHOT]


def dumped(using: str) -> Iterator[bytes]:
    """Lines of all tables."""
    for model in kept_models():
        fields = stored_fields(model)
        names = [field.attname for field in fields]
        yield line({"table": model._meta.label, "fields": names})
        rows = model._base_manager.using(using).order_by("pk").values_list(*names)
        for row in rows.iterator(chunk_size=AT_ONCE):
            yield line(list(row))


def line(value: object) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no column has a {type(value).__name__}")


# writing ------------------------------------------------------------------------------------------------


def load(lines: Iterable[Any], apps: Apps = current_apps) -> dict[str, int]:
    """Write all rows into empty tables; returns how many by table. Call it inside a transaction.

    Raises Refused for a table or a column that `apps` does not know.
    """
    known = {model._meta.label: model for model in kept_models(apps)}
    counts: dict[str, int] = {}
    model, names, waiting = None, [""], list[list[Any]]()
    for each in lines:
        if isinstance(each, dict):
            _insert(model, names, waiting)
            model, names = _table(known, each)
            counts[model._meta.label] = 0
        elif model is None or not isinstance(each, list) or len(each) != len(names):
            raise Refused("The backup holds a row that no table has.")
        else:
            waiting.append(each)
            counts[model._meta.label] += 1
            if len(waiting) == AT_ONCE:
                _insert(model, names, waiting)
    _insert(model, names, waiting)
    _count_on(list(known.values()))
    return counts


def _table(known: Mapping[str, type[Model]], head: Mapping[str, Any]) -> tuple[type[Model], list[str]]:
    label, names = str(head.get("table")), [str(name) for name in head.get("fields", [])]
    model = known.get(label)
    if model is None:
        raise Refused(f"The backup holds the table {label!r}, which this Rookery does not have.")
    have = {field.attname for field in stored_fields(model)}
    if have != set(names):
        differ = ", ".join(sorted(have.symmetric_difference(names)))
        raise Refused(
            f"The backup's table {label} has other columns than this Rookery's ({differ}): it was made by a"
            " version between two releases. Restore it with that version."
        )
    return model, names


def _insert(model: type[Model] | None, names: Sequence[str], waiting: list[list[Any]]) -> None:
    """As they are: no column is filled in, no signal is sent."""
    if model is None or not waiting:
        return
    fields = {field.attname: field for field in stored_fields(model)}
    read = [_reader(fields[name]) for name in names]
    rows = [
        model(**{name: each(value) for name, each, value in zip(names, read, row, strict=True)})
        for row in waiting
    ]
    chosen = [fields[name] for name in names]
    connection = connections[DEFAULT_DB_ALIAS]
    at_once = connection.ops.bulk_batch_size(chosen, rows)
    for start in range(0, len(rows), at_once):
        query = InsertQuery(model)
        query.insert_values(chosen, rows[start : start + at_once], raw=True)
        query.get_compiler(using=DEFAULT_DB_ALIAS).execute_sql()
    waiting.clear()


def _reader(field: Field[Any, Any]) -> Callable[[Any], Any]:
    """From JSON to what the column takes; raises Refused."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    given = field
    if isinstance(given, models.JSONField):
        return lambda value: value
    if isinstance(given, models.BinaryField):
        return lambda value: None if value is None else base64.b64decode(value)
    if isinstance(given, models.DateTimeField):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(given, models.DurationField):
        return lambda value: None if value is None else parse_duration(value)
    return given.to_python


def _count_on(written: Sequence[type[Model]]) -> None:
    """PostgreSQL counts rows by itself, beside the tables; SQLite sees the highest."""
    connection = connections[DEFAULT_DB_ALIAS]
    statements = connection.ops.sequence_reset_sql(no_style(), list(written))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def empty(apps: Apps = current_apps) -> None:
    """Take away the few rows that an installation makes by itself."""
    config = apps.get_app_config(APP)
    for model in config.get_models(include_auto_created=True):
        model._base_manager.using(DEFAULT_DB_ALIAS).all()._raw_delete(DEFAULT_DB_ALIAS)
