"""Backups by the schedule of workers, and by the commands."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from tenants.models import Installation, Organization
from tests.backup.world import MINE, SEAL, wipe
from workers.backup import making, schedule
from workers.backup.making import make_backup
from workers.backup.restoring import check, restore
from workers.backup.seals import Refused

pytestmark = pytest.mark.django_db(transaction=True)

# by itself ---------------------------------------------------------------------------------------------


def test_workers_make_the_one_that_is_due(places: Path, settings: Any, db: None) -> None:
    Installation.current_id()
    assert not schedule.due_backups(timezone.now()).exists(), "no folder is named"
    settings.BACKUPS, settings.BACKUP_KEY = places, SEAL.public
    assert schedule.back_up()
    here = Installation.objects.get()
    assert here.backed_up_at is not None
    assert not schedule.back_up(), "one is enough for today"
    later = timezone.now() + settings.BACKUP_EVERY + timedelta(minutes=1)
    assert schedule.due_backups(later).exists()
    assert len(making.backups_in(places)) == 1


def test_what_hinders_is_told(places: Path, settings: Any, db: None) -> None:
    Installation.current_id()
    places.write_text("in the way")
    settings.BACKUPS, settings.BACKUP_KEY = places, SEAL.public
    assert not schedule.back_up()
    here = Installation.objects.get()
    assert "cannot be written" in here.backup_problem
    assert here.backed_up_at is None
    assert not schedule.due_backups(timezone.now()).exists(), "not again and again"


# by the commands ---------------------------------------------------------------------------------------


def test_one_command_each(
    places: Path, settings: Any, tmp_path: Path, organization: Organization, capsys: Any
) -> None:
    private = tmp_path / "away" / "backup.key"
    call_command("backup", new_key=private)
    [line] = [each for each in capsys.readouterr().out.splitlines() if each.startswith("ROOKERY_BACKUP_KEY=")]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="nothing to seal"):
        call_command("backup", to=places)
    settings.BACKUP_KEY = line.partition("=")[2]
    call_command("backup", to=places)
    [file] = making.backups_in(places)
    assert str(file) in capsys.readouterr().out
    call_command("restore", str(file), key=private, check=True)
    assert "Nothing was written" in capsys.readouterr().out
    with pytest.raises(CommandError, match="in use"):
        call_command("restore", str(file), key=private, keys_into=tmp_path / "keys")
    with pytest.raises(CommandError, match="--key"):
        call_command("restore", str(file))
    wipe()
    call_command("restore", str(file), key=private, keys_into=tmp_path / "keys")
    told = capsys.readouterr().out
    assert "0 targets wait" in told
    assert Organization.objects.get() == organization
    for secret in (private.read_text().strip(), settings.SECRET_KEY, settings.WORKERS_KEY):
        assert secret not in told


def test_a_backup_of_a_newer_rookery_is_refused(
    places: Path, organization: Organization, monkeypatch: Any
) -> None:

    applied = {("tenants", "0001_initial"): None, ("tenants", "0099_of_tomorrow"): None}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: applied)
    made = make_backup(places, SEAL, keep=2)
    monkeypatch.undo()
    assert "0099_of_tomorrow" in check(made.path, MINE).migrations
    wipe()
    with pytest.raises(Refused, match="newer Rookery"):
        restore(made.path, MINE, keys_into=places / "keys")
