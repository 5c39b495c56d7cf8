"""One `manage.py up` for each data folder: two would run two brokers on one file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the folder until the end, or raise CommandError; a lock of the kernel, so a crash leaves none."""
    with (folder / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise CommandError(
                f"Rookery runs in {folder} already (process {file.read(20).strip() or 'unknown'}). Stop it"
                " with Ctrl-C, or choose another data folder and port for a second one: ROOKERY_DATA=…"
                " ROOKERY_PORT=…"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
