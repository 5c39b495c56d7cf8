"""Versions: what migrations may do to a big table, what an older Rookery does with a newer database, and what
a backup of an earlier release becomes."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from panel.lifespan import Started
from tenants import keys
from tenants.database_age import DatabaseIsNewer, require_known_database
from tenants.keys import public_half
from tenants.models import Organization, SyncTarget
from tenants.version import VERSION
from tests.backup.migration_rules import objections
from workers.backup import rows
from workers.backup.images import ImageStore
from workers.backup.making import make_backup, read_lines
from workers.backup.restoring import check, restore
from workers.backup.sealed_file import open_backup
from workers.backup.seals import Passphrase, PrivateHalf, PublicHalf

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ROOT / "tests" / "data" / "releases"
KEPT = Path(__file__).parent / "kept"


def test_one_version_everywhere() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert f'\nversion = "{VERSION}"\n' in project
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


# migrations -----------------------------------------------------------------------------------------------


def test_no_migration_locks_a_big_table_or_cannot_go_back() -> None:
    """After the first: that one makes empty tables."""
    loader = MigrationLoader(None)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app == "tenants" and not migration.initial:
            before = loader.project_state([each for each in migration.dependencies if each[0] == app])
            assert objections(migration, before) == [], name


STATE = MigrationLoader(None).project_state(("tenants", "0001_initial"))
RUN = "tenants.Run"


def text(**given: Any) -> migrations.AddField:
    return migrations.AddField("mailbox", "more", models.CharField(max_length=9, **given))


def link(**given: Any) -> migrations.AddField:
    return migrations.AddField("mailbox", "more", models.ForeignKey(RUN, models.CASCADE, null=True, **given))


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (text(), "db_default"),
        (text(default="x"), "db_default"),
        (text(null=True), ""),
        (text(db_default=""), ""),
        (text(null=True, unique=True), "index"),
        (link(), "index"),
        (link(db_index=False), "foreign key"),
        (migrations.AddField("mailbox", "more", models.ManyToManyField("tenants.Run")), ""),
        (migrations.AlterField("mailbox", "note", models.TextField()), "type"),
        (migrations.AlterField("mailbox", "note", models.CharField(max_length=100)), "type"),
        (migrations.AlterField("mailbox", "local_part", models.CharField(max_length=999)), "type"),
        (migrations.AddIndex("mailbox", models.Index(fields=["note"], name="x")), "CONCURRENTLY"),
        (migrations.AddConstraint("mailbox", models.UniqueConstraint(fields=["note"], name="x")), "index"),
        (
            migrations.AddConstraint(
                "mailbox", models.CheckConstraint(condition=models.Q(note=""), name="x")
            ),
            "NOT VALID",
        ),
        (migrations.RemoveField("mailbox", "note"), "release before"),
        (migrations.RenameField("mailbox", "note", "word"), "release before"),
        (migrations.RenameModel("Mailbox", "Address"), "release before"),
        (migrations.DeleteModel("Mailbox"), "release before"),
        (migrations.RunSQL("SELECT 1"), "back"),
        (migrations.RunPython(lambda apps, editor: None), "back"),
        (migrations.RunPython(lambda apps, editor: None, migrations.RunPython.noop), "batches"),
        (migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True))]), ""),
        (migrations.AlterModelOptions("mailbox", {"ordering": ["pk"]}), ""),
        (migrations.RemoveIndex("mailbox", "x"), ""),
        (migrations.RemoveConstraint("mailbox", "x"), ""),
    ],
)
def test_what_is_found(operation: Any, says: str) -> None:
    migration = migrations.Migration("0002_more", "tenants")
    migration.operations = [operation]
    found = objections(migration, STATE)
    assert bool(found) == bool(says), found
    assert says in " ".join(found)


def test_a_reason_is_enough_and_has_to_be_said() -> None:
    migration = migrations.Migration("0002_more", "tenants")
    migration.operations = [migrations.AddIndex("domain", models.Index(fields=["name"], name="x"))]
    assert objections(migration, STATE)
    migration.safe_because = {0: "A domain is one row; ten thousand of them are indexed within a second."}  # type: ignore[attr-defined]
    assert objections(migration, STATE) == []
    migration.safe_because = {0: "ok"}  # type: ignore[attr-defined]
    assert "reason" in objections(migration, STATE)[0]


# another version's database ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_newer_database_is_not_touched() -> None:
    require_known_database()
    assert asyncio.run(_started())["type"] == "lifespan.startup.complete"
    recorder = MigrationRecorder(connection)
    recorder.record_applied("tenants", "0099_of_tomorrow")
    try:
        with pytest.raises(DatabaseIsNewer, match="0099_of_tomorrow"):
            require_known_database()
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert "newer Rookery" in str(answer.json()["warnings"])
        assert "0099_of_tomorrow" in asyncio.run(_started())["message"]
    finally:
        recorder.record_unapplied("tenants", "0099_of_tomorrow")


async def _started() -> dict[str, Any]:
    """What the web process answers when its server starts."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

    async def send(event: Any) -> None:
        sent.append(event)

    async def nobody(*given: Any) -> None:
        raise AssertionError

    await Started(nobody)({"type": "lifespan"}, receive, send)
    return dict(sent[0])


# a backup of an earlier release --------------------------------------------------------------------------


@pytest.fixture
def tomorrow(settings: Any, transactional_db: None) -> Iterator[None]:
    """The next release's migrations: the present ones, and one more with a column more."""
    settings.MIGRATION_MODULES = {"tenants": "tests.backup.tomorrow.migrations"}
    call_command("migrate", verbosity=0, interactive=False)
    yield
    call_command("migrate", "tenants", "0001_initial", verbosity=0, interactive=False)


PRIVATE = keys.new_private()


@pytest.mark.django_db(transaction=True)
def test_it_is_restored_into_its_own_tables_and_then_migrated(
    organization: Organization, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = make_backup(tmp_path / "backups", PublicHalf(public_half(PRIVATE)), keep=1)
    request.getfixturevalue("tomorrow")
    with transaction.atomic():
        rows.empty()
    said: list[str] = []
    restore(made.path, PrivateHalf(PRIVATE), keys_into=tmp_path / "keys", say=said.append)
    assert "0001_initial" in " ".join(said)
    assert Organization.objects.get().name == organization.name
    with connection.cursor() as cursor:
        cursor.execute("SELECT motto FROM tenants_organization")
        assert cursor.fetchall() == [("",)]
    assert not SyncTarget.objects.filter(held_since=None).exists()
    # Back to the release before, as docs/operations.md says: with the rows in it.
    call_command("migrate", "tenants", "0001_initial", verbosity=0, interactive=False)
    assert Organization.objects.get().name == organization.name
    require_known_database()


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("by-key", PrivateHalf((KEPT / "key").read_text().strip())),
        ("by-passphrase", Passphrase("lantern otter quartz slope vivid")),
    ],
)
def test_the_first_format_is_read_for_good(name: str, opens: PrivateHalf | Passphrase) -> None:
    """Files that were written before there was a release, with a row of a table that never was: seal, packing
    and lines are as then, whatever becomes of the tables. Never write these files anew."""
    path = KEPT / f"{name}.backup"
    found = check(path, opens)
    assert (found.version, found.rows, found.keys["workers"]) == ("0.1.0", 1, "workers' keys")
    with path.open("rb") as file:
        manifest, *lines = read_lines(open_backup(file, opens)[1])
    assert lines == [
        {"table": "tenants.Kept", "fields": ["id", "name", "blob"]},
        [1, "Ünïcode \u2028", "AP8="],
        {"end": 1},
    ]
    [(sha256, size)] = manifest["images"]
    marks = base64.b64encode(bytes(range(32))).decode()
    assert ImageStore(KEPT / "images", marks).read(sha256) == b"an image\n"
    assert size == 9


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", sorted(RELEASES.glob("*.backup")) or [None])
def test_every_release_s_backup_is_restored(path: Path | None, tmp_path: Path) -> None:
    """One file for each release, written by the release itself: CONTRIBUTING.md, a release."""
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert sorted(each.stem for each in RELEASES.glob("*.backup")) == sorted(released)
    if path is None:
        return
    with transaction.atomic():
        rows.empty()
    private = (RELEASES / "key").read_text().strip()
    done = restore(path, PrivateHalf(private), keys_into=tmp_path / "keys")
    assert done.rows > 100
    assert Organization.objects.exists()
