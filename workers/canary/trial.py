"""One message through servers that are named now, and whether it arrived: what an upgrade must pass."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenants.formats.canary import Part, Round
from workers.canary.legs import Dial, Leg, dial_directly, send
from workers.canary.maildir import forget, read
from workers.canary.message import make_message, new_tag

__all__ = ["Trial", "send_and_wait"]

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Trial:
    """`maildir` is where the leg's recipient, or whom the relay sends its mail to, gets mail; None where
    nobody can see it arrive: then what was taken has to do."""

    leg: Leg
    maildir: Path | None
    dial: Dial = dial_directly


def send_and_wait(trial: Trial, *, seconds: float = 20.0) -> Round:
    """Send one message now and wait until it is there, for at most `seconds` in all.

    The round has `Part.ARRIVED` in `took` when it arrived; else `failed` and `problem` say at which part it
    ended. Such a message counts in no history. Raises OSError when the Maildir cannot be read.
    """
    until, tag, leg = time.monotonic() + seconds, new_tag(), trial.leg
    at = datetime.now(UTC)
    sender = leg.sender or f"rookery-canary@{leg.helo}"
    content = make_message(tag=tag, sender=sender, recipient=leg.recipient, at=at)
    done = send(leg, content, dial=trial.dial, seconds=max(0.1, seconds * 0.7))
    if done.failed is not None or trial.maildir is None:
        return done
    sent = time.monotonic()
    while True:
        mine = [each for each in read(trial.maildir, datetime.now(UTC)) if each.tag == tag]
        if mine:
            forget(mine)
            return Round({**done.took, Part.ARRIVED: round((time.monotonic() - sent) * 1000)})
        if time.monotonic() >= until:
            return Round(done.took, Part.ARRIVED, "It was taken, and did not arrive in time")
        time.sleep(_POLL_SECONDS)
