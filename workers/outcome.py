"""How a pass can end otherwise than well. The class decides what happens next."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=10)


class Setback(Exception):
    """Base of the two expected ways to fail; anything else is a bug and is loud."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Retry(Setback):
    """Unreachable, busy or a lost race: it goes on by itself. `delay` overrides the back-off."""

    def __init__(self, code: str, sentence: str, delay: timedelta | None = None) -> None:
        super().__init__(code, sentence)
        self.delay = delay


class NeedsPerson(Setback):
    """Stops until somebody acts. `sentence` says what happened, `advice` what to do.

    With `agree_to`, a person may agree to exactly that (a plan's checksum, a commit) and it goes on.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        advice: str,
        details: dict[str, Any] | None = None,
        *,
        agree_to: str = "",
    ) -> None:
        super().__init__(code, sentence)
        self.advice = advice
        self.details = details or {}
        self.agree_to = agree_to


@dataclass(frozen=True)
class Backoff:
    """Exponential, capped, with jitter so that a thousand targets do not knock together."""

    first: timedelta = FIRST_DELAY
    longest: timedelta = LONGEST_DELAY
    jitter: Callable[[float, float], float] = random.SystemRandom().uniform

    def delay(self, failures: int) -> timedelta:
        """How long to wait after the n-th failure in a row (n ≥ 1): between half and all of the step."""
        doublings: int = min(max(failures, 1) - 1, 20)
        step = min(self.longest, self.first * float(1 << doublings))
        share: float = self.jitter(0.5, 1.0)
        return step * share
