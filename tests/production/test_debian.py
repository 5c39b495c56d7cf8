"""docker/debian: the path of docs/install.md, followed as far as a folder goes, and its units.

Debian's packages are not installed here, and nothing is started: that needs a machine of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from panel.management.commands.up import WORKERS
from tests.production.composed import DOCKER, ROOT

DEBIAN = DOCKER / "debian"
UNITS = sorted(DEBIAN.glob("rookery*.service"))
# What systemd finds on every machine, and what ours come after.
AROUND = ("sysinit.target", "basic.target", "shutdown.target", "network-online.target", "multi-user.target")
# Of 10: at 5 one begins to say medium, without any hardening it is 9.6.
MOST_EXPOSED = 2.5


def lines(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+)=(.*)$", path.read_text(), re.M)


def environment(unit: Path) -> dict[str, str]:
    """What a unit's process is told, with its credentials as `%d/NAME`."""
    told = " ".join(rest for name, rest in lines(unit) if name == "Environment")
    return dict(word.split("=", 1) for word in shlex.split(told))


def credentials(unit: Path) -> dict[str, str]:
    return dict(rest.split(":", 1) for name, rest in lines(unit) if name == "LoadCredential")


def settings_file(path: Path) -> dict[str, str]:
    return {name: shlex.split(rest)[0] if rest else "" for name, rest in lines(path)}


def install(folder: Path) -> str:
    done = subprocess.run(
        [DEBIAN / "install", "--stage", folder],
        env={**os.environ, "ROOKERY_PYTHON": sys.executable},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation in a folder, made twice: the second time nothing that somebody wrote may change."""
    folder = tmp_path_factory.mktemp("stage")
    assert "Nothing was started" in install(folder)
    mine = {"etc/rookery/settings.env": "ROOKERY_TIME_ZONE=Europe/Paris", "etc/caddy/Caddyfile": "# mine"}
    for path, line in mine.items():
        text = (folder / path).read_text()
        (folder / path).write_text(f"{text}{line}\n")
    kept = {each: each.read_bytes() for each in (folder / "etc").rglob("*") if each.is_file()}
    (folder / "opt/rookery/app/panel/left-over.py").touch()
    install(folder)
    assert {each: each.read_bytes() for each in (folder / "etc").rglob("*") if each.is_file()} == kept
    assert not (folder / "opt/rookery/app/panel/left-over.py").exists()
    return folder


def test_files_lie_where_only_who_needs_them_reads_them(stage: Path) -> None:
    keys = stage / "etc/rookery/keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in keys.iterdir()} == {0o600}
    assert (stage / "var/lib/rookery").stat().st_mode & 0o7777 == 0o2770
    app = stage / "opt/rookery/app"
    assert {each.name for each in app.iterdir()} == {
        "manage.py", "panel", "tenants", "workers", "templates", "static", "docs", "requirements", "docker",
        "bin",
    }  # fmt: skip
    # docs/command-line.md names this path.
    told = subprocess.run([app / "bin/rookery", "help"], capture_output=True, text=True, check=False)
    assert "mailboxes" in told.stdout, told.stderr
    assert not any(each.stat().st_mode & 0o022 for each in app.rglob("*"))
    told = (stage / "etc/systemd/system/caddy.service.d/rookery.conf").read_text()
    assert "ROOKERY_NAME=panel.example.org ROOKERY_WEB=127.0.0.1:8000" in told


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_is_handed_what_it_needs_and_no_more(unit: Path, stage: Path) -> None:
    handed, told = credentials(unit), environment(unit)
    assert {value.removeprefix("%d/") for value in told.values() if value.startswith("%d/")} == set(handed)
    for path in handed.values():
        assert (stage / path.removeprefix("/")).is_file()
    user = dict(lines(unit))["User"]
    works = user == "rookery-work"
    assert works == (unit.name in {"rookery-worker@.service", "rookery-watch.service"})
    assert ("workers_key" in handed, "smtp_password" in handed) == (works, works)
    assert ("metrics_token" in handed) == (unit.name == "rookery-web.service")


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("rookery-web.service", "import panel.asgi"),
        ("rookery-worker@.service", "import panel.settings as s; assert s.WORKERS_KEY"),
    ],
)
def test_rookery_starts_with_what_its_unit_is_given(
    unit: str, words: str, stage: Path, tmp_path: Path
) -> None:
    given = settings_file(stage / "etc/rookery/settings.env") | environment(DEBIAN / unit)
    files = {name: str(stage / path.removeprefix("/")) for name, path in credentials(DEBIAN / unit).items()}
    given = {name: files[each[3:]] if each.startswith("%d/") else each for name, each in given.items()}
    done = subprocess.run(
        [sys.executable, "-c", words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given, "ROOKERY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_queue_has_its_worker_as_in_the_demo() -> None:
    said = {
        each.stem: [f"--concurrency={told['CONCURRENCY']}", f"--queues={told['QUEUES']}"]
        for each in (DEBIAN / "workers").glob("*.env")
        for told in [settings_file(each)]
    }
    assert said == WORKERS
    wanted = set(re.findall(r"rookery-worker@(\w+)\.service", (DEBIAN / "rookery.target").read_text()))
    assert wanted == set(WORKERS)


@pytest.mark.debian
def test_systemd_takes_the_units_and_calls_them_confined(stage: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs Debian's systemd: apt install systemd")
    programs = stage / "opt/rookery/venv/bin"
    programs.mkdir(parents=True)
    for name in ("python", "uvicorn", "celery"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    system = stage / "etc/systemd/system"
    for name in AROUND:
        (system / name).write_text("[Unit]\nDescription=of every machine\n")
    people = ("root", "rookery-web", "rookery-work")
    (stage / "etc/passwd").write_text("".join(f"{name}:x:99:99::/:/bin/sh\n" for name in people))
    names = [each.name.replace("@.", "@scout.") for each in UNITS]
    words = ["systemd-analyze", "--no-pager", f"--root={stage}"]
    paths = [f"/etc/systemd/system/{name}" for name in (*names, "rookery.target")]
    verified = subprocess.run(
        [*words, "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        [*words, "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    levels = [float(each) for each in re.findall(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)]
    assert len(levels) == len(names), rated.stderr
    assert max(levels) <= MOST_EXPOSED


def test_the_rehearsal_follows_the_document() -> None:
    """Its commands are read from docs/install.md, and each of them is there to be followed."""
    done = subprocess.run(
        [DEBIAN / "rehearse", "--plan"], cwd="/", capture_output=True, text=True, check=True
    )
    first, edit, second, operator = done.stdout.splitlines()
    assert first == second
    assert os.access(ROOT / first, os.X_OK)
    assert edit == "editor /etc/rookery/settings.env"
    program, command, _ = operator.split()
    assert (DEBIAN / program).is_file()
    assert list(ROOT.glob(f"*/management/commands/{command}.py"))
    refused = subprocess.run([DEBIAN / "rehearse", "--now"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--now" in refused.stderr
