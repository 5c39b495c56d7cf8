"""Arguments with references: what may stand in them, and what comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.arguments import (
    Place,
    References,
    check_arguments,
    check_references,
    fill_in,
    option_of,
)
from tenants.formats.text import FormatError

GIVEN = References({"seed": "{secret:seed}hunter2"}, {"service": Place("10.0.0.5", 24, "10.0.0.1")})


def test_each_reference_becomes_its_value_and_nothing_is_read_twice() -> None:
    asked = ["--ipv4={address:service}", "--ip={ip:service}"]
    asked += ["--gw={gateway:service}", "--seed={secret:seed}"]
    assert fill_in(asked, GIVEN) == (
        b"--ipv4=10.0.0.5/24",
        b"--ip=10.0.0.5",
        b"--gw=10.0.0.1",
        b"--seed={secret:seed}hunter2",
    )


@given(st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"])))
def test_what_holds_no_reference_stays(text: str) -> None:
    assert fill_in([text, "{json: 1}", "{}"], References()) == (text.encode(), b"{json: 1}", b"{}")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--seed={secret:other}", "secret “other”"),
        ("--ipv4={address:management}", "address of “management”"),
        ("--gw={gateway:}", "address of “”"),
    ],
)
def test_a_reference_to_nothing_is_refused(argument: str, words: str) -> None:
    with pytest.raises(FormatError, match=words) as refused:
        check_references([argument], secrets=["seed"], devices=["service"])
    assert refused.value.field == "arguments"


@pytest.mark.parametrize("argument", ["", "a\0b", "a\nb", "a\u202eb", "x" * 5000, "\ud800"])
def test_what_no_command_line_holds_is_refused(argument: str) -> None:
    with pytest.raises(FormatError):
        check_arguments([argument])


def test_too_many_are_refused() -> None:
    with pytest.raises(FormatError, match="more than 100"):
        check_arguments(["--x"] * 101)


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (b"--seed=hunter2", "--seed=…"),
        (b"--verbose", "--verbose"),
        (b"hunter2", "…"),
        (b"\xff\x00=x", None),
        (b"--seed hunter2", "--seed=…"),
        (b"--seed\thunter2=", "--seed=…"),
    ],
)
def test_of_foreign_arguments_only_the_option_is_shown(argument: bytes, shown: str | None) -> None:
    told = option_of(argument)
    assert "hunter2" not in told
    if shown is not None:
        assert told == shown
