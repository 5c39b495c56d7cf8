"""Images and backups of a test are in its own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.host_world import own_images


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return tmp_path / "backups"
