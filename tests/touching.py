"""Which tests touch a database."""

from __future__ import annotations

import pytest

FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_server"})


def touches_database(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("django_db") is not None
    return marked or bool(FIXTURES.intersection(getattr(item, "fixturenames", ())))
