"""Text from people is checked with a clear answer; text from outside is made harmless."""

from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.text import FormatError, check_text, printable

ANY_TEXT = st.text(alphabet=st.characters(), max_size=80)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\0b", "Character 2 is a NUL character (U+0000)"),
        ("a\nb", "Character 2 is a line break (U+000A)"),
        ("a\r\nb", "line break"),
        ("trailing\n", "Character 9 is a line break"),
        ("a\u2028b", "line break (U+2028)"),
        ("a\u0085b", "line break (U+0085)"),
        ("a\tb", "a control character (U+0009)"),
        ("a\x1b[31mb", "a control character (U+001B)"),
        ("a\x7fb", "a control character (U+007F)"),
        ("a\u202eb", "changes the direction of text (U+202E)"),
        ("a\u2066b", "changes the direction of text (U+2066)"),
        ("a\u200fb", "changes the direction of text (U+200F)"),
        ("a\u200bb", "an invisible character (U+200B)"),
        ("\ufeffa", "Character 1 is an invisible character (U+FEFF)"),
        ("a\u3164b", "an invisible character"),
        ("a\U000e0041b", "an invisible character"),
        ("a\ud800b", "surrogate"),
        ("a\ue000b", "without a public meaning"),
        ("x" * 21, "This is 21 characters long; at most 20 fit."),
        ("x" * 1_000_000, "at most 20 fit"),
        (5, "This must be text, not int"),
        (None, "not NoneType"),
    ],
)
def test_refused_text_says_what_and_where(value: object, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_text(value, field="name", maximum=20)
    assert said in str(caught.value)
    assert caught.value.field == "name"
    assert caught.value.fix
    assert str(caught.value) == f"{caught.value.problem} {caught.value.fix}"


@pytest.mark.parametrize("value", ["$(reboot)", "`id`", "'; DROP TABLE x; --", "<b>", "{{ 7*7 }}", "../../x"])
def test_text_for_other_machines_is_only_text(value: str) -> None:
    assert check_text(value, field="name", maximum=80) == value


def test_text_is_stripped_and_composed() -> None:
    assert check_text("  Jero\u0302me \u00a0", field="name", maximum=6) == "J\u0065r\u00f4me"


def test_several_lines_only_where_wanted() -> None:
    assert check_text("\na\r\nb\rc\t\n", field="note", maximum=9, multiline=True) == "a\nb\nc"
    with pytest.raises(FormatError, match="NUL"):
        check_text("a\n\0", field="note", maximum=9, multiline=True)


@given(ANY_TEXT)
def test_accepted_text_is_clean_and_stays_the_same(value: str) -> None:
    try:
        clean = check_text(value, field="name", maximum=60)
    except FormatError:
        return
    assert clean == check_text(clean, field="name", maximum=60)
    assert unicodedata.is_normalized("NFC", clean)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in clean)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"\x1b[2Jgone\r\n", "\\x1b[2Jgone\\r\\n"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        (b"\xff\xfe\0", "\\xff\\xfe\\0"),
        ("\udce9", "\\udce9"),
        ("Jérôme 😀", "Jérôme 😀"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_hostile_text_is_escaped(raw: bytes | str, shown: str) -> None:
    assert printable(raw) == shown


def test_a_tower_of_marks_is_broken() -> None:
    assert "\\u0301" in printable("a" + "\u0301" * 50)


def test_long_text_is_cut_without_reading_all_of_it() -> None:
    assert printable(b"\xc3\xa9" * 10_000_000, 10) == "é" * 9 + "…"
    assert len(printable("\0" * 100, 10)) == 10


@given(st.one_of(st.binary(max_size=60), ANY_TEXT), st.integers(min_value=1, max_value=50))
def test_anything_becomes_one_short_harmless_line(raw: bytes | str, limit: int) -> None:
    line = printable(raw, limit)
    assert len(line) <= limit
    line.encode("utf-8")
    assert not any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"} for character in line
    )


def test_errors_survive_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(FormatError("name", "It is empty.", "Write one.")))  # noqa: S301
    assert (error.field, error.problem, error.fix) == ("name", "It is empty.", "Write one.")
