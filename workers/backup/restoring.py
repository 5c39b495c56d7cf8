"""Restoring a backup into an empty installation: read to its end and proved whole, then written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.apps import apps as current_apps
from django.apps.registry import Apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.utils import timezone

from tenants import image_files, keys
from tenants.actions.restored import NEVER, begin_after_restore
from tenants.actor import Actor, Via
from tenants.keys import WorkersKeys
from tenants.models import Account, Event, Image, Organization, SyncTarget
from workers.backup import rows
from workers.backup.images import ImageStore
from workers.backup.making import read_lines
from workers.backup.sealed_file import open_backup
from workers.backup.seals import Opens, Refused

_ACTOR = Actor.rookery(Via.COMMAND, "the server's command line")
# Any of these rows is somebody's work.
_SIGNS_OF_LIFE = (Organization, Account, SyncTarget, Image, Event)


@dataclass(frozen=True)
class Backup:
    """A file that was read to its end: whole, of one piece, and opened by the key that was given."""

    path: Path
    version: str
    seen_at: datetime
    migrations: frozenset[str]
    images: tuple[tuple[str, int], ...]
    missing_images: tuple[str, ...]
    rows: int
    keys: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Restored:
    rows: int
    images: int
    targets: int
    key_files: tuple[Path, ...]


def check(path: Path, opens: Opens) -> Backup:
    """Read a whole backup and write nothing; raises Refused."""
    with _open(path) as file:
        _, pieces = open_backup(file, opens)
        manifest, lines = _manifest(read_lines(pieces))
        count, ended = 0, None
        for each in lines:
            if ended is not None:
                raise Refused("The backup goes on after its end.")
            if isinstance(each, dict) and "end" in each:
                ended = each["end"]
            count += isinstance(each, list)
    if ended != count:
        raise Refused("The backup does not hold as many rows as its last line says.")
    try:
        return Backup(
            path=path,
            version=str(manifest["version"]),
            seen_at=datetime.fromisoformat(manifest["seen_at"]),
            migrations=frozenset(map(str, manifest["migrations"])),
            images=tuple((str(sha256), int(size)) for sha256, size in manifest["images"]),
            missing_images=tuple(map(str, manifest["missing_images"])),
            rows=count,
            keys={"web": str(manifest["keys"]["web"]), "workers": str(manifest["keys"]["workers"])},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("The backup's list of what it holds cannot be read.") from error


def restore(
    path: Path,
    opens: Opens,
    *,
    keys_into: Path | None = None,
    without_images: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Restored:
    """Put a backup into this installation, which must be empty. Raises Refused before anything is written,
    and where the database refuses what it holds, without a row left."""
    backup = check(path, opens)
    say(f"The backup is whole: {backup.rows} rows, {len(backup.images)} images, as of {backup.seen_at}.")
    store = ImageStore(path.parent / "images", WorkersKeys.read(backup.keys["workers"]).marks)
    gone = [sha256 for sha256, _ in backup.images if store.read(sha256) is None]
    if gone and not without_images:
        raise Refused(
            f"{len(gone)} of {len(backup.images)} images are not in {path.parent / 'images'}, or damaged:"
            f" {', '.join(each[:12] for each in gone[:5])}. Copy that folder, too; or restore"
            " --without-images and upload these again."
        )
    places = _places(keys_into)
    executor = MigrationExecutor(connection)
    _require_known(executor, backup)
    _require_empty(executor)
    say("Nothing is here yet, and this Rookery knows the backup's version. Writing.")
    count = _put_images(backup, store, set(gone))
    files = _put_keys(backup, places)
    loaded = _put_rows(backup, opens, executor, say)
    return Restored(loaded, count, SyncTarget.objects.count(), files)


# before -------------------------------------------------------------------------------------------------


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).") from error


def _manifest(lines: Iterator[Any]) -> tuple[dict[str, Any], Iterator[Any]]:
    first = next(lines, None)
    if not isinstance(first, dict):
        raise Refused("The backup does not begin with the list of what it holds.")
    return first, lines


def _places(into: Path | None) -> dict[str, Path]:
    """Where each key file goes; raises Refused where there is no such place."""
    found = {}
    for name in (keys.WEB, keys.PRIVATE, keys.PUBLIC):
        path = into / name if into is not None else settings.KEY_FILES[name]
        if path is None:
            raise Refused(
                f"The environment itself holds what would be in {name}: name a folder for the restored keys"
                " with --keys-into."
            )
        found[name] = Path(path)
        folder = found[name].parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            trial = folder / ".rookery-trial"
            trial.touch(mode=0o600)
            trial.unlink()
        except OSError as error:
            raise Refused(
                f"{folder} cannot be written ({error.strerror}), and the backup's keys belong there. Name"
                " another folder with --keys-into, then put what it holds in its place."
            ) from error
    return found


def _require_known(executor: MigrationExecutor, backup: Backup) -> None:
    known = {name for app, name in executor.loader.graph.nodes if app == rows.APP}
    if unknown := backup.migrations - known:
        raise Refused(
            f"The backup was made by a newer Rookery ({backup.version}; {sorted(unknown)[0]}). Install that"
            " one or a later one, and restore there."
        )
    if not backup.migrations:
        raise Refused("The backup does not say which migrations its tables had.")


def _require_empty(executor: MigrationExecutor) -> None:
    """Also before the first migration, where there is no table yet."""
    tables = set(connection.introspection.table_names())
    for model in _SIGNS_OF_LIFE:
        if model._meta.db_table in tables and model._default_manager.exists():
            raise Refused(
                f"This installation is in use: it has {model._meta.verbose_name_plural}. A backup is restored"
                " into an empty one only. Make a new database, name it in DATABASE_URL, and restore there;"
                " the present one stays as it is."
            )


# writing ------------------------------------------------------------------------------------------------


def _put_images(backup: Backup, store: ImageStore, gone: set[str]) -> int:
    """A file is named after what it holds, so what is there already is right."""
    count = 0
    for sha256, size in backup.images:
        contents = None if sha256 in gone else store.read(sha256)
        if contents is not None:
            image_files.store(Image(sha256=sha256, size=size), io.BytesIO(contents))
            count += 1
    return count


def _put_keys(backup: Backup, places: Mapping[str, Path]) -> tuple[Path, ...]:
    workers = WorkersKeys.read(backup.keys["workers"])
    written = []
    for name, text in (
        (keys.WEB, backup.keys["web"]),
        (keys.PRIVATE, workers.text()),
        (keys.PUBLIC, keys.public_half(workers.current)),
    ):
        path = places[name]
        if not path.exists() or path.read_text().strip() != text:
            if path.exists():
                path.replace(path.with_name(path.name + ".before-restore"))
            keys.replace(path, text)
            written.append(path)
    return tuple(written)


def _put_rows(backup: Backup, opens: Opens, executor: MigrationExecutor, say: Callable[[str], None]) -> int:
    """Into tables as they were in the backup's release; then they are migrated."""
    _migrate(executor, None)
    leaf = _leaf(executor, backup.migrations)
    is_now = (rows.APP, leaf) in executor.loader.graph.leaf_nodes(rows.APP)
    if not is_now:
        say(f"The backup's tables are those of {leaf}: they are migrated once they are filled.")
        _migrate(executor, leaf)
    apps = current_apps if is_now else executor.loader.project_state((rows.APP, leaf)).apps
    with transaction.atomic(), _open(backup.path) as file:
        rows.empty(apps)
        _, pieces = open_backup(file, opens)
        counts = rows.load(_rows_of(read_lines(pieces)), apps)
        _hold(apps)
        connection.check_constraints()
        if is_now:
            begin_after_restore(actor=_ACTOR, seen_at=backup.seen_at)
    if not is_now:
        _migrate(MigrationExecutor(connection), None)
        begin_after_restore(actor=_ACTOR, seen_at=backup.seen_at)
    return sum(counts.values())


def _rows_of(lines: Iterator[Any]) -> Iterator[Any]:
    _, rest = _manifest(lines)
    return (each for each in rest if not (isinstance(each, dict) and "end" in each))


def _leaf(executor: MigrationExecutor, names: frozenset[str]) -> str:
    """The last of the backup's migrations."""
    plan = executor.loader.graph.leaf_nodes(rows.APP)
    order = [name for app, name in executor.loader.graph.forwards_plan(plan[0]) if app == rows.APP]
    return max(names, key=order.index)


def _migrate(executor: MigrationExecutor, to: str | None) -> None:
    targets = [(rows.APP, to)] if to else executor.loader.graph.leaf_nodes()
    if executor.migration_plan(targets):
        call_command("migrate", *([rows.APP, to] if to else []), verbosity=0, interactive=False)


def _hold(apps: Apps) -> None:
    """In the transaction of the rows, whatever happens after it: nobody writes outside, no message leaves."""
    target, mail = apps.get_model(rows.APP, "SyncTarget"), apps.get_model(rows.APP, "OutgoingMail")
    target.objects.filter(held_since=None).update(
        held_since=timezone.now(), mode_before=F("drift_mode"), drift_mode=SyncTarget.DriftMode.REPORT
    )
    mail.objects.filter(sent_at=None, given_up_at=None).update(next_try_at=NEVER)
    apps.get_model(rows.APP, "WebhookDelivery").objects.filter(state="waiting").update(next_try_at=NEVER)
