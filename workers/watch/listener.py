"""One console that is followed, and what is known of its unikernel."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime

from tenants.actions.watching import Ended, Life, Line, Measured, Watched
from tenants.models import ConsoleLine, UnikernelExit, UnikernelWatch
from workers.albatross.exchange import Subscription
from workers.albatross.names import Name
from workers.albatross.replies import ConsoleLine as Said
from workers.watch import lives
from workers.watch.lines import CatchUp, Mask, Rate, taken

HISTORY = 1024
_FIRST_WAIT, _LONGEST_WAIT, _STEADY = 1.0, 300.0, 60.0
# The past comes in one go; after a silence of this many seconds all of it was there.
_SILENCE = 10.0


@dataclass
class Stream:
    """A subscription that is opened again when it ends, later each time: somebody else wants it, too."""

    subscription: Subscription | None = None
    opened_at: float = 0.0
    try_at: float = 0.0
    wait: float = _FIRST_WAIT

    def open(self, subscription: Subscription) -> None:
        self.subscription, self.opened_at = subscription, time.monotonic()

    def close(self) -> None:
        """Give it up, and wait."""
        now = time.monotonic()
        if self.subscription is not None:
            self.subscription.close()
            self.subscription = None
            if now - self.opened_at > _STEADY:
                self.wait = _FIRST_WAIT
        self.try_at = now + self.wait
        self.wait = min(self.wait * 2, _LONGEST_WAIT)

    @property
    def is_due(self) -> bool:
        return self.subscription is None and time.monotonic() >= self.try_at


@dataclass
class Listener:
    """All that is in memory of one unikernel."""

    unikernel_id: int
    name: Name
    share_id: int
    track: lives.Track
    console: Stream = field(default_factory=Stream)
    mask: Mask = field(default_factory=Mask)
    generation: int = -1
    rate: Rate = field(default_factory=lambda: Rate(time.monotonic()))
    catch_up: CatchUp = field(default_factory=lambda: CatchUp(()))
    heard_at: float = 0.0
    lines: list[Line] = field(default_factory=list)
    samples: list[Measured] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    life: Life | None = None
    skipped: int = 0

    @classmethod
    def of(cls, unikernel_id: int, name: Name, share_id: int) -> Listener:
        """Go on where the last watcher ended."""
        watch = UnikernelWatch.objects.filter(unikernel=unikernel_id).first()
        told = UnikernelExit.objects.filter(unikernel=unikernel_id).order_by("-at").first()
        track = lives.Track(
            running=watch.running if watch else False,
            started_at=watch.started_at if watch else None,
            told_at=told.at if told else None,
        )
        return cls(unikernel_id, name, share_id, track)

    def opened(self, subscription: Subscription) -> None:
        """Its past comes first."""
        rows = ConsoleLine.objects.filter(unikernel=self.unikernel_id).order_by("-pk")
        self.catch_up = CatchUp(list(rows.values_list("at", "text")[:HISTORY]))
        self.heard_at = time.monotonic()
        self.console.open(subscription)

    def hear(self, said: Said) -> None:
        """Take one line; empty ones and those that are kept already are passed over."""
        line = taken(said, self.mask)
        self.heard_at = time.monotonic()
        if not line.text.strip() or not self.catch_up.is_new(line):
            return
        self.track, ends = lives.listen(self.track, [line])
        self.ends = [*self.ends, *ends][-lives.MOST_ENDS :]
        if self.rate.allows(self.heard_at):
            self.lines.append(line)
        else:
            self.skipped += 1

    def look(self, started_at: datetime | None, running: bool, now: datetime) -> None:
        if time.monotonic() - self.heard_at > _SILENCE:
            self.catch_up.end()
        self.track, ends, self.life = lives.look(self.track, started_at, running, now)
        self.ends += ends

    def harvest(self) -> Watched | None:
        """What came since the last time; None when nothing did."""
        if not (self.lines or self.samples or self.ends or self.skipped or self.life):
            return None
        seen = Watched(self.lines, self.skipped, self.samples, self.ends, self.life)
        self.lines, self.samples, self.ends, self.skipped, self.life = [], [], [], 0, None
        return seen
