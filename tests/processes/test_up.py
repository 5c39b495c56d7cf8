"""`manage.py up`, whole: it starts, tells where it is, does the story, starts again and leaves nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.running import ROOT, Up, clean_environment, processes, running

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with running(tmp_path) as up:
        yield up


def test_it_starts_tells_its_story_starts_again_and_leaves_nothing(up: Up) -> None:
    link = up.start()
    assert up.get("/healthz") == (200, '{"ok": true}')
    assert json.loads(up.get("/readyz")[1])["ok"]
    assert up.get(link.removeprefix(up.base))[0] == 200
    tell_the_story(up, link)
    assert up.stop() == 0
    assert processes(up.mark) == {}
    assert "Traceback" not in up.text()

    again = up.start()
    assert again != link
    assert up.get("/healthz")[0] == 200
    assert up.text().count("seeded") == 1
    assert up.stop() == 0
    assert processes(up.mark) == {}
    assert "Traceback" not in up.text()


def tell_the_story(up: Up, link: str) -> None:
    for program in ("curl", "b2sum"):
        assert shutil.which(program), f"{program} is missing: the story is told by curl"
    done = subprocess.run(
        ["sh", str(ROOT / "docs" / "story.sh"), link, str(up.data)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{up.text()}"
    assert done.stdout.splitlines()[-1] == "arrived"
