"""Graphs: what is known is drawn, what is not leaves a gap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from panel.web import graphs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STEP = timedelta(seconds=10)


@dataclass(frozen=True)
class One:
    at: datetime
    cpu: int = 0
    memory: int = 0
    received: int = 0
    sent: int = 0


def row(*cpu: int) -> list[One]:
    return [One(NOW + STEP * number, value, value, value, value) for number, value in enumerate(cpu)]


def draw(*series: graphs.Series) -> graphs.Graph:
    return graphs.draw("CPU", series, NOW, NOW + STEP * 10, graphs.percent, lambda at: f"{at:%H:%M:%S}")


def test_a_counter_becomes_a_rate() -> None:
    series = graphs.rates("CPU", row(0, 100, 300), STEP, lambda each: each.cpu)
    assert [value for _, value in series.points] == [10.0, 20.0]
    assert (series.now, series.highest, series.highest_at) == (20.0, 20.0, NOW + 2 * STEP)


def test_a_counter_that_began_anew_is_a_gap() -> None:
    series = graphs.rates("CPU", row(0, 100, 5, 105), STEP, lambda each: each.cpu)
    assert [value for _, value in series.points] == [10.0, None, 10.0]
    assert draw(series).lines[0].path.count("M") == 2


def test_a_silence_is_a_gap() -> None:
    samples = [One(NOW), One(NOW + STEP), One(NOW + STEP * 9), One(NOW + STEP * 10)]
    assert (
        draw(graphs.levels("Memory", samples, STEP, lambda each: each.memory)).lines[0].path.count("M") == 2
    )
    rates = graphs.rates("CPU", samples, STEP, lambda each: each.cpu)
    assert [value for _, value in rates.points] == [0.0, None, 0.0]


def test_it_says_in_words_what_it_shows() -> None:
    graph = draw(graphs.rates("CPU", row(0, 470, 490), STEP, lambda each: each.cpu))
    assert graph.sentence == "CPU: 2.0 % last, at most 47 % (12:00:10)."
    assert graph.top == "50 %"
    assert graph.lines[0].path == "M72.0 7.2h0L144.0 115.2"


def test_without_measurements_nothing_is_drawn() -> None:
    assert draw(graphs.rates("CPU", row(5), STEP, lambda each: each.cpu)).lines == []


@given(st.lists(st.integers(0, 2**63 - 1), max_size=50))
def test_whatever_was_measured_stays_inside(values: list[int]) -> None:
    graph = draw(
        graphs.rates("CPU", row(*values), STEP, lambda each: each.cpu),
        graphs.levels("Memory", row(*values), STEP, lambda each: each.memory),
    )
    for line in graph.lines:
        for x, y in re.findall(r"[ML]([\d.e+-]+) ([\d.e+-]+)", line.path):
            assert 0 <= float(x) <= graphs.WIDTH
            assert 0 <= float(y) <= graphs.HEIGHT


def test_many_are_thinned_to_the_last_of_each_step() -> None:
    start = NOW.replace(minute=0)
    samples = [One(start + STEP * number, number) for number in range(12)]
    assert [each.cpu for each in graphs.thinned(samples, timedelta(minutes=1))] == [5, 11]


def test_sizes_are_read_easily() -> None:
    assert [graphs.size(each) for each in (0, 1023, 1536, 16 << 20, 5 << 40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "16 MiB",
        "5.0 TiB",
    ]
    assert graphs.per_second(2048) == "2.0 KiB/s"


def test_the_upper_edge_is_a_round_number_of_its_unit() -> None:
    memory = [One(NOW, 0, 17 << 20, 0, 0), One(NOW + STEP, 0, 17 << 20, 0, 0)]
    series = graphs.levels("Memory", memory, STEP, lambda each: each.memory)
    drawn = graphs.draw("Memory", [series], NOW, NOW + STEP, graphs.size, str)
    assert drawn.top == "20 MiB"
