"""One step of preparing a host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`commands` are lines for root's POSIX shell, run together, and may be run twice. `check` is a read-only
    line; what is wanted holds, now and after a reboot, when it prints `expected`. Without commands only a
    person can make it so, and `advice` says how."""

    key: str
    title: str
    why: str
    commands: tuple[str, ...]
    check: str
    expected: str
    advice: str = ""
