"""A small soak, in which each thing goes wrong about once; on PostgreSQL, as `bin/soak` is."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from tests.soak.soak import Size, soak

SMALL = Size(
    changes=30,
    organizations=3,
    domains=1,
    workers=2,
    webs=1,
    zone=True,
    server=False,
    host=True,
    lease=12.0,
    pause=0.2,
    calm=1.0,
    longest=0.5,
    settle=120.0,
)

if "postgresql" in settings.DATABASES["default"]["ENGINE"]:

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.timeout(400)
    def test_all_that_was_asked_for_is_outside_once(tmp_path: Path) -> None:
        """Whether somebody was starved is for a longer one; a slow machine makes fewer changes."""
        said: list[str] = []
        result = soak(SMALL, seed=7, folder=tmp_path, say=said.append)
        assert result.wrong == [], "\n".join(said)
        assert result.happened.total() > 0
        assert result.changes > 0
