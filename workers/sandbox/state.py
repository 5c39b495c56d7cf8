"""What the sandbox remembers between two starts: its domains, in one small JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from workers.sandbox.certificates import write_private
from workers.sandbox.paths import host_text

MAX_DOMAINS = 200
MAX_FILE = 1_000_000


class StateError(Exception):
    """The file cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class SandboxDomain:
    """One domain: its number gives it its loopback address."""

    number: int
    domain: str
    repository: str
    branch: str


def check_branch(branch: str) -> str:
    """A branch name without the characters that git forbids. Raises ValueError."""
    bad = set(" ~^:?*[\\") & set(branch) or any(ord(c) < 33 or ord(c) == 127 for c in branch)
    if not branch or len(branch) > 200 or bad or ".." in branch or branch.startswith(("-", "/")):
        raise ValueError("branch: git has no branch of such a name; write something like main")
    return branch


def load(path: Path) -> list[SandboxDomain]:
    """The domains in the file, none when there is no file. Raises StateError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return []
    try:
        rows = json.loads(raw)["domains"]
        domains = [SandboxDomain(**row) for row in rows]
        for known in domains:
            host_text(known.domain)
            check_branch(known.branch)
            if not 1 <= known.number <= MAX_DOMAINS:
                raise ValueError("number out of range")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StateError(f"{path} is damaged; remove it, the sandbox starts again without domains") from None
    return domains


def save(path: Path, domains: list[SandboxDomain]) -> None:
    """Write the file in one step, readable by its owner alone. Raises OSError."""
    text = json.dumps({"domains": [asdict(known) for known in domains]}, indent=1)
    write_private(path, text.encode())
