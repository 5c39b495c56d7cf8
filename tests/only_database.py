"""Keeps only the tests that use the database (`-p tests.only_database`), for a run on another database.

Those marked `one_database` are about who may do what, whatever keeps the rows.
"""

from __future__ import annotations

import pytest

FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_server"})


def uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("one_database") is not None:
        return False
    return item.get_closest_marker("django_db") is not None or bool(
        FIXTURES.intersection(getattr(item, "fixturenames", ()))
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not uses_database(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if uses_database(item)]
