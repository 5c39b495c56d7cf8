"""What a console says of an end, and what the end means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.exits import End, end_said, explain, is_boot, is_looping, is_started_again


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("Solo5: solo5_exit(0) called", End(code=0)),
        ("Solo5: solo5_exit(64) called", End(code=64)),
        ("Solo5: solo5_exit(999) called", End(code=255)),
        ("Solo5: solo5_abort() called", End(code=255)),
        ("Solo5: ABORT: cpu_x86_64.c:163: PANIC", End(code=255)),
        ("solo5-hvt: Exiting on signal 15", End(signal=15)),
        ("solo5-spt: Exiting on signal 2", End(signal=2)),
        ("Solo5: solo5_exit() called", None),
        ("the exit(1) of a road", None),
        ("", None),
    ],
)
def test_ends_are_read(line: str, end: End | None) -> None:
    assert end_said(line) == end


@given(st.text(max_size=300))
def test_any_line_is_read_without_a_word(line: str) -> None:
    end = end_said(line)
    assert end is None or (end.code is None) != (end.signal is None)


def test_a_start_is_read() -> None:
    assert is_boot("Solo5: Bindings version v0.12.1")
    assert not is_boot("Solo5: Bindings")


@pytest.mark.parametrize(
    ("code", "codes", "again"),
    [
        (0, [], True),
        (2, [], True),
        (2, [2, 255], True),
        (3, [2, 255], False),
        (2, None, False),
        (1, [1], False),
        (64, [], False),
        (64, [64], False),
    ],
)
def test_albatross_starts_again_as_it_does(code: int, codes: list[int] | None, again: bool) -> None:
    assert is_started_again(End(code=code), codes) is again


def test_never_after_a_signal_or_silence() -> None:
    assert not is_started_again(End(signal=9), [])
    assert not is_started_again(End(), [])


@given(st.none() | st.integers(0, 255), st.none() | st.integers(1, 64))
def test_every_end_is_explained(code: int | None, signal: int | None) -> None:
    said = explain(End(code, signal))
    assert said.sentence
    assert not said.sentence.endswith(".")
    assert not said.advice or said.advice.endswith((".", "?"))


def test_three_ends_within_ten_minutes_are_a_loop() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ends = [now - timedelta(minutes=each) for each in (0, 5, 9)]
    assert is_looping(ends, now)
    assert not is_looping(ends[:2], now)
    assert not is_looping([*ends[:2], now - timedelta(minutes=11)], now)
