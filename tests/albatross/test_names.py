from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.albatross import der_write as der
from workers.albatross.errors import DecodeError, NotSendable
from workers.albatross.grammar.envelope import read_message
from workers.albatross.names import ROOT, Name


@pytest.mark.parametrize(
    ("text", "name", "canonical"),
    [
        (":", ROOT, ":"),
        (":hello", Name((), "hello"), ":hello"),
        ("hello", Name((), "hello"), ":hello"),
        ("foo:bar:", Name(("foo", "bar")), "foo:bar:"),
        (":a:", Name(("a",)), "a:"),
        ("foo:bar:hello", Name(("foo", "bar"), "hello"), "foo:bar:hello"),
        ("a.b-c:1", Name(("a.b-c",), "1"), "a.b-c:1"),
        ("x" * 63, Name((), "x" * 63), ":" + "x" * 63),
    ],
)
def test_names_are_read_as_albatross_reads_them(text: str, name: Name, canonical: str) -> None:
    assert Name.parse(text) == name
    assert str(name) == canonical
    assert Name.parse(canonical) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "::",
        "a::b",
        "::a",
        "bad/name",
        "-a",
        "a:-b",
        "x" * 64,
        "a b",
        "ä",
        "a\n",
        "a:" * 40,
        "a_b",
        "a:b\x00",
    ],
)
def test_what_is_no_name_is_refused_before_anything_is_sent(text: str) -> None:
    with pytest.raises(NotSendable):
        Name.parse(text)


def test_old_labels_are_shorter_and_have_no_dots() -> None:
    Name.parse("a" * 19).check(old=True)
    for text in ("a" * 20, "a.b"):
        with pytest.raises(NotSendable, match="label"):
            Name.parse(text).check(old=True)


@pytest.mark.parametrize(
    ("asked", "listed", "full"),
    [
        ("foo:", ":web", "foo:web"),
        ("foo:", "bar:web", "foo:bar:web"),
        ("foo:", ":", "foo:"),
        (":", "alice:web", "alice:web"),
        (":", ":", ":"),
        ("alice:web", "alice:web", "alice:web"),
    ],
)
def test_lists_name_relative_to_the_path_that_was_asked_for(asked: str, listed: str, full: str) -> None:
    assert str(Name.from_wire(listed).absolute(Name.parse(asked))) == full


def test_a_list_of_labels_does_not_tell_paths_from_unikernels() -> None:
    assert Name.from_labels(()) == ROOT
    assert Name.from_labels(("foo", "bar")) == Name(("foo",), "bar")
    assert Name(("foo",), "bar").labels == ("foo", "bar")


def test_names_compare_in_lower_case() -> None:
    assert Name.parse("Alice:WEB").folded == Name.parse("alice:web")


def test_a_name_keeps_what_a_daemon_of_tomorrow_may_allow() -> None:
    assert Name.from_wire("a_b:c d") == Name(("a_b",), "c d")
    with pytest.raises(NotSendable):
        Name.from_wire("a_b:c d").check()


def test_a_name_of_a_megabyte_is_refused() -> None:
    header = der.sequence(der.integer(5), der.octets(bytes(8)), der.text(b"a" * 0x100000))
    message = b"".join(der.sequence(header, der.context(0, der.NULL)))
    with pytest.raises(DecodeError, match="too long"):
        read_message(message)


labels = st.from_regex(r"[a-z0-9.][a-z0-9.-]{0,62}", fullmatch=True)


@given(st.lists(labels, max_size=6), st.none() | labels)
def test_every_name_survives_its_text(path: list[str], label: str | None) -> None:
    name = Name(tuple(path), label)
    assert Name.parse(str(name)) == name
    assert Name.from_wire(str(name)) == name


@given(st.text(max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        name = Name.parse(text)
    except NotSendable:
        return
    assert Name.parse(str(name)) == name
