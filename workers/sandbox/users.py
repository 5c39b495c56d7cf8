"""The users of a domain, read from a bare git repository as ptt's unikernels read them at boot.

Only the root of one branch counts; sub-directories are passed over; every file is a user; an unreadable one
is skipped with a warning. git-kv lists a symbolic link like a file, so its text is read (and nearly always
skipped).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tenants.formats.forward_path import ForwardPath
from tenants.formats.mailbox_syntax import LocalPart
from tenants.formats.relay_table import login_table
from tenants.formats.text import printable

GIT_TIMEOUT = 30.0  # seconds, for each git command
MAX_ENTRIES = 100_000
MAX_ENTRY_BYTES = 4_000_000
MAX_TOTAL_BYTES = 256_000_000
_FILE_MODES = (b"100644", b"100755", b"120000")


class RepositoryError(Exception):
    """The branch cannot be read: a unikernel would stop at boot."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One file that ptt warns about and passes over."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a server knows of the users until it is restarted.

    `commit` is empty for a repository without commits; `digests` are BLAKE2b-512; `targets` have the one
    that was read last first, as ptt walks them.
    """

    commit: str = ""
    entries: int = 0
    digests: dict[LocalPart, bytes] = field(default_factory=dict, repr=False)
    targets: dict[LocalPart, tuple[ForwardPath, ...]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def read_users(repository: Path, branch: str) -> Table:
    """Read every user of a branch of a bare repository on this disk, with the git program.

    Raises RepositoryError.
    """
    commit = _tip(repository, branch)
    return Table() if commit is None else table_of(_root_files(repository, commit), commit)


def table_of(files: list[tuple[bytes, bytes]], commit: str = "") -> Table:
    """The table that a server builds from the files of the root (name, content), in the order of the
    listing."""
    found = login_table(files)
    return Table(
        commit,
        len(files) - len(found.skipped),
        {local: bytes.fromhex(digest) for local, digest in found.digests.items()},
        {local: tuple(reversed(paths.values())) for local, paths in found.paths.items()},
        tuple(Skipped(printable(name, 200), verdict.reason) for name, verdict in found.skipped.items()),
    )


def _git(repository: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        return subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", f"--git-dir={repository}", *arguments],  # noqa: S607
            input=stdin,
            capture_output=True,
            timeout=GIT_TIMEOUT,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise RepositoryError("the git program is not installed; install the package git") from None
    except subprocess.TimeoutExpired:
        raise RepositoryError(f"git did not answer within {GIT_TIMEOUT:.0f} s") from None


def _tip(repository: Path, branch: str) -> str | None:
    """The commit at the tip of the branch; None for a repository without any branch."""
    if not (repository / "HEAD").is_file():
        raise RepositoryError(f"there is no bare git repository at {repository}")
    answer = _git(repository, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    commit = answer.stdout.decode("ascii", "replace").strip()
    if answer.returncode == 0 and commit:
        return commit
    known = _git(repository, "for-each-ref", "--count=1")
    if known.returncode:
        raise RepositoryError("git could not read the repository")
    if known.stdout.strip():
        raise RepositoryError(f"the repository has no branch {branch}")
    return None


def _root_files(repository: Path, commit: str) -> list[tuple[bytes, bytes]]:
    listing = _git(repository, "ls-tree", "-z", "-l", commit)
    if listing.returncode:
        raise RepositoryError("git could not list the files of the branch")
    wanted: list[tuple[bytes, bytes]] = []
    total = 0
    for line in listing.stdout.split(b"\0"):
        description, _, name = line.partition(b"\t")
        fields = description.split()
        if len(fields) != 4 or fields[0] not in _FILE_MODES or not name:
            continue
        if not fields[3].isdigit():
            raise RepositoryError("git could not read a file of the branch")
        size = int(fields[3])
        total += size
        if size > MAX_ENTRY_BYTES or total > MAX_TOTAL_BYTES or len(wanted) >= MAX_ENTRIES:
            raise RepositoryError("the branch is too large for the sandbox")
        wanted.append((name, fields[2]))
    contents = _blobs(repository, [digest for _, digest in wanted])
    return list(zip((name for name, _ in wanted), contents, strict=True))


def _blobs(repository: Path, ids: list[bytes]) -> Iterator[bytes]:
    answer = _git(repository, "cat-file", "--batch", stdin=b"".join(digest + b"\n" for digest in ids))
    data, at = answer.stdout, 0
    for _ in ids:
        end = data.find(b"\n", at)
        header = data[at:end].split()
        if end < 0 or len(header) != 3 or header[1] != b"blob":
            raise RepositoryError("git could not read a file of the branch")
        start, size = end + 1, int(header[2])
        yield data[start : start + size]
        at = start + size + 1
