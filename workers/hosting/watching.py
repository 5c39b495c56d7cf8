"""A while of looking after a start: “created” says that the process was begun, not that it is well."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tenants.formats.text import printable
from workers.albatross.client import Client
from workers.albatross.errors import AlbatrossError
from workers.albatross.names import Name
from workers.albatross.replies import ConsoleLine

LAST_LINES = 20
_LONGEST_LINE = 300
_EVERY = 0.25
# What Solo5 itself says at each start, its picture included.
_GREETING = re.compile(r"Solo5:.*|[ |_\\/()]*")


@dataclass(frozen=True)
class Early:
    """It did not stay. `restarts` counts how often albatross started it again; 0 when it is gone."""

    after: float
    restarts: int
    words: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if self.restarts:
            return f"restarted {self.restarts} times within {self.after:.0f} s of its start"
        return f"ended within {max(self.after, 1):.0f} s of its start"


def watch(
    client: Client,
    name: Name,
    seconds: float,
    *,
    after_moment: datetime | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Early | None, datetime | None]:
    """Look for `seconds` whether it stays: what went wrong, if anything, and since when it runs.

    Of its console only what came after `after_moment` is told: before that another one spoke, with other
    secrets. Raises what the client raises when the host cannot be read any more.
    """
    began, starts = clock(), []
    while True:
        running = client.unikernels(name)
        after = clock() - began
        if not running:
            return Early(after, 0, last_words(client, name, after_moment)), None
        if running[0].started is not None and running[0].started not in starts:
            starts.append(running[0].started)
        if after >= seconds:
            break
        sleep(min(_EVERY, max(seconds - after, 0.01)))
    if len(starts) > 1:
        return Early(after, len(starts) - 1, last_words(client, name, after_moment)), starts[-1]
    return None, starts[0] if starts else None


def wait_until_ready(
    client: Client,
    name: Name,
    seconds: float,
    *,
    after_moment: datetime | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait at most `seconds` until it says something of its own after Solo5's greeting. A unikernel that
    reads a repository has done so by then: without one it ends. False when it stayed silent."""
    began = clock()
    while True:
        words = last_words(client, name, after_moment)
        if any(word.strip() and _GREETING.fullmatch(word) is None for word in words):
            return True
        left = seconds - (clock() - began)
        if left <= 0:
            return False
        sleep(min(_EVERY, max(left, 0.01)))


def last_words(client: Client, name: Name, after: datetime | None = None) -> tuple[str, ...]:
    """The end of its console, harmless and bounded; nothing when it cannot be read."""
    lines = _console(client, name, LAST_LINES)
    new = [each.line for each in lines if after is None or each.timestamp > after]
    return tuple(printable(line, _LONGEST_LINE) for line in new)


def last_moment(client: Client, name: Name) -> datetime | None:
    """When it spoke last, by the host's clock; None when it never did."""
    lines = _console(client, name, 1)
    return lines[-1].timestamp if lines else None


def _console(client: Client, name: Name, count: int) -> list[ConsoleLine]:
    lines: list[ConsoleLine] = []
    try:
        with client.console(name, count) as stream:
            until = time.monotonic() + 2.0
            while len(lines) < count and not stream.ended and time.monotonic() < until:
                answers = stream.read(0.3)
                if not answers:
                    break
                lines += [answer.reply for answer in answers if isinstance(answer.reply, ConsoleLine)]
    except AlbatrossError:
        return lines
    return lines[-count:]
