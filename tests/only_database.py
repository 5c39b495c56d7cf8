"""Keeps only the tests that use the database (`-p tests.only_database`), for a run on another database.

Those marked `one_database` are about who may do what, or about the outside, whatever keeps the rows.
"""

from __future__ import annotations

import pytest

from tests.touching import touches_database


def uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("one_database") is None and touches_database(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not uses_database(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if uses_database(item)]
