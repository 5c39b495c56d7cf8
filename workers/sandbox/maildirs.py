"""The sandbox's end of the Internet: mails kept in one Maildir for each address, below one folder.

The folder name of an address is the address in lower case, percent-encoded; `panel/maildrop.py` reads it
back.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from urllib.parse import quote

KEEP = 200  # mails for each address; older ones are removed
MAX_ADDRESSES = 5_000
MAX_FOLDER_NAME = 200

_numbers = itertools.count(1)


class CannotKeepError(Exception):
    """The mail cannot be kept; the text says why."""


def folder_name(address: str) -> str:
    """The name of the Maildir of an address: safe on every file system, and never beginning with a dot.

    Raises CannotKeepError for an address that is too long.
    """
    name = quote(address.lower(), safe="@+-_.=", errors="surrogateescape")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if not name or len(name) > MAX_FOLDER_NAME:
        raise CannotKeepError("the address is too long to be kept in the sandbox")
    return name


class MailStore:
    """Maildirs under one folder, made as needed with mode 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, address: str, content: bytes) -> Path:
        """Store one mail for one address and return its file. Raises CannotKeepError, OSError."""
        maildir = self.folder / folder_name(address)
        if not maildir.is_dir():
            if sum(1 for _ in os.scandir(self.folder)) >= MAX_ADDRESSES:
                raise CannotKeepError("the sandbox keeps no further addresses; empty its mail folder")
            for part in ("", "tmp", "new", "cur"):
                (maildir / part).mkdir(mode=0o700, exist_ok=True)
        name = f"{time.time_ns():020d}.{os.getpid()}_{next(_numbers)}.sandbox"
        draft, final = maildir / "tmp" / name, maildir / "new" / name
        draft.write_bytes(content)
        draft.rename(final)
        for old in sorted((maildir / "new").iterdir(), key=lambda path: path.name)[:-KEEP]:
            old.unlink(missing_ok=True)
        return final
