"""Settings that would open a trial to the world stop the start; nothing of the sandbox exists without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tenants.actions import repositories
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Account, Domain, Organization, Repository

ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    kept.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-c", "from panel import settings; print(settings.SANDBOX, settings.DEBUG)"],
        cwd=ROOT,
        env={**kept, "ROOKERY_DATA": str(folder), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


REAL_USE = {
    "ROOKERY_URL": "https://panel.example.org",
    "ROOKERY_HOSTS": "127.0.0.2,panel.example.org",
    "ROOKERY_BEHIND_PROXY": "1",
    "ROOKERY_TRUSTED_PROXIES": "127.0.0.1",
    "ROOKERY_SMTP_HOST": "smtp.example.org",
    "DATABASE_URL": "postgresql://rookery:swordfish@db.example.org/rookery",
}


@pytest.mark.parametrize("name", REAL_USE)
def test_a_trial_stays_on_this_machine(name: str, tmp_path: Path) -> None:
    for switch in ("ROOKERY_SANDBOX", "ROOKERY_DEBUG"):
        refused = start(tmp_path, **{switch: "1", name: REAL_USE[name]})
        assert refused.returncode != 0
        assert f"{switch} is on" in refused.stderr
        assert name in refused.stderr.splitlines()[-1]
        assert "swordfish" not in refused.stderr


def test_without_a_trial_they_are_welcome(tmp_path: Path) -> None:
    done = start(tmp_path, **REAL_USE)
    assert (done.returncode, done.stdout.split()) == (0, ["False", "False"]), done.stderr


def test_a_trial_on_loopback_starts(tmp_path: Path) -> None:
    done = start(
        tmp_path,
        ROOKERY_SANDBOX="1",
        ROOKERY_URL="http://localhost:8123",
        ROOKERY_HOSTS="127.0.0.5,::1",
        DATABASE_URL="postgresql:///rookery?host=/run/postgresql",
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True", "False"]), done.stderr


@pytest.mark.parametrize("days", ["0", "-1", "367", "soon"])
def test_a_time_to_confirm_that_makes_no_sense(days: str, tmp_path: Path) -> None:
    refused = start(tmp_path, ROOKERY_CONFIRM_DAYS=days)
    assert refused.returncode != 0
    assert "ROOKERY_CONFIRM_DAYS" in refused.stderr.splitlines()[-1]


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["sandbox", "seed_sandbox"])
def test_nothing_of_the_sandbox_is_made_without_it(command: str, settings: Any, tmp_path: Path) -> None:
    settings.SANDBOX = False
    settings.SANDBOX_CONTROL = tmp_path / "sandbox" / "control.sock"
    with pytest.raises(CommandError, match="ROOKERY_SANDBOX=1"):
        call_command(command)
    assert not (tmp_path / "sandbox").exists()
    assert not Account.objects.exists()
    assert not Organization.objects.exists()


@pytest.mark.django_db
def test_a_repository_cannot_ask_for_the_sandbox_without_it(
    alice: Actor, domain: Domain, settings: Any
) -> None:
    settings.SANDBOX = False
    given: dict[str, Any] = {"host": "git.example.org", "path": "relay.git", "reload": "sandbox"}
    with pytest.raises(Invalid) as refused:
        repositories.connect_repository(actor=alice, domain=domain, **given)
    assert [(each.field, each.fix) for each in refused.value.problems] == [("reload", "Choose hand.")]
    settings.SANDBOX = True
    repositories.connect_repository(actor=alice, domain=domain, **given)
    assert Repository.objects.get().reload == "sandbox"
