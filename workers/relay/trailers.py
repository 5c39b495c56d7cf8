"""What our commits say about themselves, so that `git log` is an audit log and two installations notice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenants.formats.text import printable

_TRAILER = re.compile(rb"^Rookery-(Installation|Generation|Run): *([0-9A-Za-z-]{1,64})$", re.MULTILINE)

# How many lines of one kind a message has.
MOST = 20


@dataclass(frozen=True)
class Mark:
    """Who wrote a commit, and what had been asked for when they did."""

    installation: str
    generation: int
    run: int | None = None


def message(
    title: str,
    *,
    installation: str,
    generation: int,
    run: int | None,
    asked_by: Sequence[str],
    undoes: Sequence[int] = (),
) -> str:
    """A commit message: a sentence, who asked, and the trailers; `undoes` are ids of events."""
    lines = [printable(title, 100), ""]
    lines += [f"Asked-by: {printable(name, 120)}" for name in asked_by[:MOST]]
    if len(asked_by) > MOST:
        lines.append(f"Asked-by: and {len(asked_by) - MOST} more")
    lines += [f"Rookery-Undoes: {event}" for event in undoes[:MOST]]
    if len(undoes) > MOST:
        lines.append(f"Rookery-Undoes: and {len(undoes) - MOST} more")
    if run is not None:
        lines.append(f"Rookery-Run: {run}")
    lines.append(f"Rookery-Generation: {generation}")
    lines.append(f"Rookery-Installation: {installation}")
    return "\n".join(lines) + "\n"


def find_mark(commit_message: bytes) -> Mark | None:
    """The mark in a commit message; nothing for a commit that no Rookery wrote."""
    found = {key: value.decode("ascii") for key, value in _TRAILER.findall(commit_message[-4096:])}
    installation, generation = found.get(b"Installation"), found.get(b"Generation", "")
    if not installation or not generation.isdigit() or len(generation) > 18:
        return None
    run = found.get(b"Run", "")
    return Mark(installation, int(generation), int(run) if run.isdigit() and len(run) <= 18 else None)
