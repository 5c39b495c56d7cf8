"""How unikernels end: what their consoles say of it, what it means, and what to do. Pure.

Solo5 ends with a code: 0 as meant, 1 an error of Solo5 itself, 2 an exception that nobody caught, 60 to 64
wrong arguments, 255 an abort. Albatross starts again after the chosen codes, at once and without a limit, but
never after 1, 60 to 64, or a signal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.formats.unikernels import NEVER_RESTARTED

_EXIT = re.compile(r"Solo5: solo5_exit\((\d{1,3})\) called\b")
_ABORT = re.compile(r"Solo5: (?:solo5_abort\(\) called|ABORT:)")
_SIGNAL = re.compile(r"solo5-\w{2,8}: Exiting on signal (\d{1,2})\b")
_BOOT = re.compile(r"Solo5: Bindings version\b")
_TERMINATE = 15
LOOP_WITHIN = timedelta(minutes=10)
LOOP_ENDS = 3


@dataclass(frozen=True)
class End:
    """By a code, by a signal, or (with neither) without a word."""

    code: int | None = None
    signal: int | None = None

    @property
    def by_command(self) -> bool:
        """Somebody asked albatross for it."""
        return self.signal == _TERMINATE


@dataclass(frozen=True)
class Explained:
    """A sentence without its subject ("exited with 64: …") and what to do, empty where nothing is."""

    sentence: str
    advice: str = ""


def end_said(line: str) -> End | None:
    """The end that a line of the console tells of; None for every other line."""
    if found := _EXIT.search(line):
        return End(code=min(int(found[1]), 255))
    if _ABORT.search(line):
        return End(code=255)
    if found := _SIGNAL.search(line):
        return End(signal=int(found[1]))
    return None


def is_boot(line: str) -> bool:
    """Whether Solo5 says with this line that it starts."""
    return _BOOT.search(line) is not None


def is_started_again(end: End, restart_on_exit: Sequence[int] | None) -> bool:
    """Whether albatross starts it again by itself. None: never; no codes: after every code that it may."""
    if restart_on_exit is None or end.code is None or end.code in NEVER_RESTARTED:
        return False
    return not restart_on_exit or end.code in restart_on_exit


def is_looping(ends: Sequence[datetime], now: datetime) -> bool:
    """Whether these ends, each followed by a start, are a loop: three within ten minutes."""
    return sum(now - LOOP_WITHIN <= at <= now for at in ends) >= LOOP_ENDS


def explain(end: End) -> Explained:
    """What an end means, for a person."""
    if end.signal is not None:
        if end.by_command:
            return Explained(
                "was ended by a command: stopped, replaced or destroyed",
                "If nobody meant it to end, start it again.",
            )
        return Explained(
            f"was killed by signal {end.signal}", "Read the host's journal: who or what sent it?"
        )
    if end.code is None:
        return Explained(
            "ended without a word: perhaps killed for want of memory, or its last line was lost",
            "Read the host's journal at that time, and look at its memory below.",
        )
    return _EXPLAINED.get(end.code) or _by_range(end.code)


def _by_range(code: int) -> Explained:
    if code in NEVER_RESTARTED:
        return Explained(f"exited with {code}: wrong arguments", _ARGUMENTS)
    return Explained(f"exited with {code}, a code of its own", "Its last lines say why.")


_ARGUMENTS = "Compare its arguments with those that its role takes; the console names the wrong one."
_EXPLAINED = {
    0: Explained("exited with 0: it was done"),
    1: Explained(
        "exited with 1: Solo5 could not run it",
        "Its image does not fit this host, or it has too little memory: see its first lines.",
    ),
    2: Explained("exited with 2: an exception that nobody caught", "Its last lines name the exception."),
    63: Explained("exited with 63: it only printed its help or version", "Take --help or --version out."),
    255: Explained("exited with 255: it aborted", "Its last lines name the cause; memory is a common one."),
}
