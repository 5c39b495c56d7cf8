"""The bench itself, on tiny sizes: what it prints, not whether goals are met; and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.measure import Measure

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "build and push",
    "one mailbox of 30 changed over SSH, ms; floor: a hand-made thin pack",
    "one mailbox of 30 changed over SSH, ms; floor: git clone, edit, commit, push",
    "5 queued edits in one domain of 30, commits",
    "5 queued edits in one domain of 30, tasks",
    "5 queued edits in one domain of 30, ms; floor: as many commits in a kept work tree",
    "no-op pass over 3 domains of 4, with a shell, commands on the host",
    "no-op pass over 3 domains of 4, with a shell, ms",
    "no-op pass over 3 domains of 4, git only, ms",
    "JSON list of 5 mailboxes, CPU ms",
    "JSON list of 5 mailboxes, queries",
    "HTML list of 5 mailboxes, CPU ms of drawing",
    "mix of pages and API by 4 clients, 1 web processes, CPU ms a request; floor: bare Django",
    "mix of pages and API by 4 clients, 1 web processes, ms between answers; floor: bare Django",
    "mix of pages and API by 4 clients, 1 web processes, p50 ms; floor: bare Django",
    "mix of pages and API by 4 clients, 1 web processes, p99 ms; floor: its p50",
    "mix of pages and API by 4 clients, 1 web processes, errors and one; floor: 1",
    "create of 10 MiB, encode ms; floor: asn1tools",
    "create of 10 MiB, extra MiB; floor: the image",
]


def bench(folder: Path, *words: str) -> subprocess.Popen[str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench", *words],
        cwd=ROOT,
        env={**mine, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def left_behind(folder: Path) -> list[str]:
    """Files in the temporary folder, and processes that were started with it in their environment."""
    found = [str(path) for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.timeout(120)
def test_it_measures_everything_and_leaves_nothing(tmp_path: Path) -> None:
    running = bench(tmp_path, "--tiny", "--host", "python")
    said, progress = running.communicate(timeout=110)
    lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert len(lines) == len(NAMES), progress
    for line, name in zip(lines, NAMES, strict=True):
        assert line["name"].startswith(name)
        assert set(line) == {"name", "value", "floor", "ratio", "goal", "ok"}
        assert line["value"] > 0
        assert line["floor"] > 0
        assert line["ratio"] == pytest.approx(line["value"] / line["floor"], rel=0.05, abs=1e-4)
        assert line["ok"] is (line["ratio"] <= line["goal"])
    assert running.returncode == int(not all(line["ok"] for line in lines)), progress
    assert [line["value"] for line in lines if line["name"].endswith("floor: 1")] == [1, 1, 1, 1]
    assert left_behind(tmp_path) == []


@pytest.mark.timeout(60)
def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    running = bench(tmp_path, "--quick", "--host", "python")
    assert running.stderr is not None
    for line in running.stderr:
        if "new entries in one commit" in line:
            break
    running.send_signal(signal.SIGINT)
    _, progress = running.communicate(timeout=50)
    assert running.returncode == 130, progress
    assert "nothing is left behind" in progress
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(("value", "ok"), [(4.9, True), (5.0, True), (5.1, False)])
def test_a_goal_is_met_up_to_its_ratio(value: float, ok: bool) -> None:
    measure = Measure("x", value, 10.0, 0.5)
    assert json.loads(measure.line())["ok"] is ok
