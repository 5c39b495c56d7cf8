"""`bin/test --all` leaves nothing out: skips fail, and the second database gets the tests that use one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPS = """
import pytest

@pytest.fixture
def absent():
    pytest.skip("no chromium here")

@pytest.mark.skip(reason="lazy")
def test_marked(): ...

def test_called():
    pytest.skip("not today")

def test_by_fixture(absent): ...

@pytest.mark.xfail(reason="known")
def test_known():
    assert False

def test_runs(): ...
"""
DATABASE = """
import pytest

@pytest.fixture
def db(): ...

@pytest.fixture
def alice(db): ...

def test_by_fixture(alice): ...

@pytest.mark.django_db
def test_by_mark(): ...

def test_pure(): ...
"""


def run(folder: Path, text: str, *words: str, **environment: str) -> str:
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = django_db\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        "pytest.ini",
        "-p",
        "no:django",
        "-p",
        "no:randomly",
    ]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return f"{done.returncode} {done.stdout.splitlines()[-1]}"


@pytest.mark.parametrize(
    ("strict", "outcome"),
    [("0", "0 1 passed, 3 skipped, 1 xfailed"), ("1", "1 1 failed, 1 passed, 1 xfailed, 2 errors")],
)
def test_a_skip_fails_when_nothing_may_be_left_out(tmp_path: Path, strict: str, outcome: str) -> None:
    assert run(tmp_path, SKIPS, "-p", "tests.no_skips", ROOKERY_NO_SKIPS=strict).startswith(outcome)


def test_a_module_that_skips_itself_fails_too(tmp_path: Path) -> None:
    text = "import pytest\npytest.importorskip('no_such_module')\n"
    assert run(tmp_path, text, "-p", "tests.no_skips", ROOKERY_NO_SKIPS="1").startswith("2 1 error")


def test_only_tests_of_the_database_go_to_the_second_one(tmp_path: Path) -> None:
    assert run(tmp_path, DATABASE, "-p", "tests.only_database").startswith("0 2 passed, 1 deselected")
