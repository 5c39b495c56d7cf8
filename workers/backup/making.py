"""Making a backup: one sealed file with everything but images, which lie beside it once for all backups."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from tenants.keys import PRIVATE, WorkersKeys
from tenants.models import Image, Installation
from tenants.version import VERSION
from workers.backup import rows
from workers.backup.images import ImageStore
from workers.backup.sealed_file import SealedWriter, begin
from workers.backup.seals import Refused, SealsTo

PATTERN = "rookery-*.backup"


@dataclass(frozen=True)
class Made:
    path: Path
    size: int
    sha256: str
    rows: int
    images: int
    missing: tuple[str, ...]
    removed: tuple[Path, ...]


def make_backup(
    folder: Path, seal: SealsTo, *, keep: int, clock: Callable[[], datetime] = timezone.now
) -> Made:
    """Write one backup into `folder`, which is made if it is missing; the newest `keep` stay there.

    The file appears under its name when it is whole and on the disk. Raises Refused; then nothing changed.
    """
    keys = held_keys()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder), rows.snapshot() as using:
            made = _write(folder, seal, using, keys, clock)
            removed = _tidy(folder, keep)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}). Choose a folder that this process may write to,"
            " on a disk with room."
        ) from error
    Installation.objects.filter(pk=Installation.current_id()).update(backed_up_at=clock(), backup_problem="")
    return Made(*made, removed)


def held_keys() -> dict[str, str]:
    """The keys of this process as their files say them; raises Refused without the workers' key."""
    workers = WorkersKeys(settings.WORKERS_KEY, settings.WORKERS_FORMER_KEYS, settings.WORKERS_MARKS)
    path = settings.KEY_FILES[PRIVATE]
    if not workers.current and path is not None and path.exists():
        try:
            workers = WorkersKeys.read(path.read_text())
        except (OSError, ValueError) as error:
            raise Refused(f"{path} cannot be read as the workers' key.") from error
    if not workers.current:
        raise Refused(
            "A backup holds the workers' key, and this process was not given it (ROOKERY_WORKERS_KEY_FILE)."
            " Make backups where workers run."
        )
    return {
        "web": "\n".join([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]),
        "workers": workers.text(),
    }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(f"Another backup is being made in {folder}. Wait until it is done.") from error
    finally:
        os.close(descriptor)


def _write(
    folder: Path, seal: SealsTo, using: str, keys: dict[str, str], clock: Callable[[], datetime]
) -> tuple[Path, int, str, int, int, tuple[str, ...]]:
    applied = MigrationRecorder(connections[using]).applied_migrations()
    seen_at = clock().astimezone(UTC)
    store = ImageStore(folder / "images", WorkersKeys.read(keys["workers"]).marks)
    images = _images(using)
    missing = [each.sha256 for each in images if not store.keep(each, seen_at)]
    manifest = {
        "version": VERSION,
        "seen_at": seen_at.isoformat(),
        "installation": str(Installation.objects.using(using).values_list("pk", flat=True).first() or ""),
        "database": connections[using].vendor,
        "migrations": sorted(name for app, name in applied if app == rows.APP),
        "keys": keys,
        "images": [[each.sha256, each.size] for each in images if each.sha256 not in missing],
        "missing_images": missing,
    }
    name = f"rookery-{seen_at:%Y%m%dT%H%M%SZ}.backup"
    path, part = folder / name, folder / f".{name}.part"
    header = {"made_at": seen_at.isoformat(), "version": VERSION}
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            counted = _Counted(file)
            lines = _stream(begin(counted, seal, header), manifest, rows.dumped(using))
            file.flush()
            os.fsync(file.fileno())
        os.utime(part, (seen_at.timestamp(), seen_at.timestamp()))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync(folder)
    return path, counted.size, counted.digest.hexdigest(), lines, len(images) - len(missing), tuple(missing)


def _images(using: str) -> list[Image]:
    """One row for each file."""
    found = {each.sha256: each for each in Image.objects.using(using).order_by("sha256", "pk")}
    return list(found.values())


def _stream(sealed: SealedWriter, manifest: dict[str, Any], lines: Iterator[bytes]) -> int:
    """Everything, compressed; returns how many rows. The last line says so, too."""
    packed, count = zlib.compressobj(6), 0
    sealed.write(packed.compress(rows.line(manifest)))
    for each in lines:
        count += each.startswith(b"[")
        sealed.write(packed.compress(each))
    sealed.write(packed.compress(rows.line({"end": count})) + packed.flush())
    sealed.finish()
    return count


class _Counted:
    """Writes through, and knows size and SHA-256 of what it wrote."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size, self.digest = 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._file.write(data)


def backups_in(folder: Path) -> list[Path]:
    """The oldest first."""
    return sorted(folder.glob(PATTERN))


def _tidy(folder: Path, keep: int) -> tuple[Path, ...]:
    """Remove the oldest backups, and images that none of those that stay needs."""
    found = backups_in(folder)
    gone = found[: max(0, len(found) - keep)]
    for path in gone:
        path.unlink()
    stays = found[len(gone) :]
    if stays:
        ImageStore.forget_before(folder / "images", min(path.stat().st_mtime for path in stays))
    return tuple(gone)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(pieces: Iterator[bytes]) -> Iterator[Any]:
    """The values of the lines of a stream; raises Refused for what no backup holds."""
    unpack, waiting = zlib.decompressobj(), bytearray()
    try:
        for piece in pieces:
            data = piece
            while data:
                waiting += unpack.decompress(data, 1 << 20)
                data = unpack.unconsumed_tail
                *whole, rest = waiting.split(b"\n")
                for each in whole:
                    yield json.loads(bytes(each))
                waiting = bytearray(rest)
                if len(waiting) > rows.MOST_LINE:
                    raise Refused("The backup holds a line that is longer than any row.")
    except (zlib.error, ValueError) as error:
        raise Refused("The backup is sealed well, but what is inside cannot be read.") from error
    if waiting or not unpack.eof:
        raise Refused("The backup is sealed well, but what is inside ends too early.")
