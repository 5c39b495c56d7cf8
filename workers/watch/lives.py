"""From consoles and lists of what runs to ends: what happened to a unikernel, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tenants.actions.watching import Ended, Life, Line
from tenants.formats.exits import End, end_said, is_boot, is_started_again

# Of a tight loop, so many ends are kept of what came at once; the newest.
MOST_ENDS = 20


@dataclass(frozen=True)
class Track:
    """What is known of one unikernel.

    `told_at` is the moment of the last end that was told. `missing` is an end that was seen in the list only:
    its console may tell it a moment later, with its reason.
    """

    running: bool = False
    started_at: datetime | None = None
    told_at: datetime | None = None
    missing: datetime | None = None
    last_words: str = ""
    restart_on_exit: Sequence[int] | None = None

    def under(self, restart_on_exit: Sequence[int] | None) -> Track:
        """The same with other codes after which albatross starts it again."""
        return replace(self, restart_on_exit=restart_on_exit)


def listen(track: Track, lines: Iterable[Line]) -> tuple[Track, list[Ended]]:
    """Ends that a console tells; each line is given once, in its order."""
    ended: list[Ended] = []
    for line in lines:
        end = end_said(line.text)
        if end is None:
            words = "" if is_boot(line.text) else line.text or track.last_words
            track = replace(track, last_words=words)
            continue
        again = is_started_again(end, track.restart_on_exit)
        ended.append(Ended(line.at, end, again, track.last_words))
        track = replace(track, told_at=line.at, missing=None, last_words="")
    return track, ended[-MOST_ENDS:]


def look(
    track: Track, started_at: datetime | None, running: bool, now: datetime
) -> tuple[Track, list[Ended], Life]:
    """What a look at the host's list tells. `now` is ours; it stands for an end that nothing else dates.

    An end without a word is told only at the look after the one that missed it.
    """
    ended: list[Ended] = []
    told = track.told_at is not None and (track.started_at is None or track.told_at >= track.started_at)
    is_other = running and track.running and started_at != track.started_at
    missing = track.missing
    if missing is not None:
        ended.append(Ended(missing, End(), False, track.last_words))
        missing = None
    if track.running and (not running or is_other) and not told:
        # Its next life began at once, so that is when this one was over.
        missing = (started_at if is_other else None) or now
    after = replace(track, running=running, started_at=started_at or track.started_at, missing=missing)
    return after, ended, Life(running, after.started_at, now)
