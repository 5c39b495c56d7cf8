"""Unix sockets in folders with long names: the kernel takes some 107 bytes of path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 100  # bytes; sun_path of unix(7) holds 108 with its end, on other systems fewer
_DESCRIPTORS = "/proc/self/fd"


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name for `path` that bind and connect take, valid inside the block.

    A long one is reached through a descriptor of its folder (proc(5)). Raises OSError, also ValueError where
    the system has no such names.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield os.fspath(path)
        return
    if not os.path.isdir(_DESCRIPTORS):
        raise ValueError(f"the path {path} is too long for a socket; choose a shorter data folder")
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"{_DESCRIPTORS}/{folder}/{path.name}"
    finally:
        os.close(folder)
