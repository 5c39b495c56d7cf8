"""What people may call their own aliases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.addresses import check_local_part
from tenants.formats.alias_pattern import begins_with, check_pattern, example, fits
from tenants.formats.text import FormatError


@pytest.mark.parametrize(
    ("pattern", "name", "good"),
    [
        ("{own}-*", "ada-shop", True),
        ("{own}-*", "ada", False),
        ("{own}-*", "bob-shop", False),
        ("{own}-*", "adax-shop", False),
        ("{own}.*", "ada.x", True),
        ("*-{own}", "x-ada", True),
        ("*-{own}", "x-ada-y", False),
        ("x*.{own}.*", "x1.ada.2", True),
        ("*", "anything", True),
    ],
)
def test_what_fits(pattern: str, name: str, good: bool) -> None:
    assert fits(check_pattern(pattern), name, own="ada") is good


@pytest.mark.parametrize(
    "bad",
    ["", "{own}", "ada", "{own}[a-z]*", "{own}-?*", "***", "{own}{own}*", "A*", "x" * 65, "a\n*", "{*}"],
)
def test_what_is_no_pattern(bad: str) -> None:
    with pytest.raises(FormatError) as refused:
        check_pattern(bad)
    assert refused.value.fix


@given(
    st.from_regex(r"\A[a-z0-9]([a-z0-9+_-]|\.[a-z0-9]){0,20}\Z"),
    st.sampled_from(["{own}-*", "*.{own}", "a*"]),
)
def test_the_example_fits_and_is_an_address(own: str, pattern: str) -> None:
    name = example(pattern, own=own)
    assert fits(pattern, check_local_part(name), own=own)
    assert name.startswith(begins_with(pattern, own=own))


def test_a_star_of_somebody_else_is_no_pattern() -> None:
    """What fits is decided by the pattern alone: names hold none of its signs."""
    assert not fits("{own}-*", "b-x", own="a")
    assert fits("{own}-*", "a-{own}", own="a")
