"""The users of a domain, read from a bare git repository as ptt's unikernels read them at boot.

Only the root of one branch counts; sub-directories are passed over; every file is a user; an unreadable one
is skipped with a warning. git-kv lists a symbolic link like a file, so its text is read (and nearly always
skipped).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from workers.sandbox.paths import Local, Path

GIT_TIMEOUT = 30.0  # seconds, for each git command
MAX_ENTRIES = 100_000
MAX_ENTRY_BYTES = 4_000_000
MAX_TOTAL_BYTES = 256_000_000
_FILE_MODES = (b"100644", b"100755", b"120000")


class RepositoryError(Exception):
    """The branch cannot be read: a unikernel would stop at boot."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One readable file: who it is, where the mail goes, and the BLAKE2b-512 digest of the passphrase."""

    local: Local
    targets: tuple[Path, ...]
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """One file that ptt warns about and passes over."""

    name: str
    reason: str


#: Gives ptt's verdict on a file: its name in the tree and its content.
EntryReader = Callable[[bytes, bytes], Entry | Skipped]


@dataclass(frozen=True, slots=True)
class Table:
    """What a server knows of the users until it is restarted. `commit` is empty for a repository without
    commits."""

    commit: str = ""
    entries: int = 0
    digests: dict[Local, bytes] = field(default_factory=dict, repr=False)
    targets: dict[Local, tuple[Path, ...]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def read_users(repository: FilePath, branch: str, read: EntryReader) -> Table:
    """Read every user of a branch of a bare repository on this disk, with the git program. Raises
    RepositoryError."""
    commit = _tip(repository, branch)
    if commit is None:
        return Table()
    return build_table(commit, (read(name, content) for name, content in _root_files(repository, commit)))


def build_table(commit: str, files: Iterator[Entry | Skipped]) -> Table:
    """The two look-up tables. Of two files that name the same user, the later one's passphrase counts, and
    the targets of both (ptt compares targets without the case of the local part, but with that of the
    domain)."""
    digests: dict[Local, bytes] = {}
    targets: dict[Local, tuple[Path, ...]] = {}
    skipped: list[Skipped] = []
    entries = 0
    for found in files:
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        entries += 1
        digests[found.local] = found.digest
        for target in found.targets:
            known = targets.get(found.local, ())
            if not any(_same_target(target, other) for other in known):
                targets[found.local] = (target, *known)
    return Table(commit, entries, digests, targets, tuple(skipped))


def _same_target(left: Path, right: Path) -> bool:
    def words(path: Path) -> list[str]:
        return [text.lower() for _, text in path.local]

    return left.kind is right.kind and left.domain == right.domain and words(left) == words(right)


def _git(repository: FilePath, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
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


def _tip(repository: FilePath, branch: str) -> str | None:
    """The commit at the tip of the branch; None for a repository without any branch."""
    if not (repository / "HEAD").is_file():
        raise RepositoryError(f"there is no bare git repository at {repository}")
    answer = _git(repository, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    commit = answer.stdout.decode("ascii", "replace").strip()
    if answer.returncode == 0 and commit:
        return commit
    if _git(repository, "for-each-ref", "--count=1").stdout.strip():
        raise RepositoryError(f"the repository has no branch {branch}")
    return None


def _root_files(repository: FilePath, commit: str) -> Iterator[tuple[bytes, bytes]]:
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
        size = int(fields[3])
        total += size
        if size > MAX_ENTRY_BYTES or total > MAX_TOTAL_BYTES or len(wanted) >= MAX_ENTRIES:
            raise RepositoryError("the branch is too large for the sandbox")
        wanted.append((name, fields[2]))
    yield from zip(
        (name for name, _ in wanted), _blobs(repository, [digest for _, digest in wanted]), strict=True
    )


def _blobs(repository: FilePath, ids: list[bytes]) -> Iterator[bytes]:
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
