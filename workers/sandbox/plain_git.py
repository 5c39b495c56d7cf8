"""The git program on a bare repository of the sandbox, in the name of whoever kept it by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from workers.repository.mirror import git_environment

__all__ = ["Hand"]


class Hand:
    """Somebody with a name and a mail address, for whom git runs."""

    def __init__(self, repository: Path, name: str, email: str) -> None:
        self._repository, self._person = repository, {"NAME": name, "EMAIL": email}

    def git(self, *words: str, stdin: bytes = b"", when: int | None = None) -> bytes:
        """Return what it prints; commits are of `when` (seconds, UTC), or of now. Raises
        CalledProcessError."""
        person = self._person if when is None else {**self._person, "DATE": f"{when} +0000"}
        who = {
            f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()
        }
        return subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", os.fspath(self._repository), *words],  # noqa: S607 - git is a named requirement
            input=stdin,
            env={**git_environment(), **who},
            capture_output=True,
            timeout=30,
            check=True,
        ).stdout

    def name(self, *words: str, stdin: bytes = b"", when: int | None = None) -> str:
        """Return the object id that it prints."""
        return self.git(*words, stdin=stdin, when=when).decode().strip()
