"""Least rights on the git host: each key may run one command, on one repository."""

from __future__ import annotations

import re

from tenants.formats.text import FormatError, printable

_PATH = re.compile(r"[A-Za-z0-9._/~+-]{1,400}")
READ = ("git-upload-pack",)
WRITE = ("git-upload-pack", "git-receive-pack")


def authorized_line(public: str, path: str, *, write: bool) -> str:
    """Return the line of `authorized_keys` for a public key that reads `path`, or reads and writes it.

    A unikernel asks for `git-upload-pack '<path>'`, word for word; nothing else is answered. Raises
    FormatError (field `path`).
    """
    if not _PATH.fullmatch(path) or ".." in path or path.startswith("-"):
        raise FormatError(
            "path",
            f"“{printable(path, 60)}” cannot stand in a command.",
            "Use letters, digits, . _ - + ~ and /",
        )
    if not write:
        return f"restrict,command=\"git-upload-pack '{path}'\" {public}"
    asked = "|".join(f"\\\"{verb} '{path}'\\\"" for verb in WRITE)
    shell = '\\"$SSH_ORIGINAL_COMMAND\\"'
    return f'restrict,command="case {shell} in {asked}) exec git-shell -c {shell};; esac; exit 1" {public}'
