"""Serials: newer and older on the circle, and the next number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.text import FormatError
from tenants.formats.zones.serial import MAX_SERIAL, check_serial, newer, newest, next_serial

serials = st.integers(0, MAX_SERIAL) | st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**31 + 1, MAX_SERIAL])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (2, 1, True),
        (1, 1, False),
        (1, 2, False),
        (2023010101, 1, True),  # a date after a plain number
        (2**31 - 1, 0, True),
        (2**31, 0, False),  # half a circle: neither is newer
        (0, 2**31, False),
        (2**31 + 1, 0, False),
        (0, MAX_SERIAL, True),
        (1, MAX_SERIAL, True),
        (MAX_SERIAL, 1, False),
    ],
)
def test_which_serial_is_newer(one: int, other: int, expected: bool) -> None:
    assert newer(one, other) is expected


@given(serials, serials)
def test_newer_is_the_sign_of_the_difference_in_32_bits(one: int, other: int) -> None:
    signed = int.from_bytes(((one - other) % 2**32).to_bytes(4, "big"), "big", signed=True)
    assert newer(one, other) is (signed > 0)
    assert not (newer(one, other) and newer(other, one))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((1,), 2),
        ((7, 9, 8), 10),
        ((2026112101, 8), 2026112102),  # the served serial went backwards
        ((MAX_SERIAL,), 1),  # not 0
        ((MAX_SERIAL - 1,), MAX_SERIAL),
        ((MAX_SERIAL, 3), 4),
        ((0, 0, 0), 1),
    ],
)
def test_the_next_serial_is_newer_than_all_seen(seen: tuple[int, ...], expected: int) -> None:
    assert next_serial(*seen) == expected


@pytest.mark.parametrize(
    "seen",
    [
        (0, 2**31),  # half a circle apart
        (0, 2**31 - 1),  # comparable, but one more would be half a circle
        (0, 2**30 + 2**29, 2**31 + 2**30),  # each newer than the one before it
    ],
)
def test_serials_without_a_newest_are_refused_and_named(seen: tuple[int, ...]) -> None:
    with pytest.raises(FormatError) as caught:
        next_serial(*seen)
    assert all(str(serial) in str(caught.value) for serial in seen)


@given(st.lists(serials, min_size=1, max_size=4))
def test_the_next_serial_holds_its_promise_or_refuses(seen: list[int]) -> None:
    try:
        found = next_serial(*seen)
    except FormatError:
        no_number = all(not all(newer((one + 1) % 2**32 or 1, other) for other in seen) for one in seen)
        assert no_number
    else:
        assert 0 < found <= MAX_SERIAL
        assert all(newer(found, other) for other in seen)
        assert newest(*seen) in seen


@pytest.mark.parametrize("value", [-1, MAX_SERIAL + 1, 20240101010101, 10**40])
def test_numbers_that_are_no_serials_are_refused(value: int) -> None:
    with pytest.raises(FormatError) as caught:
        check_serial(value)
    assert caught.value.field == "serial"
    assert ("A date with hours" in caught.value.problem) is (len(str(value)) == 14)
    with pytest.raises(FormatError):
        next_serial(1, value)


def test_the_ends_of_the_range_are_serials() -> None:
    assert [check_serial(value) for value in (0, MAX_SERIAL)] == [0, MAX_SERIAL]


def test_no_serial_at_all_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no serial"):
        next_serial()
