"""What a migration may do while the panel serves: nothing that locks a big table, breaks the code of the
release before, or cannot go back.

PostgreSQL takes a lock that keeps everybody out for as long as it rewrites a table, checks a constraint or
builds an index. The release before runs until its processes are restarted, so what it reads stays, and what
it does not write has a default in the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.postgres import operations as postgres
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

LEAST_REASON = 30
_GONE_NEXT = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.DeleteModel,
    migrations.AlterModelTable,
)


def objections(migration: Any, state: ProjectState) -> list[str]:
    """A sentence for each operation that may not be; `state` is the one before it.

    `safe_because = {index: reason}` on the migration excuses one operation, with a reason for people.
    """
    found = []
    excused: Mapping[int, str] = getattr(migration, "safe_because", {})
    made: set[str] = set()
    for index, operation in enumerate(migration.operations):
        problems = list(_problems(operation, state, migration.app_label, made))
        if problems and index in excused:
            short = len(excused[index]) < LEAST_REASON
            problems = [f"say the reason in a sentence, not “{excused[index]}”"] if short else []
        found += [f"{index} {type(operation).__name__}: {each}" for each in problems]
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
        elif isinstance(operation, migrations.AddField | migrations.AlterField):
            # Later operations are judged by what this one leaves.
            state = state.clone()
            operation.state_forwards(migration.app_label, state)
    return found


def _problems(operation: Operation, state: ProjectState, app: str, made: set[str]) -> Iterator[str]:
    if not operation.reversible:
        yield "it cannot go back; give it a way back"
    if getattr(operation, "model_name_lower", "") in made:
        return  # the table is empty
    if isinstance(operation, _GONE_NEXT):
        yield "the release before still uses it; stop using it in one release and take it away in the next"
    elif isinstance(operation, migrations.AddField):
        yield from _new_column(operation.field)
    elif isinstance(operation, migrations.AlterField):
        before = state.models[app, operation.model_name_lower].fields[operation.name]
        yield from _changed_column(before, operation.field)
    elif isinstance(operation, migrations.AddIndex):
        if not isinstance(operation, postgres.AddIndexConcurrently):
            yield "writers wait while it is built; build it CONCURRENTLY, where the database can"
    elif isinstance(operation, migrations.AddConstraint):
        if isinstance(operation.constraint, models.CheckConstraint):
            if not isinstance(operation, postgres.AddConstraintNotValid):
                yield "all rows are checked under a lock; add it NOT VALID, and validate it a release later"
        else:
            yield "an index is built under a lock; build it CONCURRENTLY first"
    elif isinstance(operation, migrations.RunPython | migrations.RunSQL):
        yield "it may change many rows in one transaction; say why it does not, or in what batches it does"


def _new_column(field: Any) -> Iterator[str]:
    if field.many_to_many:
        return
    if not field.null and not field.has_db_default() and not field.generated:
        yield "the release before would write rows without it; make it null, or give it a db_default"
    if field.unique or field.db_index:
        yield "its index is built under a lock; add it without, and build the index CONCURRENTLY"
    elif field.remote_field and getattr(field, "db_constraint", False):
        yield "its foreign key is checked under a lock of both tables; add it without, then NOT VALID"


def _changed_column(before: Any, after: Any) -> Iterator[str]:
    kept = type(before) is type(after)
    shorter = (after.max_length or 1 << 30) < (before.max_length or 1 << 30)
    if not kept or shorter:
        yield "another type rewrites the table; add a column, fill it in batches, use it a release later"
    if before.null and not after.null:
        yield "all rows are checked under a lock; add a constraint NOT VALID first"
    if (after.unique and not before.unique) or (after.db_index and not before.db_index):
        yield "its index is built under a lock; build it CONCURRENTLY"
