"""The Maildir in which messages of canaries arrive. Anybody may write to its address: what is read is
bounded, and what is no canary's is removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workers.canary.message import tag_of

__all__ = ["Arrived", "forget", "read"]

MOST_FILES = 1_000
MOST_BYTES = 65_536
MOST_HEAD = 16_384
KEPT = timedelta(minutes=15)
"""How long a message whose tag nobody here waits for is kept: another process may."""


@dataclass(frozen=True)
class Arrived:
    """A message with the tag of a canary; `at` is when its file was written, `head` how it begins."""

    tag: str
    at: datetime
    path: Path
    head: bytes = field(default=b"", repr=False)


def read(folder: Path, now: datetime) -> list[Arrived]:
    """The canaries' messages, at most 1,000 files in a call; removes what is none, and what nobody took.

    A folder that is not there has none. Raises OSError for one that cannot be read.
    """
    found = []
    for path, at in _files(folder):
        raw = _beginning(path)
        tag = tag_of(raw)
        if not tag or now - at > KEPT:
            path.unlink(missing_ok=True)
        else:
            found.append(Arrived(tag, at, path, raw[:MOST_HEAD]))
    return found


def forget(arrived: Iterable[Arrived]) -> None:
    """Remove messages that were counted."""
    for each in arrived:
        with suppress(OSError):
            each.path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[Path, datetime]]:
    found: list[tuple[Path, datetime]] = []
    for part in ("new", "cur"):
        try:
            with os.scandir(folder / part) as entries:
                for entry in entries:
                    if len(found) >= MOST_FILES:
                        return found
                    with suppress(FileNotFoundError):  # another worker was faster
                        seen = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(seen.st_mode):
                            found.append((Path(entry.path), datetime.fromtimestamp(seen.st_mtime, UTC)))
        except FileNotFoundError:
            continue
    return found


def _beginning(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    with os.fdopen(handle, "rb") as file:
        return file.read(MOST_BYTES)
