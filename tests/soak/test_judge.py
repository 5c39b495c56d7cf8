"""The soak's judge finds what is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from tests.soak import judge
from tests.soak.world import Place
from workers.repository.mirror import git_environment


def test_who_waits_much_longer_than_the_middle_was_starved() -> None:
    fair = {"a": [1.0, 2.0, 3.0], "b": [2.0, 2.5, 4.0], "c": [1.0, 1.0, 5.0]}
    assert judge.starved(fair, lease=2.0) == []
    assert judge.starved({**fair, "d": [1.0, 90.0, 90.0]}, lease=2.0)[0].startswith("d waited")
    assert judge.starved({**fair, "d": []}, lease=2.0) == ["nothing of d was proved"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True, env=git_environment())
    return Place(cast("Any", "a.example"), cast("Any", None), tmp_path)


def commit(place: Place, generation: int, text: str) -> None:
    (place.folder / "ada").write_text(text)
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subject = f"One\n\nRookery-Generation: {generation}\n"
    for words in (["add", "ada"], [*who, "commit", "-q", "--allow-empty", "-m", subject]):
        subprocess.run(["git", "-C", str(place.folder), *words], check=True, env=git_environment())


def test_each_commit_is_for_something_new(place: Place) -> None:
    commit(place, 2, "one")
    commit(place, 5, "two")
    assert judge.wrong_history(place) == []
    commit(place, 5, "three")
    assert judge.wrong_history(place) == ["a.example: two commits for generation 5"]
    commit(place, 6, "three")
    assert "a.example: an empty commit for generation 6" in judge.wrong_history(place)
