"""The soak's judge finds what is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from tests.soak import judge
from tests.soak.places import Addresses
from workers.repository.mirror import git_environment


def test_who_waits_much_longer_than_the_middle_was_starved() -> None:
    fair = {"a": [1.0, 2.0, 3.0], "b": [2.0, 2.5, 4.0], "c": [1.0, 1.0, 5.0]}
    assert judge.starved(fair, lease=2.0) == []
    assert judge.starved({**fair, "d": [1.0, 90.0, 90.0]}, lease=2.0)[0].startswith("d waited")
    assert judge.starved({**fair, "d": []}, lease=2.0) == ["nothing of d was proved"]


@pytest.fixture
def place(tmp_path: Path) -> Addresses:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True, env=git_environment())
    return Addresses(cast("Any", "a.example"), None, tmp_path)


def commit(place: Addresses, generation: int, number: int) -> None:
    (place.folder / "ada").write_text(f'{{"n": {number}}}')
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subject = f"One\n\nRookery-Generation: {generation}\n"
    for words in (["add", "ada"], [*who, "commit", "-q", "--allow-empty", "-m", subject]):
        subprocess.run(["git", "-C", str(place.folder), *words], check=True, env=git_environment())


def test_each_commit_is_for_something_new(place: Addresses) -> None:
    commit(place, 2, 1)
    commit(place, 5, 2)
    commit(place, 5, 3)
    assert place.problems(3) == []
    assert (place.now(), place.made()) == ({"ada": {"n": 3}}, {"ada": [{"n": 1}, {"n": 2}, {"n": 3}]})
    commit(place, 6, 3)
    assert place.problems(3) == ["a.example: an empty commit for generation 6"]
    commit(place, 4, 4)
    assert "a.example: a commit for generation 4 after one for 6" in place.problems(4)


def test_what_is_lost_too_much_or_otherwise_is_told() -> None:
    asked = {"ada": ["one", "two"], "bob": ["one", None], "eve": ["one"]}
    assert judge.wrong_now("here", asked, {"ada": "two", "eve": "one"}) == []
    assert judge.wrong_now("here", asked, {"ada": "one", "bob": "one"}) == [
        "here: eve is lost",
        "here: bob should be gone",
        "here: ada is not as asked",
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (["one", None, "two"], ""),
        (["one", "two"], ""),  # nobody came to the end in between
        ([], ""),
        (["one", "two", "two"], "two once more, as number 3 of 3"),
        (["one", "two", None], "None although nobody asked for it then, as number 3 of 3"),
        (["one", None, "one"], "one once more, as number 3 of 3"),
        (["three"], "three although nobody asked for it then, as number 1 of 1"),
    ],
)
def test_what_comes_twice_or_in_another_order_is_told(made: list[str | None], said: str) -> None:
    asked: dict[str, list[Any]] = {"ada": ["one", None, "two"]}
    wanted = [f"here: ada became {said}; asked for were {asked['ada']}, made {made}"] if said else []
    assert judge.wrong_order("here", asked, {"ada": list(made)}) == wanted
