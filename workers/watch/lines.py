"""Console lines as they may be kept: without secrets and escape sequences, bounded, each once. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from tenants.actions.watching import Line
from tenants.formats.text import printable
from tenants.formats.unikernels import WantedUnikernel
from tenants.models.watching import LONGEST_LINE
from workers.albatross.replies import ConsoleLine
from workers.hosting.masking import secret_values

# Albatross cuts at 512 bytes since 2.5; older ones do not.
_MOST_BYTES = 8192
_MOST_SECRETS = 200
_SHORTEST = 4
_CUT = " [truncated]"
_MASK = "•••"
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Control sequences, operating system commands, and other escapes (ECMA-48).
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


class Mask:
    """Takes secrets out of lines: those of now, and those of before for as long as this process knows them.

    A console may still tell an earlier command line, whose secrets nobody has any more: whatever follows
    the name of an argument that holds a secret is masked, too.
    """

    def __init__(self) -> None:
        self._values: list[str] = []
        self._names: list[str] = []
        self._pattern: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return f"Mask({len(self._values)} values)"

    def learn(self, wanted: WantedUnikernel) -> None:
        """Know the secrets of what should run now."""
        names = [shown.partition("{secret:")[0] for shown in wanted.shown if "{secret:" in shown]
        values = dict.fromkeys([*secret_values(wanted), *self._values])
        self._values = list(values)[:_MOST_SECRETS]
        self._names = list(dict.fromkeys([*filter(_is_telling, names), *self._names]))[:_MOST_SECRETS]
        whole = sorted(map(re.escape, self._values), key=len, reverse=True)
        after = [f"(?<={re.escape(name)})[^\\s'\"]+" for name in self._names]
        self._pattern = re.compile("|".join([*whole, *after])) if whole or after else None

    def hide(self, text: str, *, cut: bool) -> str:
        """`cut`: the line was cut off at its end, perhaps within a secret."""
        if self._pattern is not None:
            text = self._pattern.sub(_MASK, text)
        return self._hide_begun(text) if cut else text

    def _hide_begun(self, text: str) -> str:
        for value in self._values:
            for length in range(len(value) - 1, _SHORTEST - 1, -1):
                if text.endswith(value[:length]):
                    return text[:-length] + _MASK
        return text


def _is_telling(name: str) -> bool:
    return len(name) >= _SHORTEST


def clean(raw: bytes, mask: Mask) -> str:
    """One line of a console as harmless text of at most LONGEST_LINE characters; it may be empty."""
    text = raw[:_MOST_BYTES].decode("utf-8", "backslashreplace")
    cut = len(raw) > _MOST_BYTES or text.endswith(_CUT)
    text = _ANSI.sub("", text).rstrip("\r").expandtabs(4)
    body = text.removesuffix(_CUT) if cut else text
    return printable(mask.hide(body, cut=cut) + (_CUT if cut else ""), LONGEST_LINE)


class CatchUp:
    """Of a console's past, lets through what is not kept yet. `kept` are the last lines that are.

    A console numbers nothing, so equal lines of one moment are counted: as many as are kept are left out.
    Once the past is over, `end` lets everything through, also from a clock that was set back.
    """

    def __init__(self, kept: Sequence[tuple[datetime, str]]) -> None:
        self._last = max((at for at, _ in kept), default=None)
        self._known = Counter(text for at, text in kept if at == self._last)

    def is_new(self, line: Line) -> bool:
        if self._last is None or line.at > self._last:
            self.end()
            return True
        if line.at < self._last:
            return False
        if self._known[line.text] > 0:
            self._known[line.text] -= 1
            return False
        return True

    def end(self) -> None:
        self._last = None


class Rate:
    """So many lines may come at once, and so many a second; the others are counted only."""

    def __init__(self, now: float, burst: int = 2_000, a_second: float = 50.0) -> None:
        self._burst, self._a_second, self._left, self._at = burst, a_second, float(burst), now

    def allows(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def taken(reply: ConsoleLine, mask: Mask) -> Line:
    return Line(sane(reply.timestamp), clean(bytes(reply.line), mask))


def sane(moment: datetime) -> datetime:
    """A host's time within what every zone of the world and every database can tell."""
    return min(max(moment, _EARLIEST), _LATEST)
