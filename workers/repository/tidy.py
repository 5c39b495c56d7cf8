"""Keeping repositories small: every push leaves a pack or loose objects, on both sides.

The remote's own git tidies up (`gc --auto` decides whether there is enough to do) where the account has a
shell. Where it may only run git-upload-pack and git-receive-pack, nobody can but its administrator.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from workers.repository.remote import RemoteRepository, ShellUnavailable
from workers.ssh import CommandFailed, Connection, ProtocolError

_TIDY = r"""
IFS= read -r path
case "$path" in "~/"*) path="$HOME/${path#\~/}";; esac
git -C "$path" gc --auto --quiet </dev/null && git -C "$path" count-objects -v
"""
_LINE = re.compile(rb"(count|size|in-pack|size-pack): ([0-9]{1,12})")


@dataclass(frozen=True)
class Size:
    """How much a repository holds: objects, and their kibibytes on disk."""

    objects: int
    kibibytes: int

    def __str__(self) -> str:
        return f"{self.objects:,} objects in {max(1, round(self.kibibytes / 1024)):,} MiB"


def read_size(counted: bytes) -> Size | None:
    """What `git count-objects -v` printed; None when it is something else."""
    found = {name: int(number) for name, number in _LINE.findall(counted[:4096])}
    if len(found) < 4:
        return None
    return Size(found[b"count"] + found[b"in-pack"], found[b"size"] + found[b"size-pack"])


def tidy_remote(connection: Connection, remote: RemoteRepository) -> Size:
    """Let the remote's git pack what lies around, if it finds that worth it; returns the size after.

    Raises ShellUnavailable where the account may only run git, Unreachable when the connection breaks.
    """
    try:
        answer = connection.run(f"sh -c {shlex.quote(_TIDY)}", f"{remote.path}\n".encode(), limit=65_536)
    except (CommandFailed, ProtocolError) as error:
        raise ShellUnavailable(str(error)) from error
    size = read_size(answer.stdout)
    if size is None:
        raise ShellUnavailable("the account does not answer like a shell")
    return size
