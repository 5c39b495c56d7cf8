"""How the checks of mail are grouped: a sentence for each topic, and what may be folded away. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from panel.web import sentences
from tenants.formats.mail_checks import Level

__all__ = ["CALM", "Shown", "Topic", "group"]

CALM = frozenset({Level.OK, Level.INFO})
"""Nothing is to be done: such a line is one line, without buttons."""
_PRESSING = frozenset({Level.WAITING, Level.UNKNOWN, Level.WARN, Level.FAIL})


@dataclass(frozen=True)
class Shown:
    """A line, and what its template wants of it. A muted line counts for nothing."""

    topic: str
    level: Level
    muted: bool
    context: dict[str, Any]


@dataclass(frozen=True)
class Topic:
    """`lines` stand open, those to look at first; `folded` are right, beside others that are not."""

    title: str
    sentence: str
    lines: tuple[dict[str, Any], ...]
    folded: tuple[dict[str, Any], ...] = ()
    fold: str = ""


def group(titles: Sequence[str], lines: Sequence[Shown]) -> list[Topic]:
    """The topics that have lines, in the order of `titles`."""
    found = [(title, [each for each in lines if each.topic == title]) for title in titles]
    return [_topic(title, chosen) for title, chosen in found if chosen]


def _topic(title: str, lines: list[Shown]) -> Topic:
    calm = [each for each in lines if each.level in CALM and not each.muted]
    others = [each for each in lines if each not in calm]
    counted = Counter(each.level for each in lines if not each.muted)
    pressing = any(counted[level] for level in _PRESSING)
    folds = pressing and len(calm) > 1
    others.sort(key=lambda each: (each.muted, each.level not in _PRESSING))
    opened = others + ([] if folds else calm)
    return Topic(
        title,
        _sentence(counted),
        tuple(each.context for each in opened),
        tuple(each.context for each in calm) if folds else (),
        _fold(calm) if folds else "",
    )


def _fold(calm: list[Shown]) -> str:
    more = f"{len(calm)} more lines are"
    if all(each.level is Level.OK for each in calm):
        return f"{more} right"
    return f"{more} right, or good to know"


def _sentence(counted: Counter[Level]) -> str:
    broken = counted[Level.FAIL] + counted[Level.WARN]
    said = [f"{sentences.amount(broken, 'thing', 'things')} to mend."] if broken else []
    if waiting := counted[Level.WAITING]:
        said.append(f"{sentences.amount(waiting, 'thing is', 'things are')} on the way.")
    if unknown := counted[Level.UNKNOWN]:
        said.append(f"{sentences.amount(unknown, 'thing', 'things')} could not be checked.")
    if not said:
        said.append("Nothing to mend.")
    if advised := counted[Level.RECOMMENDED]:
        said.append(f"{sentences.amount(advised, 'thing is', 'things are')} recommended.")
    return " ".join(said)
