"""Entries of relay.git: what we write, what hostile files are understood as, and in what time."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.mailbox_syntax import Mailbox, Name, Word, _Reader, parse_local_part, parse_mailbox
from tenants.formats.relay_entry import (
    NO_LOGIN,
    Readable,
    RelayEntry,
    Unreadable,
    emit,
    masked,
    read,
    same_meaning,
)
from tenants.formats.relay_table import expand_recipient, find_login, log_in, login_table
from tenants.formats.text import FormatError
from tenants.formats.unikernel_json import NotJsonError, parse_unikernel_json
from tests.formats.relay_vectors import DIGEST_OF_FOO

LOCALS = st.from_regex(r"[A-Za-z0-9+_-]{1,9}(\.[A-Za-z0-9!#$%&'*/=?^`{|}~-]{1,9}){0,2}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4})?\.[a-z]{2,6}", fullmatch=True)
TARGETS = st.builds("{}@{}".format, LOCALS.filter(lambda text: text.lower() != "postmaster"), HOSTS)
ENTRIES = st.builds(
    RelayEntry,
    targets=st.lists(TARGETS, max_size=20, unique_by=lambda target: target.lower()).map(tuple),
    password=st.from_regex(r"[0-9a-f]{128}", fullmatch=True),
    insecure=st.booleans(),
)


def entry_file(targets: Any = ("a@b.tld",), password: str = DIGEST_OF_FOO, **more: Any) -> bytes:
    return json.dumps({"targets": targets, "password": password, **more}).encode()


def readable(content: bytes, name: bytes = b"john") -> Readable:
    found = read(name, content)
    assert isinstance(found, Readable), found
    return found


def test_the_worked_example_of_the_real_writer() -> None:
    written = (
        b'{ "targets": [ "romain.calascibetta@gmail.com" ],\n  "password":\n    "'
        + DIGEST_OF_FOO.encode()
        + b'" }'
    )
    blob = hashlib.sha1(b"blob %d\0" % len(written) + written, usedforsecurity=False)
    assert blob.hexdigest() == "27f8ab2d5ca5ceba1daa36bffcb0ed9ad35334b4"
    entry = RelayEntry(("romain.calascibetta@gmail.com",), DIGEST_OF_FOO)
    assert readable(written, b"dinosaure").entry == entry
    assert same_meaning(written, entry)
    assert emit(entry) == (
        b'{"targets":["romain.calascibetta@gmail.com"],"password":"' + DIGEST_OF_FOO.encode() + b'"}'
    )


@given(ENTRIES)
def test_what_is_written_is_read_back(entry: RelayEntry) -> None:
    content = emit(entry)
    found = readable(content)
    assert found.entry == entry
    assert [bytes(path).decode() for path in found.paths] == [f"<{target}>" for target in entry.targets]
    assert not any("would stop" in warning or "counts" in warning for warning in found.warnings)
    assert set(json.loads(content)) == {"targets", "password"} | ({"insecure"} if entry.insecure else set())
    assert same_meaning(content, entry)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (RelayEntry(("a@B.tld",), DIGEST_OF_FOO), "targets"),
        (RelayEntry(("a@b_c.tld",), DIGEST_OF_FOO), "targets[0]"),
        (RelayEntry(("Name <a@b.tld>",), DIGEST_OF_FOO), "targets[0]"),
        (RelayEntry(("a@b.tld",) * 2, DIGEST_OF_FOO), "targets[1]"),
        (RelayEntry((), DIGEST_OF_FOO.upper()), "password"),
        (RelayEntry((), DIGEST_OF_FOO[:-1]), "password"),
        (RelayEntry((), DIGEST_OF_FOO + "\n"), "password"),
        (RelayEntry((), ""), "password"),
    ],
)
def test_nothing_doubtful_is_written(entry: RelayEntry, field: str) -> None:
    with pytest.raises(FormatError) as caught:
        emit(entry)
    assert caught.value.field == field
    assert DIGEST_OF_FOO[:8] not in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["a@my_host.tld"], "would stop the relay"),
        (["a@123.456"], "would stop the relay"),
        (["a@münchen.de"], "would stop the relay"),
        (["a@" + "x" * 64 + ".tld"], "would stop the relay"),
        (["a@" + ".".join(["x" * 60] * 5)], "would stop the relay"),
        (["a@[x:y]"], "never delivered"),
        (["a@[2001:db8::1]"], "never delivered"),
        (["a@b.tld, c@d.tld"], "only “a@b.tld” counts"),
        (["a@b@c.tld"], "only “a@b” counts"),
        (["Anna <a@b.tld>"], "only “a@b.tld” counts"),
        (["<@r.tld:a@b.tld>"], "only “a@b.tld” counts"),
        (['"a b"@c.tld'], "loses its quotation marks"),
        (["é@b.tld"], "is not ASCII"),
        (["Postmaster@b.tld"], "meaning of its own"),
        (["a@b.tld", "A@b.tld"], "counts once"),
        ([], "no target"),
        ([f"a{number}@b.tld" for number in range(101)], "with the square"),
    ],
)
def test_warnings_about_targets(targets: list[str], said: str) -> None:
    assert any(said in warning for warning in readable(entry_file(targets)).warnings)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        (NO_LOGIN, "all zeros"),
        ("", "all zeros"),
        ("ca00", "only 4 of 128"),
        (DIGEST_OF_FOO + "zz", "Only the first 128"),
    ],
)
def test_warnings_about_the_fingerprint(password: str, said: str) -> None:
    found = readable(entry_file(password=password))
    assert any(said in warning for warning in found.warnings)
    assert not any(DIGEST_OF_FOO[:8] in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"John", "upper-case"),
        (b" john", "is read as “john”"),
        (b"john (x)", "is read as “john”"),
        (b'"john doe"', "quoted"),
        ("jérôme".encode(), "not ASCII"),
        (b"a/b", "slash"),
        (b"README", "upper-case"),
    ],
)
def test_warnings_about_names(name: bytes, said: str) -> None:
    assert any(said in warning for warning in readable(entry_file(), name).warnings)


def test_a_usual_entry_has_no_warnings() -> None:
    assert readable(entry_file(), b"john.doe+tag").warnings == ()


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        (b"README.md", b"# Users\n", "json"),
        (b".gitignore", entry_file(), "name"),
        (b"a..b", entry_file(), "name"),
        (b"", entry_file(), "name"),
        (b"john", entry_file(enabled=True), "shape"),
        (b"john", entry_file(["nobody"]), "target"),
        (b"john", entry_file(password="secret"), "password"),
        (b"john", b"\xff\xfe\0\0", "json"),
        (b"john", b"[" * 200_000, "json"),
        (b"john", b"x" * (2 * 1024 * 1024 + 1), "size"),
        (b"\x1b[31m", entry_file(), "name"),
        (b"john", entry_file(["\x1b[31m\u202e"]), "target"),
    ],
)
def test_skipped_files_have_a_reason(name: bytes, content: bytes, cause: str) -> None:
    found = read(name, content)
    assert isinstance(found, Unreadable)
    assert found.cause == cause
    assert found.reason.endswith(".")
    assert "\x1b" not in found.reason
    assert "secret" not in found.reason


FRAGMENTS = [b'{"targets":', b'["a@b.tld"]', b"[]", b"{}", b',"password":', b'""', b"}", b"]", b"\0", b"\xff"]


@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=6)), max_size=12).map(b"".join))
def test_reading_never_raises(content: bytes) -> None:
    for name, value in ((b"john", content), (content, b"{}")):
        found = read(name, value)
        if isinstance(found, Unreadable):
            assert found.reason.isprintable()
        else:
            assert len(found.entry.password) == 128


HOSTILE_TARGETS = [
    "(" * 100_000,
    '"' * 100_001,
    "a." * 50_000,
    "a " * 50_000,
    "=?x?B?" * 50_000,
    "<@" * 50_000,
]
HOSTILE_TARGETS += [
    "(a)" * 100_000 + "(",
    "a(" * 50_000,
    "[" * 100_000,
    "\\" * 100_000,
    "a@[" + "1" * 100_000 + "]",
]
HOSTILE_TARGETS += ["a@[IPv6:" + "f" * 100_000 + "]", "@a," * 30_000, "\u00e9" * 50_000, '"\\' * 50_000]


@pytest.mark.parametrize("target", HOSTILE_TARGETS, ids=lambda target: target[:6])
def test_hostile_targets_take_little_time(target: str) -> None:
    started = time.process_time()
    read(b"john", entry_file([target]))
    read(target.encode(), entry_file())
    assert time.process_time() - started < 20  # far above linear time, far below quadratic


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":' * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'"' + b"\\u00e9" * 50_000,
        b"1" * 1_000_000,
        b"0x" + b"f" * 1_000_000,
        b"1_" * 200_000,
        b'{"targets":[' + b"{}," * 200_000 + b"{}]}",
        b'{"targets":[],"password":"' + b" " * 1_000_000 + b'"}',
        b"[" * 1_900_000,
    ],
    ids=range(9),
)
def test_hostile_files_take_little_time(content: bytes) -> None:
    started = time.process_time()
    read(b"john", content)
    assert time.process_time() - started < 20  # far above linear time, far below quadratic


def test_same_meaning_looks_through_the_layout() -> None:
    first = RelayEntry(("a@b.tld", "c@d.tld"), DIGEST_OF_FOO)
    assert same_meaning(json.dumps(json.loads(emit(first)), indent=4).encode(), first)
    assert same_meaning(entry_file(["c@d.tld", "Anna <a@b.tld>", "A@b.tld"], DIGEST_OF_FOO.upper()), first)
    assert same_meaning(b"no entry", b"no entry")
    assert not same_meaning(b"no entry", b"no entry ")
    assert not same_meaning(emit(first), RelayEntry(("a@b.tld",), DIGEST_OF_FOO))
    assert not same_meaning(emit(first), RelayEntry(first.targets, NO_LOGIN))
    assert not same_meaning(emit(first), RelayEntry(first.targets, DIGEST_OF_FOO, insecure=True))
    assert not same_meaning(emit(first), RelayEntry(("nobody",), DIGEST_OF_FOO))


def test_no_digit_of_the_digest_is_shown() -> None:
    entry = RelayEntry(("a@b.tld",), DIGEST_OF_FOO)
    found = readable(emit(entry))
    table = login_table([(b"john", emit(entry))])
    for shown in (repr(entry), repr(found), repr(masked(entry)), str(found), repr(table)):
        assert DIGEST_OF_FOO[:6] not in shown
    assert masked(entry) == {"targets": ["a@b.tld"], "password": "set", "insecure": False}
    assert masked(RelayEntry((), NO_LOGIN))["password"] == "no login"


def test_the_tables_of_a_booted_stack() -> None:
    table = login_table(
        [
            (b"john", entry_file(["x@ext.tld"])),
            (b"README.md", b"# hello"),
            (b"john (old)", entry_file(["y@ext.tld"])),
        ]
    )
    assert list(table.skipped) == [b"README.md"]
    assert find_login(table, "john") == DIGEST_OF_FOO
    assert find_login(table, "John") is None
    assert log_in(table, "john", "foo")
    assert not log_in(table, "john", "bar")
    assert expand_recipient(table, "<john@our.test>", "our.test") == ("<x@ext.tld>", "<y@ext.tld>")
    assert expand_recipient(table, "<Postmaster>", "our.test", "hostmaster@ext.test") == (
        "<Postmaster@ext.test>",
    )


PLAIN = st.from_regex(
    r"[a-z0-9+_-]{1,5}(\.[a-z+]{1,5}){0,2}@[A-Za-z0-9-]{1,5}(\.[a-z0-9-]{1,5}){1,3}", fullmatch=True
)


@given(PLAIN)
def test_the_short_way_says_what_the_grammar_says(text: str) -> None:
    raw = text.encode()
    found = _Reader(raw).addr_spec(0)
    assert found is not None
    assert parse_mailbox(raw) == found[0]
    assert _Reader(raw).name_addr(0) is None


@given(st.text(alphabet='a.@<>"() ,:[]\\é', max_size=14))
def test_a_mailbox_is_read_the_same_when_written_again(text: str) -> None:
    mailbox = parse_mailbox(text.encode())
    if mailbox is None or mailbox.route or any(word.quoted and not word.text for word in mailbox.local):
        return
    assert parse_mailbox(bytes(mailbox)) == mailbox or mailbox.display is not None


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("\ufeffa@b.tld", Mailbox(None, (Word(False, b"a"),), Name((b"b", b"tld")))),
        ('"".a@b.tld', Mailbox(None, (Word(True, b""), Word(False, b"a")), Name((b"b", b"tld")))),
        ('"a\\tb"@b.tld', Mailbox(None, (Word(True, b"a\tb"),), Name((b"b", b"tld")))),
        ("=?utf-8?Q?J=C3=A9?= <a@b>", Mailbox(b"=?utf-8?Q?J=C3=A9?=", (Word(False, b"a"),), Name((b"b",)))),
        ("=?UTF-8?B?SsOp?= <a@b>", Mailbox(b"=?utf-8?B?SsOp?=", (Word(False, b"a"),), Name((b"b",)))),
        ("J. Doe <a@b>", Mailbox(b"J . Doe", (Word(False, b"a"),), Name((b"b",)))),
        ("a@b (unclosed", Mailbox(None, (Word(False, b"a"),), Name((b"b",)))),
        ("a@b (é)", Mailbox(None, (Word(False, b"a"),), Name((b"b",)))),
        ("(é) a@b", None),
        ("Anna a@b", None),
    ],
)
def test_details_of_the_grammar(text: str, mailbox: Mailbox | None) -> None:
    assert parse_mailbox(text.encode()) == mailbox


@pytest.mark.parametrize(
    ("literal", "written"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("IPv6:2001:DB8:0:0:0:0:0:1", "[IPv6:2001:db8::1]"),
        ("IPv6:::ffff:192.0.2.1", "[IPv6:::ffff:192.0.2.1]"),
        ("IPv6:1:2:3:4:5:6:7::", "[IPv6:1:2:3:4:5:6:7:0]"),
        ("IPv6:1:2:3:4:5:6:7:8:9", "[IPv6:1:2:3:4:5:6:7:8:9]"),
        ("IPv6:::", "[IPv6:::]"),
        ("IPv6:zzz", "[IPv6:zzz]"),
        ("a-:b", None),
        ("a:é", None),
    ],
)
def test_address_literals(literal: str, written: str | None) -> None:
    mailbox = parse_mailbox(f"a@[{literal}]".encode())
    assert (None if mailbox is None else bytes(mailbox.domain).decode()) == written


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_ordinary_json_is_read_as_everywhere(value: Any, ascii_only: bool, indent: int | None) -> None:
    def as_pairs(part: Any) -> Any:
        if isinstance(part, dict):
            return tuple((name, as_pairs(inner)) for name, inner in part.items())
        return [as_pairs(inner) for inner in part] if isinstance(part, list) else part

    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse_unikernel_json(text.encode()) == as_pairs(value)


@pytest.mark.parametrize(
    "text", ["1 2", "", "[1,]", '{"a":1,}', "tru", "-", "1.2.3", '"\\ud800"', '"\\u12g4"', "{,}"]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse_unikernel_json(text.encode())


def test_byte_lists_take_numbers_as_ocaml_writes_them() -> None:
    spelled = b'{"invalid_utf8_string":[0x63, 9_7, 9.7e1, 97.]}'
    found = readable(b'{"targets":[],"password":' + spelled + b"}", b"john")
    assert found.digest.startswith("c")
    assert isinstance(read(b"john", b'{"targets":[],"password":{"invalid_utf8_string":[97.5]}}'), Unreadable)


def test_broken_utf8_spoils_a_name() -> None:
    assert parse_local_part(b"j\xe9") is None
    assert parse_local_part(b"j\xe9.x") is None
