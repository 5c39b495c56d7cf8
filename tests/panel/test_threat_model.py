"""docs/threat-model.md says nothing that no test holds, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_test_exists() -> None:
    named = TEST.findall(TEXT)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []


def test_whatever_cannot_be_done_is_held_by_a_test() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TEXT.splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]
    unheld, cannot = [], 0
    for row in rows:
        if "cannot" in row:
            cannot = row.index("cannot")
        elif row[cannot] and not TEST.search(row[-1]):
            unheld.append(row[0])
    assert len(rows) > 20
    assert unheld == []


def test_whoever_steals_something_is_told_what_to_do() -> None:
    """Each table of the page has a way back in SECURITY.md; commands that it names exist."""
    security = (ROOT / "SECURITY.md").read_text()
    for command in set(re.findall(r"manage\.py (\w+)", security)):
        assert list(ROOT.glob(f"*/management/commands/{command}.py")), command
    for path in re.findall(r"\]\(([\w/.-]+)\)", security):
        assert (ROOT / path).exists(), path
