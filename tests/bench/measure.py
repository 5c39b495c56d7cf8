"""What the bench prints, and how it takes time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One goal: `value` and `floor` in the unit that the name says; met up to the ratio `goal`."""

    name: str
    value: float
    floor: float
    goal: float

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    @property
    def ok(self) -> bool:
        return self.ratio <= self.goal

    def line(self) -> str:
        """One line of JSON with name, value, floor, ratio, goal, ok."""
        body: dict[str, Any] = {
            "name": self.name,
            "value": round(self.value, 3),
            "floor": round(self.floor, 3),
            "ratio": round(self.ratio, 5),
            "goal": round(self.goal, 5),
            "ok": self.ok,
        }
        return json.dumps(body)


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of wall time."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def tell(line: str) -> None:
    """A result, for programs."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def stage(title: str) -> Iterator[None]:
    began = time.perf_counter()
    say(f"{title} …")
    yield
    say(f"  {time.perf_counter() - began:.1f} s")
