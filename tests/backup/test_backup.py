"""A panel with something of everything goes into one file and comes out of it: every row, image and key."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from tenants import image_files, keys
from tenants.actions import restored
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.models import (
    Account,
    HostPreparation,
    Image,
    Installation,
    Mailbox,
    Organization,
    OutgoingMail,
    Session,
    SyncTarget,
    WebhookDelivery,
)
from tenants.secrets import Opener, Purpose
from tests.access.stage import Stage, build_stage
from tests.backup.elsewhere import digests
from tests.backup.world import MINE, SEAL, everything, image_folder, names_of, wipe
from tests.hosting import upload
from workers.backup import making, rows
from workers.backup.making import Made, make_backup
from workers.backup.restoring import check, restore
from workers.backup.seals import PrivateHalf, Refused

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


def test_everything_comes_back_and_nothing_moves(places: Path, settings: Any, tmp_path: Path) -> None:
    stage: Stage = build_stage()
    olga = stage.people["olga"].actor
    Session.objects.create(session_key="x" * 64, expire_date=timezone.now() + timedelta(days=1))
    before = everything()
    assert sum(1 for found in before.values() if found) > 55
    sealed = Mailbox.objects.exclude(sealed_hash=None).earliest("pk")
    clear = Opener().open(Purpose.MAILBOX_HASH, bytes(sealed.sealed_hash))
    made = make_backup(places, SEAL, keep=3)
    assert made.rows == sum(map(len, before.values()))
    assert made.images == len(set(Image.objects.values_list("sha256", flat=True)) - set(made.missing)) > 0
    _is_closed(places, made)

    # Another machine has keys of its own; those of the backup take their place.
    with pytest.raises(Refused, match="in use"):
        restore(made.path, MINE, keys_into=tmp_path / "keys")
    wipe()
    other = tmp_path / "keys"
    keys.read_or_make_web_secret(other)
    keys.read_or_make_workers_pair(other)
    _wrong_ones_change_nothing(made, other)
    done = restore(made.path, MINE, keys_into=other)
    assert (done.rows, done.images, done.targets) == (made.rows, made.images, SyncTarget.objects.count())
    _same_but_held(before, everything())
    assert (other / keys.WEB).read_text().split()[0] == settings.SECRET_KEY
    held = keys.WorkersKeys.read((other / keys.PRIVATE).read_text())
    assert Opener(held).open(Purpose.MAILBOX_HASH, bytes(sealed.sealed_hash)) == clear
    assert (other / "web.secret.before-restore").exists()
    for image in Image.objects.exclude(sha256__in=made.missing):
        assert image_files.read(image)
    assert not Session.objects.exists()

    # Numbers go on where they were.
    Account.objects.create(email="new@people.example")
    _waits_for_people(stage, olga)


def _is_closed(places: Path, made: Made) -> None:
    """For its owner alone, and without a word of what is in it."""
    files = [path for path in places.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(places.stat().st_mode) == 0o700
    images = {image_files.read(each) for each in _whole_images(made)}
    for path in files:
        data = path.read_bytes()
        # Short words turn up by chance in a million random bytes.
        for word in (b"example.org", b"Analytical", b"babbage", keys_of(made)):
            assert word not in data, path
        assert not any(each in data for each in images)


def keys_of(made: Made) -> bytes:
    return check(made.path, MINE).keys["workers"].split()[0].encode()


def _whole_images(made: Made) -> list[Image]:
    return [each for each in Image.objects.all() if each.sha256 not in made.missing]


def _wrong_ones_change_nothing(made: Made, other: Path) -> None:
    """Cut off, damaged, of another key: refused before the first row, image or key is written."""
    data = made.path.read_bytes()
    key_files = {path: path.read_bytes() for path in other.iterdir()}
    for wrong in (data[:-1], data[: len(data) // 2], data[:400] + b"\0" + data[401:]):
        bad = made.path.with_name("bad.backup")
        bad.write_bytes(wrong)
        with pytest.raises(Refused):
            restore(bad, MINE, keys_into=other)
    with pytest.raises(Refused, match="sealed to the key"):
        restore(made.path, PrivateHalf(keys.new_private()), keys_into=other)
    image = next((made.path.parent / "images").glob("??/*"))
    image.rename(image.with_suffix(".away"))
    with pytest.raises(Refused, match="images are not in"):
        restore(made.path, MINE, keys_into=other)
    image.with_suffix(".away").rename(image)
    assert not Organization.objects.exists()
    assert not [path for path in image_folder().rglob("*") if path.is_file()]
    assert {path: path.read_bytes() for path in other.iterdir()} == key_files


_PLAN = frozenset({"asked", "agreed", "state", "sentence", "plan", "steps"})
HELD = {
    "SyncTarget": {"held_since", "mode_before", "drift_mode", "agreed_to", "stop_code", "stop_generation"}
    | {"failures", "next_try_at", "next_check_at"},
    "Installation": {"restored_at", "restored_from", "backed_up_at", "backup_begun_at", "swept_at"},
    "OutgoingMail": {"next_try_at"},
    "WebhookDelivery": {"next_try_at"},
    "HostPreparation": _PLAN,
    "HostSetup": _PLAN,
}


def _same_but_held(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Cell by cell, but for leases and what says that it waits; one event tells of the restore."""
    for model in rows.kept_models():
        label, name = model._meta.label, str(model._meta.object_name)
        changed = HELD.get(name, set()) | {"claimed_until", "lease_owner", "lease_until"}
        kept = [index for index, field in enumerate(names_of(model)) if field not in changed]
        now = list(after[label])
        if name == "Event":
            *now, told = now
            assert "came out of a backup" in str(told)
        assert [[row[at] for at in kept] for row in now] == [
            [row[at] for at in kept] for row in before[label]
        ]


def _waits_for_people(stage: Stage, olga: Actor) -> None:
    here = Installation.objects.get()
    assert here.restored_at is not None
    assert here.restored_from is not None
    assert set(SyncTarget.objects.values_list("drift_mode", flat=True)) == {"report"}
    assert restored.held_targets().count() == SyncTarget.objects.count() > 4
    assert not HostPreparation.objects.exclude(asked="").exists()
    owed = OutgoingMail.objects.filter(sent_at=None, given_up_at=None)
    assert owed.count() == restored.held_mails().count() > 0

    target = SyncTarget.objects.filter(organization=stage.ours.organization).earliest("pk")
    for name in ("alice", "bob"):
        with pytest.raises(Forbidden):
            restored.let_go(actor=stage.people[name].actor, target=target)
        with pytest.raises(Forbidden):
            restored.let_all_go(actor=stage.people[name].actor)
    with pytest.raises(Conflict, match="as it was"):
        restored.let_go(
            actor=olga, target=target, mode="adopt" if target.mode_before != "adopt" else "repair"
        )
    generation = target.generation
    restored.let_go(actor=olga, target=target)
    target.refresh_from_db()
    assert (target.held_since, target.drift_mode, target.generation) == (None, "report", generation + 1)
    with pytest.raises(Conflict, match="already"):
        restored.let_go(actor=olga, target=target)
    assert restored.let_all_go(actor=olga) == SyncTarget.objects.count() - 1
    assert not restored.held_targets().exists()
    waiting = owed.count() + restored.held_deliveries().count()
    assert restored.decide_held_messages(actor=olga, send=False) == waiting
    assert not restored.held_mails().exists()
    assert not WebhookDelivery.objects.filter(state="waiting").exists()


# making -----------------------------------------------------------------------------------------------


def at(day: int) -> Any:
    return lambda: datetime(2026, 3, day, 4, 5, 6, tzinfo=UTC)


def test_a_moment_is_seen_while_others_write(places: Path, organization: Organization, olga: Actor) -> None:
    """Rows that come in while it reads are in the next one; who writes does not wait."""
    seen: list[str] = []
    with rows.snapshot() as using:
        assert Organization.objects.using(using).count() == 1
        writer = threading.Thread(target=_rename, args=(organization.pk, seen))
        writer.start()
        writer.join(8)
        assert seen == ["written"]
        assert Organization.objects.using(using).get().name == "Analytical Society"
    assert Organization.objects.get().name == "Renamed meanwhile"


def _rename(pk: int, seen: list[str]) -> None:
    try:
        Organization.objects.filter(pk=pk).update(name="Renamed meanwhile")
        seen.append("written")
    finally:
        connection.close()


def test_the_newest_stay_and_an_image_is_written_once(
    places: Path, olga: Actor, organization: Organization
) -> None:

    image = upload(olga, organization)
    first = make_backup(places, SEAL, keep=2, clock=at(1))
    [stored] = (places / "images").glob("??/*")
    number = stored.stat().st_ino
    make_backup(places, SEAL, keep=2, clock=at(2))
    image.delete()
    third = make_backup(places, SEAL, keep=2, clock=at(3))
    assert third.removed == (first.path,)
    assert [path.name for path in making.backups_in(places)] == [
        "rookery-20260302T040506Z.backup",
        "rookery-20260303T040506Z.backup",
    ]
    assert stored.stat().st_ino == number, "the second needs it, and it was not written again"
    make_backup(places, SEAL, keep=2, clock=at(4))
    assert not stored.exists(), "no backup that stays needs it"


def test_nothing_half_made_is_left(places: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(using: str) -> Iterator[bytes]:
        yield b"[1]\n"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rows, "dumped", breaks)
    with pytest.raises(Refused, match="No space left"):
        make_backup(places, SEAL, keep=2)
    assert [path.name for path in places.rglob("*") if path.is_file()] == [".lock"]
    assert Installation.objects.filter(backed_up_at=None).count() == Installation.objects.count()


def test_one_at_a_time(places: Path, db: None) -> None:
    with making._alone(_made(places)), pytest.raises(Refused, match="Another backup"):
        make_backup(places, SEAL, keep=2)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_without_the_workers_key_there_is_none(places: Path, db: None, settings: Any) -> None:
    settings.WORKERS_KEY, settings.KEY_FILES = "", {**settings.KEY_FILES, keys.PRIVATE: None}
    with pytest.raises(Refused, match="Make backups where workers run"):
        make_backup(places, SEAL, keep=2)
    assert not places.exists()


def test_from_sqlite_to_whatever_this_runs_on(places: Path, tmp_path: Path) -> None:
    """Another installation's, on SQLite, into this one: on PostgreSQL, this is how one grows."""
    keys.read_or_make_workers_pair(tmp_path / "there" / "keys")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {
        "ROOKERY_DATA": str(tmp_path / "there"),
        "ROOKERY_WORKERS_KEY_FILE": str(tmp_path / "there" / "keys" / keys.PRIVATE),
        "DJANGO_SETTINGS_MODULE": "panel.settings",
    }
    words = [sys.executable, "-m", "tests.backup.elsewhere", str(places), SEAL.public]
    done = subprocess.run(words, capture_output=True, env=environment, cwd=ROOT, timeout=100, check=False)
    assert not done.returncode, done.stderr.decode()
    there = json.loads(done.stdout)
    restore(Path(there["path"]), MINE, keys_into=tmp_path / "keys")
    here = digests(everything())
    assert here.keys() == there["tables"].keys()
    assert {label: len(found) for label, found in here.items()} == {
        label: len(found) + (label == "tenants.Event") for label, found in there["tables"].items()
    }
    for label, found in there["tables"].items():
        if label.partition(".")[2] not in {*HELD, "Event"}:
            assert here[label] == found, label
    assert here["tenants.Event"][:-1] == there["tables"]["tenants.Event"]
    held = keys.WorkersKeys.read((tmp_path / "keys" / keys.PRIVATE).read_text())
    mailbox = Mailbox.objects.exclude(sealed_hash=None).earliest("pk")
    assert Opener(held).open(Purpose.MAILBOX_HASH, bytes(mailbox.sealed_hash))
    last = Account.objects.latest("pk").pk
    assert Account.objects.create(email="next@people.example").pk > last


def test_no_table_that_stays_points_at_one_that_is_left_out() -> None:
    names = {model._meta.object_name for model in apps.get_app_config("tenants").get_models()}
    assert names >= rows.LEFT_OUT
    for model in rows.kept_models():
        for field in model._meta.concrete_fields:
            if field.related_model is not None:
                assert field.related_model._meta.object_name not in rows.LEFT_OUT, field
                assert field.related_model._meta.app_label == "tenants", field
