"""Ends that consoles and lists tell of: each once, with its reason where there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tenants.actions.watching import Line
from tenants.formats.exits import End
from workers.watch.lives import MOST_ENDS, Track, listen, look

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RUNS = Track(running=True, started_at=NOW)
EXIT = "Solo5: solo5_exit(2) called"


def test_a_console_tells_an_end_with_its_last_words() -> None:
    lines = [Line(NOW, "Solo5: Bindings version v0.12.1"), Line(NOW, "Fatal error"), Line(NOW + SECOND, EXIT)]
    track, [ended] = listen(RUNS.under([]), lines)
    assert (ended.at, ended.end, ended.restarted, ended.words) == (
        NOW + SECOND,
        End(code=2),
        True,
        "Fatal error",
    )
    assert track.told_at == NOW + SECOND


def test_what_the_console_told_the_list_does_not_repeat() -> None:
    track, _ = listen(RUNS, [Line(NOW + SECOND, EXIT)])
    for number in (2, 3, 4):
        track, ends, life = look(track, None, False, NOW + number * SECOND)
        assert ends == []
    assert (life.running, life.started_at) == (False, NOW)


def test_an_end_without_a_word_is_told_at_the_second_look() -> None:
    track, ends, _ = look(RUNS, None, False, NOW + SECOND)
    assert ends == []
    track, [ended], _ = look(track, None, False, NOW + 2 * SECOND)
    assert (ended.at, ended.end) == (NOW + SECOND, End())
    assert look(track, None, False, NOW + 3 * SECOND)[1] == []


def test_a_console_that_comes_late_gives_the_reason() -> None:
    track, _, _ = look(RUNS, None, False, NOW + SECOND)
    track, [ended] = listen(track, [Line(NOW + SECOND / 2, EXIT)])
    assert ended.end == End(code=2)
    assert look(track, None, False, NOW + 2 * SECOND)[1] == []


def test_a_later_start_is_the_end_of_the_life_before() -> None:
    track, _, life = look(RUNS, NOW + SECOND, True, NOW + 5 * SECOND)
    assert life.started_at == NOW + SECOND
    track, [ended], _ = look(track, NOW + SECOND, True, NOW + 10 * SECOND)
    assert (ended.at, ended.end) == (NOW + SECOND, End())


def test_each_life_has_its_own_end() -> None:
    track, first = listen(RUNS, [Line(NOW + SECOND, EXIT)])
    track, none, _ = look(track, NOW + 2 * SECOND, True, NOW + 3 * SECOND)
    track, second = listen(track, [Line(NOW + 4 * SECOND, EXIT)])
    assert (len(first), none, len(second)) == (1, [], 1)
    track, none, _ = look(track, None, False, NOW + 5 * SECOND)
    assert look(track, None, False, NOW + 6 * SECOND)[1] == none == []


def test_what_never_ran_does_not_end() -> None:
    track, ends, life = look(Track(), None, False, NOW)
    assert (ends, life.running) == ([], False)
    assert look(track, None, False, NOW)[1] == []


def test_a_tight_loop_is_bounded() -> None:
    lines = [Line(NOW + number * SECOND, EXIT) for number in range(100)]
    _, ends = listen(RUNS, lines)
    assert [each.at for each in ends] == [line.at for line in lines[-MOST_ENDS:]]
