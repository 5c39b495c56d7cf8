"""Addresses that Rookery creates, targets outside, and what would go wrong between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.addresses import (
    MAX_TARGETS,
    check_domain,
    check_host_name,
    check_local_part,
    check_target,
    check_targets,
    find_forwarding_loop,
    split_address,
)
from tenants.formats.mailbox_syntax import Name, Word, parse_local_part, parse_mailbox
from tenants.formats.relay_reading import host_problem
from tenants.formats.text import FormatError


@pytest.mark.parametrize(
    "value", ["anna", "a", "0", "john.doe", "a+b-c_d.9", "x" * 64, "postmaster", "a-", "a--b"]
)
def test_local_parts(value: str) -> None:
    assert check_local_part(value) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("a" * 65, "65 characters long; at most 64"),
        ("a/b", "slash"),
        ("Anna", "Use “anna”"),
        ('"anna"', "quotation mark"),
        ("o'brien", "quotation mark"),
        ("anna smith", "a space or a line break"),
        ("anna\n", "a space or a line break"),
        ("anna\u00a0", "a space or a line break"),
        ("anna@example.org", "only the part before the @"),
        ("jérôme", "“é” (U+00E9)"),
        ("ana\u202e", "(U+202E)"),
        ("раypal", "U+0440"),
        (".anna", "begins with a dot"),
        ("anna.", "ends with a dot"),
        ("an..na", "two dots in a row"),
        ("-anna", "begins with “-”"),
        ("+tag", "begins with “+”"),
        ("a$(id)", "Character 2"),
        ("a\0", "Character 2"),
        ("a\x1b", "\\x1b"),
        ("a:b", "Character 2 of “a:b” is “:”"),
        (7, "must be text"),
    ],
)
def test_each_bad_local_part_has_its_own_answer(value: object, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_local_part(value)
    assert said in str(caught.value)
    assert caught.value.field == "local_part"
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@given(st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,63}", fullmatch=True))
def test_what_we_create_is_what_ptt_reads(value: str) -> None:
    try:
        check_local_part(value)
    except FormatError:
        assert value.endswith(".") or ".." in value
        return
    assert parse_local_part(value.encode()) == tuple(Word(False, part.encode()) for part in value.split("."))


@given(st.text(max_size=20))
def test_nothing_else_is_created(value: str) -> None:
    try:
        check_local_part(value)
    except FormatError:
        return
    assert re.fullmatch(r"[a-z0-9]+([._+-]+[a-z0-9]*)*", value)


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("Example.ORG", "example.org"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("a.b-c.d9", "a.b-c.d9"),
        ("x" * 63 + ".org", "x" * 63 + ".org"),
    ],
)
def test_host_names(value: str, host: str) -> None:
    assert check_host_name(value, field="host") == host
    assert check_domain(value) == host


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("localhost", "single word"),
        ("my_host.example", "contains “_”"),
        ("münchen.de", "“xn--mnchen-3ya.de”"),
        ("straße.de", "xn--"),
        ("-a.example", "hyphen"),
        ("a-.example", "hyphen"),
        ("123.456", "has no letter"),
        ("a.1-2", "has no letter"),
        ("192.0.2.1", "not a name"),
        ("[192.0.2.1]", "not a name"),
        ("x" * 64 + ".org", "64 characters long"),
        ("a..b", "a dot too many"),
        (".a.b", "a dot too many"),
        ("example.org.", "Write “example.org”"),
        (".".join(["x" * 50] * 6), "305 characters"),
        ("a b.org", "contains “ ”"),
        ("a.org\n", "contains"),
        ("a/b.org", "contains “/”"),
        ("*.org", "contains “*”"),
        ("\ud800.org", "\\ud800"),
    ],
)
def test_bad_host_names(value: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_host_name(value, field="host")
    assert said in str(caught.value)
    assert caught.value.field == "host"
    str(caught.value).encode()


@given(st.text(alphabet="aB1-._ é", min_size=1, max_size=24))
def test_every_accepted_host_name_is_one_for_ptt(value: str) -> None:
    try:
        host = check_host_name(value, field="host")
    except FormatError:
        return
    assert host_problem(Name(tuple(host.encode().split(b".")))) is None


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("Anna.Smith@Example.ORG", "Anna.Smith@example.org"),
        ("a+tag@b.tld", "a+tag@b.tld"),
        ("o'brien@b.tld", "o'brien@b.tld"),
        ("postmaster2@b.tld", "postmaster2@b.tld"),
    ],
)
def test_targets_keep_the_case_before_the_at(value: str, target: str) -> None:
    assert check_target(value) == target


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("anna", "has no @"),
        ("@b.tld", "nothing before the @"),
        ("anna@", "nothing after the @"),
        ("a@b@c.tld", "more than one @"),
        ('"a b"@b.tld', "a space"),
        ('"ab"@b.tld', "quoted part"),
        ("Anna<a@b.tld>", "display name"),
        ("a@b.tld,c@d.tld", "comma"),
        ("a@b.tld;", "semicolon"),
        ("a@[192.0.2.1]", "by its number"),
        ("a@192.0.2.1", "not a name"),
        ("jérôme@b.tld", "(U+00E9) before the @"),
        ("a@münchen.de", "xn--mnchen-3ya.de"),
        ("a@my_host.tld", "contains “_”"),
        ("a@localhost", "single word"),
        ("a@b.tld.", "ends with a dot"),
        ("a@b.tld\n", "line break"),
        ("a@b.tld\r\nRCPT TO:<x@y.z>", "line break"),
        ("a\0@b.tld", "control character"),
        ("a\u202e@b.tld", "U+202E"),
        ("a$(id)@b.tld", "contains “(”"),
        ("a(x)@b.tld", "contains “(”"),
        (".a@b.tld", "begins with a dot"),
        ("a..b@b.tld", "two dots"),
        ("x" * 65 + "@b.tld", "65 characters"),
        ("postmaster@b.tld", "is a postmaster"),
        ("Postmaster@b.tld", "is a postmaster"),
        ("POSTMASTER@b.tld", "is a postmaster"),
        ("john@our.test", "in the same domain"),
        ("john@OUR.Test", "in the same domain"),
        ("x" * 64 + "@" + ".".join(["y" * 60] * 4), "308 characters"),
        ("x" * 5000, "too long"),
        (None, "must be text"),
    ],
)
def test_bad_targets(value: object, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_target(value, own_domain="our.test")
    assert said in str(caught.value)
    assert caught.value.field == "target"


@given(st.text(alphabet='aA1.@-_+<>"() ,;[]:é\n\\', max_size=24))
def test_every_accepted_target_is_understood_by_ptt_as_a_whole(value: str) -> None:
    try:
        target = check_target(value)
    except FormatError:
        return
    mailbox = parse_mailbox(target.encode())
    assert mailbox is not None
    assert bytes(mailbox).decode() == target
    assert isinstance(mailbox.domain, Name)
    assert host_problem(mailbox.domain) is None


def test_targets_are_a_short_list_without_repetition() -> None:
    assert check_targets([]) == ()
    assert check_targets(["b@x.tld", "a@X.tld"]) == ("b@x.tld", "a@x.tld")
    many = [f"a{number}@x.tld" for number in range(MAX_TARGETS)]
    assert check_targets(many) == tuple(many)


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ([f"a{number}@x.tld" for number in range(21)], "targets", "at most 20"),
        (["a@x.tld", "A@X.tld"], "targets[1]", "twice"),
        (["a@x.tld", "nobody"], "targets[1]", "has no @"),
        ("a@x.tld", "targets", "must be a list"),
        ({"a@x.tld"}, "targets", "must be a list"),
    ],
)
def test_bad_lists_of_targets(values: Sequence[object], field: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_targets(values)
    assert caught.value.field == field
    assert said in str(caught.value)


def test_split_address() -> None:
    assert split_address("a@B.tld") == ("a", "B.tld")
    with pytest.raises(FormatError, match="more than one @"):
        split_address("a@b@c")


GRAPH = {
    "a@x.tld": ["b@y.tld"],
    "b@y.tld": ["out@z.tld", "c@z.tld"],
    "c@z.tld": ["A@X.tld"],
    "in@x.tld": ["b@y.tld"],
    "tree@x.tld": ["out@z.tld", "leaf@z.tld"],
    "leaf@z.tld": ["out@z.tld"],
    "self@x.tld": ["self@x.tld"],
}


@pytest.mark.parametrize(
    ("start", "path"),
    [
        ("a@x.tld", ["a@x.tld", "b@y.tld", "c@z.tld", "A@X.tld"]),
        ("in@x.tld", ["in@x.tld", "b@y.tld", "c@z.tld", "A@X.tld", "b@y.tld"]),
        ("self@x.tld", ["self@x.tld", "self@x.tld"]),
        ("tree@x.tld", None),
        ("out@z.tld", None),
    ],
)
def test_forwarding_loops_are_found(start: str, path: list[str] | None) -> None:
    assert find_forwarding_loop(start, lambda address: GRAPH.get(address.lower(), [])) == path


def test_the_search_for_loops_is_bounded() -> None:
    def deeper(address: str) -> list[str]:
        return [f"{int(address.partition('@')[0]) + 1}@x.tld"]

    with pytest.raises(FormatError, match="more than 50 addresses"):
        find_forwarding_loop("0@x.tld", deeper)
    asked = 0

    def wide(address: str) -> list[str]:
        nonlocal asked
        asked += 1
        depth = address.count("-")
        return [f"{number}-{address}" for number in range(20)] if depth < 10 else []

    with pytest.raises(FormatError, match="sent on through"):
        find_forwarding_loop("0@x.tld", wide)
    assert asked <= 1000


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)))
def test_a_path_is_a_real_loop_and_none_means_no_loop(graph: dict[str, list[str]]) -> None:
    path = find_forwarding_loop("a", lambda address: graph.get(address, []))
    if path is not None:
        assert path[0] == "a"
        assert path[-1] in path[:-1]
        assert all(after in graph[before] for before, after in pairwise(path))
        return
    reached = {"a"}
    for _ in graph:
        reached |= {after for before in reached for after in graph.get(before, [])}
    for node in reached:
        further = set(graph.get(node, []))
        for _ in graph:
            further |= {after for before in further for after in graph.get(before, [])}
        assert node not in further
