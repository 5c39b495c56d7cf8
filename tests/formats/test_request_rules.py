"""The rule that gives addresses by itself: whom it admits, and what may stand in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.request_rules import (
    check_mail_domains,
    check_pattern,
    counted_as,
    fits_pattern,
    why_not_admitted,
)
from tenants.formats.text import FormatError

LETTERS = "ab.-_+1"
PATTERNS = st.text(alphabet=LETTERS + "*?", max_size=20)
NAMES = st.text(alphabet=LETTERS, min_size=1, max_size=64)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("", "ada", True),
        ("*", "ada", True),
        ("*.*", "ada.lovelace", True),
        ("*.*", "ada", False),
        ("a?a", "ada", True),
        ("a?a", "adda", False),
        ("ada", "ada2", False),
        ("ada", "xada", False),
        ("guest-*", "guest-", True),
        ("a+b", "aab", False),
        (".*", "ada", False),
    ],
)
def test_a_pattern_is_a_glob_and_nothing_else(pattern: str, name: str, fits: bool) -> None:
    assert fits_pattern(check_pattern(pattern), name) is fits


@given(PATTERNS, NAMES)
def test_stars_and_question_marks_mean_what_they_mean_everywhere(pattern: str, name: str) -> None:
    words = {"*": ".*", "?": "."}
    meant = "".join(words.get(each, re.escape(each)) for each in pattern)
    assert fits_pattern(check_pattern(pattern), name) is (not pattern or bool(re.fullmatch(meant, name)))


def test_no_pattern_takes_long() -> None:
    """The worst for a matcher that tries everything: it would not end."""
    assert not fits_pattern(check_pattern("*a" * 32), "a" * 31 + "b" * 33)


@pytest.mark.parametrize("pattern", ["A*", "a b", "[ab]", "ä", "a@b", "a\0", "x" * 65, 5])
def test_what_is_no_pattern(pattern: object) -> None:
    with pytest.raises(FormatError) as refused:
        check_pattern(pattern)
    assert refused.value.field == "pattern"
    assert refused.value.fix


def test_mail_domains_are_kept_once_and_small() -> None:
    assert check_mail_domains(["Home.example", "home.example", "x.example"], own_domain="o.example") == [
        "home.example",
        "x.example",
    ]
    for wrong in (["home"], ["o.example"], [f"n{number}.example" for number in range(51)]):
        with pytest.raises(FormatError):
            check_mail_domains(wrong, own_domain="o.example")


def test_it_is_said_which_part_does_not_fit() -> None:
    def ask(local_part: str, target: str) -> str:
        return why_not_admitted(
            pattern="*.*", mail_domains=["home.example"], local_part=local_part, target=target
        )

    assert ask("ada.lovelace", "Ada@home.example") == ""
    assert "pattern" in ask("ada", "ada@home.example")
    assert "else.example" in ask("ada.lovelace", "ada@else.example")
    assert "else.home.example" in ask("ada.lovelace", "ada@else.home.example")
    both = ask("ada", "ada@else.example")
    assert "pattern" in both
    assert "else.example" in both


def test_one_person_counts_once() -> None:
    assert counted_as("Grace+2@home.example") == counted_as("grace@home.example") == "grace@home.example"
    assert counted_as("+x@home.example") == "+x@home.example"
