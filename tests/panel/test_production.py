"""Real use: nothing is guessed, nothing is made that others do not share, and Django warns of nothing."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import signals

import workers.celery
from tenants import keys
from tenants.secrets import CannotOpen, Opener, Purpose, seal

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {
    "ROOKERY_PRODUCTION": "1",
    "ROOKERY_URL": "https://panel.example.org",
    "ROOKERY_BEHIND_PROXY": "1",
    "ROOKERY_TRUSTED_PROXIES": "192.0.2.1",
    "ROOKERY_SECRET_KEY": "a-long-text-with-many-letters-0123456789-9876543210-zyxwv",
    "ROOKERY_SMTP_HOST": "smtp.example.org",
    "ROOKERY_MAIL_FROM": "Rookery <rookery@example.org>",
    "DATABASE_URL": "postgresql://rookery:swordfish@db.example.org/rookery",
    "REDIS_URL": "redis://:swordfish@broker.example.org:6379/0",
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys made before anything else runs, as an installation makes them."""
    folder = tmp_path_factory.mktemp("keys")
    done = run([sys.executable, "-m", "tenants.keys", str(folder)], {})
    assert done.returncode == 0, done.stderr
    assert {each.name for each in folder.iterdir()} == {keys.WEB, keys.PRIVATE, keys.PUBLIC}
    for each in folder.iterdir():
        assert each.stat().st_mode & 0o777 == 0o600
        assert each.read_text().split()[0] not in done.stdout
    return folder


def run(words: list[str], given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    for name in ("DATABASE_URL", "REDIS_URL"):
        kept.pop(name, None)
    return subprocess.run(
        words, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True, check=False, timeout=60
    )


def load(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, with all that production needs and what is given."""
    words = [sys.executable, "-c", "import panel.settings"]
    return run(words, {**GIVEN, "ROOKERY_DATA": str(folder), **given})


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    assert "swordfish" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_the_deployment_check_is_clean(pair: Path, tmp_path: Path) -> None:
    done = run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"],
        {**GIVEN, "ROOKERY_DATA": str(tmp_path), "ROOKERY_WORKERS_PUBLIC_KEY_FILE": str(pair / keys.PUBLIC)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("System check identified no issues")
    assert not (tmp_path / "keys").exists()


def test_what_is_missing_is_named_all_at_once(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", "import panel.settings"],
        {"ROOKERY_PRODUCTION": "1", "ROOKERY_DATA": str(tmp_path)},
    )
    said = refused(done)
    for name in ("ROOKERY_URL", "ROOKERY_SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ROOKERY_MAIL_FROM"):
        assert name in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ROOKERY_URL": "http://panel.example.org"}, "without TLS"),
        ({"ROOKERY_SANDBOX": "1"}, "ROOKERY_SANDBOX is on"),
        ({"ROOKERY_WORKERS_PUBLIC_KEY": ""}, "ROOKERY_WORKERS_PUBLIC_KEY is missing"),
    ],
)
def test_it_starts_closed(given: dict[str, str], words: str, pair: Path, tmp_path: Path) -> None:
    public = {"ROOKERY_WORKERS_PUBLIC_KEY": (pair / keys.PUBLIC).read_text()}
    assert words in refused(load(tmp_path, **{**public, **given}))
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("entry", ["asgi", "wsgi"])
def test_a_web_process_does_not_start_with_the_workers_key(entry: str, settings: Any) -> None:
    path = str(ROOT / "panel" / f"{entry}.py")
    settings.PRODUCTION = True
    with pytest.raises(SystemExit, match="Rookery cannot start: A web process may not have the workers' key"):
        runpy.run_path(path)
    settings.WORKERS_KEY = ""
    assert callable(runpy.run_path(path)["application"])


@pytest.mark.parametrize(
    "words",
    [
        ["uvicorn", "panel.asgi:application"],
        ["celery", "-A", "workers.celery", "beat"],
        ["manage.py", "watch"],
    ],
    ids=lambda words: words[0],
)
def test_every_program_refuses_in_one_sentence(words: list[str], tmp_path: Path) -> None:
    """Who reads the journal finds what to write, not where in the code it was missed."""
    start = [sys.executable, "-m", *words] if words[0] != "manage.py" else [sys.executable, *words]
    done = run(start, {**GIVEN, "ROOKERY_DATA": str(tmp_path), "ROOKERY_PORT": "http"})
    assert done.returncode == 1
    assert done.stderr == (
        "Rookery cannot start: The setting ROOKERY_PORT is 'http'. Choose a port from 1 to 65535.\n"
    )


def test_a_worker_does_not_start_without_it(settings: Any) -> None:
    """Celery logs what its listeners raise and goes on; this has to come through."""
    assert workers.celery.app
    settings.PRODUCTION = True
    signals.worker_init.send(sender=None)
    settings.WORKERS_KEY = ""
    with pytest.raises(SystemExit, match="needs the workers' key"):
        signals.worker_init.send(sender=None)


def test_a_web_process_seals_and_cannot_open(settings: Any) -> None:
    sealed = seal(Purpose.SSH_KEY, "canary")
    assert b"canary" not in sealed
    settings.WORKERS_KEY = ""
    assert seal(Purpose.SSH_KEY, "canary") != sealed
    with pytest.raises(CannotOpen, match="does not hold the workers' key"):
        Opener()
