from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.world import UserRepository, entry
from workers.sandbox.control import Addresses, Sandbox


@pytest.fixture
def repository(tmp_path: Path) -> UserRepository:
    made = UserRepository(tmp_path / "repositories" / "our.git")
    made.commit({"john": entry("jane@ext.test")})
    return made


@pytest.fixture
def sandbox(tmp_path: Path, repository: UserRepository) -> Iterator[Sandbox]:
    with Sandbox(
        tmp_path / "data", repositories=tmp_path / "repositories", addresses=Addresses(free_ports=True)
    ) as started:
        started.add_domain("our.test", repository.path, "main")
        yield started
