"""Checks of mail by topic: what stands open, what folds away, and the sentence above."""

from __future__ import annotations

import pytest

from panel.web.check_topics import Shown, Topic, group
from tenants.formats.mail_checks import Level


def topic(*levels: Level, muted: Level | None = None) -> Topic:
    lines = [Shown("A", level, level is muted, {"is": level.value}) for level in levels]
    (found,) = group(["A", "B"], lines)
    return found


def kept(found: Topic) -> list[str]:
    return [each["is"] for each in found.lines]


def test_where_all_is_right_nothing_folds() -> None:
    found = topic(Level.OK, Level.INFO, Level.OK)
    assert (kept(found), found.folded, found.sentence) == (["ok", "info", "ok"], (), "Nothing to mend.")


def test_what_is_recommended_comes_first_and_folds_nothing() -> None:
    found = topic(Level.OK, Level.RECOMMENDED)
    assert kept(found) == ["recommended", "ok"]
    assert found.folded == ()
    assert found.sentence == "Nothing to mend. 1 thing is recommended."


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        (Level.FAIL, "1 thing to mend."),
        (Level.WARN, "1 thing to mend."),
        (Level.UNKNOWN, "1 thing could not be checked."),
        (Level.WAITING, "1 thing is on the way."),
    ],
)
def test_what_is_not_right_stands_alone(level: Level, sentence: str) -> None:
    found = topic(Level.OK, level, Level.OK)
    assert (kept(found), len(found.folded), found.fold) == ([level.value], 2, "2 more lines are right")
    assert found.sentence == sentence
    assert topic(Level.OK, level).folded == (), "one line is no shorter when it is folded"


def test_words_are_true_of_all_that_is_folded_and_counted() -> None:
    found = topic(Level.RECOMMENDED, Level.INFO, Level.OK, Level.FAIL, Level.WARN, Level.UNKNOWN)
    assert kept(found) == ["fail", "warn", "unknown", "recommended"]
    assert found.fold == "2 more lines are right, or good to know"
    assert found.sentence == "2 things to mend. 1 thing could not be checked. 1 thing is recommended."


def test_a_muted_line_counts_for_nothing_and_stays() -> None:
    found = topic(Level.OK, Level.FAIL, Level.OK, muted=Level.FAIL)
    assert (kept(found), found.folded, found.sentence) == (["fail", "ok", "ok"], (), "Nothing to mend.")


def test_topics_keep_their_order_and_empty_ones_are_left_out() -> None:
    lines = [Shown("B", Level.OK, False, {}), Shown("A", Level.OK, False, {})]
    assert [each.title for each in group(["A", "C", "B"], lines)] == ["A", "B"]
