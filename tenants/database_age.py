"""Whether the database was migrated by a newer Rookery than this one: then this one keeps its hands off it.

Its code does not know columns that are there, and would leave them out of what it writes.
"""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

APP = "tenants"


class DatabaseIsNewer(Exception):
    """The database has migrations that this Rookery does not."""


def unknown_to(loader: MigrationLoader) -> list[str]:
    """Names of migrations that were applied and that this code does not have."""
    applied = {name for app, name in loader.applied_migrations if app == APP}
    known = {name for app, name in loader.disk_migrations if app == APP}
    replaced = {name for each in loader.disk_migrations.values() for app, name in each.replaces if app == APP}
    return sorted(applied - known - replaced)


def sentence(newer: list[str]) -> str:
    return (
        f"The database was migrated by a newer Rookery ({newer[-1]}). Start that one, or one that is newer"
        " still; or restore a backup of this version's into an empty database."
    )


def require_known_database() -> None:
    """Raises DatabaseIsNewer. A database that does not answer now is asked again by whoever needs it."""
    try:
        newer = unknown_to(MigrationLoader(connection))
    except DatabaseError:
        return
    finally:
        connection.close()
    if newer:
        raise DatabaseIsNewer(sentence(newer))
