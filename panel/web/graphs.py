"""Graphs as inline SVG, drawn by the server. Pure: samples in, paths and sentences out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor, log10
from typing import Protocol

WIDTH, HEIGHT = 720, 120
_POINTS = 240
# Longer than this many steps without a measurement: nothing is known in between, so no line is drawn.
_GAP = 3.0


class Measurement(Protocol):
    @property
    def at(self) -> datetime: ...
    @property
    def cpu(self) -> int: ...
    @property
    def memory(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def sent(self) -> int: ...


Point = tuple[datetime, float | None]
"""None: nothing is known from the point before up to this one."""


@dataclass(frozen=True)
class Series:
    """One line; `now` and `highest` are None where nothing was measured."""

    label: str
    points: Sequence[Point]
    highest: float | None
    highest_at: datetime | None
    now: float | None


@dataclass(frozen=True)
class Drawn:
    label: str
    path: str
    sentence: str


@dataclass(frozen=True)
class Graph:
    """`top` is what the upper edge stands for. Without lines there is nothing to see yet."""

    title: str
    top: str
    lines: Sequence[Drawn]

    @property
    def sentence(self) -> str:
        return " ".join(line.sentence for line in self.lines)


def thinned(samples: Sequence[Measurement], step: timedelta) -> list[Measurement]:
    """The last of each step."""
    found: dict[int, Measurement] = {}
    for sample in samples:
        found[int(sample.at.timestamp() / step.total_seconds())] = sample
    return list(found.values())


def levels(
    label: str, samples: Sequence[Measurement], step: timedelta, value: Callable[[Measurement], float]
) -> Series:
    """What was measured, as it is."""
    points: list[Point] = []
    for number, sample in enumerate(samples):
        if number and sample.at - samples[number - 1].at > step * _GAP:
            points.append((sample.at, None))
        points.append((sample.at, value(sample)))
    return _series(label, points)


def rates(
    label: str, samples: Sequence[Measurement], step: timedelta, value: Callable[[Measurement], int]
) -> Series:
    """By how much a counter grew, a second. A counter that fell began anew: then nothing is known."""
    points: list[Point] = []
    for earlier, later in pairwise(samples):
        seconds = (later.at - earlier.at).total_seconds()
        grown = value(later) - value(earlier)
        known = grown >= 0 and 0 < seconds <= step.total_seconds() * _GAP
        points.append((later.at, grown / seconds if known else None))
    return _series(label, points)


def _series(label: str, points: Sequence[Point]) -> Series:
    known = [(value, at) for at, value in points if value is not None]
    highest, highest_at = max(known, default=(None, None))
    return Series(label, points, highest, highest_at, known[-1][0] if known else None)


def draw(
    title: str,
    series: Sequence[Series],
    since: datetime,
    until: datetime,
    unit: Callable[[float], str],
    clock: Callable[[datetime], str],
) -> Graph:
    """All lines on one scale, which begins at zero and ends at a round number of its unit."""
    highest = max((each.highest or 0.0 for each in series), default=0.0)
    base = _base_of(highest) if unit in (size, per_second) else 1.0
    top = _round_up(highest / base) * base
    lines = [
        Drawn(each.label, _path(each.points, since, until, top), _said(each, unit, clock))
        for each in series
        if each.now is not None
    ]
    return Graph(title, unit(top), lines)


def _said(series: Series, unit: Callable[[float], str], clock: Callable[[datetime], str]) -> str:
    assert series.now is not None  # noqa: S101 - of every line that is drawn
    assert series.highest is not None  # noqa: S101
    assert series.highest_at is not None  # noqa: S101
    at = clock(series.highest_at)
    return f"{series.label}: {unit(series.now)} last, at most {unit(series.highest)} ({at})."


def _path(points: Sequence[Point], since: datetime, until: datetime, top: float) -> str:
    span = (until - since).total_seconds()
    parts: list[str] = []
    is_drawing = False
    for at, value in points:
        if value is None:
            is_drawing = False
            continue
        x = WIDTH * min(max((at - since).total_seconds() / span, 0.0), 1.0)
        y = HEIGHT * (1 - min(value / top, 1.0))
        # A point between two gaps is seen as a dot: a line of no length with round ends.
        parts.append(f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}" + ("" if is_drawing else "h0"))
        is_drawing = True
    return "".join(parts)


def _base_of(value: float) -> float:
    """How many bytes the unit has in which `size` says so many."""
    base = 1.0
    while value >= base * 1024 and base < 1024.0**4:
        base *= 1024
    return base


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten; 1 for nothing at all."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999))


def percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %"


def size(value: float) -> str:
    """Bytes, in a unit that people read."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def per_second(value: float) -> str:
    return f"{size(value)}/s"


def step_of(span: timedelta) -> timedelta:
    """How far points lie apart; measurements come every ten seconds."""
    return max(span / _POINTS, timedelta(seconds=10))
