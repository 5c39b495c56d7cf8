"""Console lines are hostile bytes: what is kept of them, and each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.actions.watching import Line
from tenants.formats.solo5_image import read_image
from tenants.formats.unikernels import WantedUnikernel
from tests.hosting import PLAIN
from workers.albatross.replies import ConsoleLine
from workers.watch.lines import CatchUp, Mask, Rate, clean, taken

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "hunter2 and more"


def wanted(value: str = SECRET) -> WantedUnikernel:
    return WantedUnikernel(
        label="web",
        digest="",
        image=read_image(PLAIN),
        memory=32,
        arguments=(f"--seed={value}".encode(), b"--verbose"),
        shown=("--seed={secret:seed}", "--verbose"),
    )


@pytest.fixture
def mask() -> Mask:
    made = Mask()
    made.learn(wanted())
    return made


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"\x1b[1;31mred\x1b[0m and \x1b]0;title\x07 more\r", "red and  more"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"a\tb", "a   b"),
        (b"nul \x00 bell \x07", "nul \\0 bell \\x07"),
        ("right \u202e left".encode(), "right \\u202e left"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_lines_are_harmless(raw: bytes, text: str) -> None:
    assert clean(raw, Mask()) == text


@given(st.binary(max_size=9000))
def test_any_line_is_bounded_and_printable(raw: bytes) -> None:
    text = clean(raw, Mask())
    assert len(text) <= 600
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\x1b" not in text
    assert "\n" not in text


def test_secrets_are_masked(mask: Mask) -> None:
    assert clean(b"args: --seed=hunter2 and more --verbose", mask) == "args: ••• --verbose"
    assert clean(b"the key is hunter2 and more!", mask) == "the key is •••!"
    assert clean(b"hunter2 \x1b[1mand\x1b[0m more", mask) == "•••"
    assert SECRET not in repr(mask)


def test_a_secret_that_was_cut_is_masked(mask: Mask) -> None:
    assert clean(b"the key is hunter2 an [truncated]", mask) == "the key is ••• [truncated]"
    assert clean(b"the key is hunter2 an", mask) == "the key is hunter2 an"


def test_earlier_secrets_are_masked_as_long_as_they_are_known_or_named(mask: Mask) -> None:
    mask.learn(wanted("another one"))
    assert clean(b"hunter2 and more, another one", mask) == "•••, •••"
    fresh = Mask()
    fresh.learn(wanted("another one"))
    assert clean(b"web: command line '--seed=swordfish --verbose'", fresh) == (
        "web: command line '--seed=••• --verbose'"
    )


def at(seconds: float, text: str) -> Line:
    return Line(NOW + timedelta(seconds=seconds), text)


def test_the_past_comes_once() -> None:
    past = [at(0, "a"), at(1, "b"), at(1, "b"), at(1, "c")]
    assert [each for each in past if CatchUp([]).is_new(each)] == past
    catch_up = CatchUp([(each.at, each.text) for each in past[:2]])
    fresh = [each for each in [*past, at(2, "d"), at(1.5, "e")] if catch_up.is_new(each)]
    assert fresh == [at(1, "b"), at(1, "c"), at(2, "d"), at(1.5, "e")]


def test_after_the_past_a_clock_that_was_set_back_loses_nothing() -> None:
    catch_up = CatchUp([(NOW, "a")])
    assert not catch_up.is_new(at(-10, "old"))
    catch_up.end()
    assert catch_up.is_new(at(-10, "new"))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=30), st.integers(0, 30))
def test_wherever_it_was_left_nothing_is_lost_or_doubled(given_: list[tuple[int, str]], cut: int) -> None:
    past = [at(seconds, text) for seconds, text in sorted(given_, key=lambda each: each[0])]
    kept = past[:cut]
    catch_up = CatchUp([(each.at, each.text) for each in kept])
    fresh = [each for each in past if catch_up.is_new(each)]
    assert sorted((line.at, line.text) for line in [*kept, *fresh]) == sorted(
        (line.at, line.text) for line in past
    )


def test_a_flood_is_counted_and_ends() -> None:
    rate = Rate(0.0, burst=10, a_second=5)
    assert sum(rate.allows(0.0) for _ in range(100)) == 10
    assert sum(rate.allows(1.0) for _ in range(100)) == 5
    assert sum(rate.allows(1000.0) for _ in range(100)) == 10


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_a_clock_that_is_far_off_can_be_shown_everywhere(year: int, mask: Mask) -> None:
    line = taken(ConsoleLine(datetime(year, 12, 31, 23, 59, tzinfo=UTC), b"hello"), mask)
    for hours in (-12, 14):
        assert line.at.astimezone(timezone(timedelta(hours=hours)))
    assert 1970 <= line.at.year <= 2200
