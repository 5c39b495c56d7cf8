"""Every recorded verdict of ptt's own code is also ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tenants.formats.forward_path import ForwardPath, RelayFaultError, parse_recipient
from tenants.formats.mailbox_syntax import LocalPart, Name, parse_local_part
from tenants.formats.relay_entry import Readable, Unreadable, read, same_meaning
from tenants.formats.relay_table import (
    RelayTable,
    expand_recipient,
    file_name,
    forward_recipient,
    log_in,
    login_table,
)
from tests.formats.relay_vectors import Row, all_rows, big_content, rows

DOMAIN = "our.test"
POSTMASTER = "hostmaster@ext.test"


def cases(kind: str, verdict: str | None = None) -> pytest.MarkDecorator:
    wanted = [row for row in rows(kind) if verdict in (None, row.verdict)]
    return pytest.mark.parametrize("row", wanted, ids=lambda row: row.case)


def content_of(row: Row) -> bytes:
    return row.contents[0] if row.contents[0] is not None else big_content(row.case)


def table_of(row: Row) -> RelayTable:
    return login_table((name, content or b"") for name, content in zip(row.names, row.contents, strict=True))


def spelled(local: LocalPart) -> list[str]:
    return [("S:" if word.quoted else "A:") + word.text.decode() for word in local]


def same_text(expected: str, got: str) -> bool:
    """The table cuts texts of a megabyte."""
    return got.startswith(expected[:-3]) if expected.endswith("...") else got == expected


def same_texts(expected: list[str], got: list[str], count: int) -> bool:
    """The table names only the first and last of thousands."""
    if count > len(expected):
        got = [got[0], got[-1]] if len(got) == count else got
    return len(expected) == len(got) and all(map(same_text, expected, got))


def outcome(act: Callable[[], tuple[str, ...]]) -> list[str] | dict[str, str]:
    try:
        return list(act())
    except RelayFaultError as error:
        name = "error" if str(error).startswith("Invalid forward-path") else "exn"
        return {name: f'{"exn: " if name == "error" else ""}Invalid_argument("{error}")'}


def in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def test_every_row_is_of_a_kind_that_is_tested() -> None:
    found = all_rows()
    assert len(found) > 300
    assert {row.kind for row in found} == {"value", "login", "recipient", "writer", "adduser"}


@cases("value")
def test_values_and_names(row: Row) -> None:
    found = read(row.names[0], content_of(row))
    wanted = row.understood
    if row.verdict == "error":
        assert isinstance(found, Unreadable)
        assert found.cause == cause_of(wanted["error"])
        assert found.reason.endswith(".")
        return
    assert isinstance(found, Readable)
    assert spelled(found.local) == wanted["local"]
    assert len(found.entry.targets) == wanted["n"]
    assert same_texts(wanted["targets"], list(found.entry.targets), wanted["n"])
    assert found.digest == wanted["password"]
    assert found.entry.insecure is wanted["insecure"]
    paths = [path_text(path) for path in found.paths]
    if len(paths) == wanted["n"]:
        assert same_texts(wanted["forward"], paths, wanted["n"])
    else:
        assert set(paths) < set(wanted["forward"]) or len(set(wanted["forward"])) < wanted["n"]
        assert any("is there before" in warning for warning in found.warnings)


@cases("value", "ok")
def test_where_mail_for_a_readable_entry_goes(row: Row) -> None:
    content = content_of(row)
    found = read(row.names[0], content)
    assert isinstance(found, Readable)
    texts = tuple(word.text for word in found.local)
    asked = ForwardPath("path", texts, Name((b"our", b"test")))
    got = outcome(lambda: expand_recipient(login_table([(row.names[0], content)]), asked, DOMAIN))
    wanted = row.understood["rcpt_sent"]
    if isinstance(wanted, int):
        assert len(got) == wanted
    elif isinstance(wanted, list):
        assert isinstance(got, list)
        assert same_texts(sorted(wanted), got, len(wanted))
    else:
        assert got == wanted
    if isinstance(got, dict):
        assert any("would stop the relay" in warning for warning in found.warnings)


@cases("login")
def test_logins(row: Row) -> None:
    given = re.search(r'user=(".*") password=(".*")$', row.note)
    assert given is not None
    user, password = (json.loads(text, strict=False) for text in given.groups())
    try:
        got = str(log_in(table_of(row), user, password)).lower()
    except RelayFaultError as error:
        got = f"error: {error}"
    assert got == row.understood
    assert (got == "true") == (row.verdict == "ok")


@cases("recipient")
def test_recipients(row: Row) -> None:
    given = re.match(r"RCPT TO:(.*) ; direct", row.note)
    assert given is not None
    line = given[1].encode("utf-8", "surrogateescape")
    if "error" in row.understood:
        with pytest.raises(RelayFaultError, match="Invalid forward-path"):
            parse_recipient(line)
        return
    table = table_of(row)
    direct = outcome(lambda: expand_recipient(table, line, DOMAIN, POSTMASTER))
    hops = outcome(lambda: forward_recipient(line, DOMAIN))
    assert direct == in_order(row.understood["direct"])
    assert hops == in_order(row.understood["hop_line"])
    assert (row.verdict == "ok") == (isinstance(direct, list) and direct != [])
    if isinstance(hops, dict):
        assert row.understood["via_hop"] == hops
        return
    later = [outcome(partial(expand_recipient, table, hop, DOMAIN, POSTMASTER)) for hop in hops]
    assert later == [in_order(lines) for lines in row.understood["via_hop"]]


@cases("writer")
def test_what_the_real_writer_makes_is_read_back(row: Row) -> None:
    content = content_of(row)
    found = read(row.names[0], content)
    assert isinstance(found, Readable)
    assert list(found.entry.targets) == row.understood["targets_given"]
    assert found.entry.insecure is row.understood["insecure"]
    assert log_in(login_table([(row.names[0], content)]), row.names[0], row.understood["password_given"])
    assert same_meaning(content, found.entry)


@cases("adduser")
def test_file_names_of_the_real_writer(row: Row) -> None:
    given = re.match(r'argument to ptt\.adduser (".*"); key ', row.note)
    assert given is not None
    local = parse_local_part(json.loads(given[1], strict=False).encode("utf-8", "surrogateescape"))
    if local is None:
        assert "adduser_key" not in row.understood
        assert row.verdict == "error"
        return
    assert spelled(local) == row.understood["local"]
    name = file_name(local)
    assert b"/" + name == row.understood["adduser_key"].encode("utf-8", "surrogateescape")
    read_back = b"/" not in name and parse_local_part(name) == local
    assert read_back == (row.verdict == "ok")


def cause_of(error: str) -> str:
    """Our cause for the text of a recorded exception."""
    for part, cause in {
        "Invalid local-part": "name",
        "Invalid JSON value": "json",
        "Json_encoding": "shape",
        "of_hex": "password",
        "result value is (Error _)": "target",
    }.items():
        if part in error:
            return cause
    return error


def path_text(path: ForwardPath) -> str:
    text = bytes(path).decode("utf-8", "surrogateescape")
    return f"POSTMASTER-FORM {text}" if path.kind == "domain" else text
