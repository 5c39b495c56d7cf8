"""Tables that people upload: CSV and JSON, and everything that is neither."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats import tables
from tenants.formats.address_export import HEADERS, Exported, as_csv, as_json
from tenants.formats.address_rows import COLUMNS, read_wishes
from tenants.formats.csv_cells import csv_lines, from_cell, to_cell
from tenants.formats.tables import MAX_BYTES, MAX_ROWS, read_table
from tenants.formats.text import FormatError

HASH = "0123456789abcdef" * 8
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
# A record of which every cell is blank reads like an empty line.
ROWS = st.lists(
    st.lists(TEXT, min_size=3, max_size=3).filter(lambda cells: any(cell.strip() for cell in cells)),
    min_size=1,
    max_size=8,
)


@given(ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_was_written_is_read(rows: list[list[str]], separator: str, ending: str, mark: bool) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows([[to_cell(cell) for cell in cells] for cells in rows])
    table = read_table(out.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    assert table.headers == ("a", "b", "c")
    assert [list(row.cells.values()) for row in table.rows] == rows
    lines = out.getvalue().encode().splitlines()
    places = [row.place for row in table.rows]
    assert places == sorted(set(places))
    assert places[0] == 2
    assert places[-1] <= len(io.StringIO(out.getvalue(), newline="").readlines()), lines


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_a_refusal(content: bytes) -> None:
    refusal = None
    try:
        assert read_table(content).rows
    except FormatError as error:
        refusal = error
    assert refusal is None or (refusal.field == "file" and refusal.problem and refusal.fix)


@given(st.text(max_size=300))
def test_any_text_gives_wishes_or_a_refusal(text: str) -> None:
    for content in (f"address,targets,enabled\n{text}", f'[{{"address": {json.dumps(text)}}}]'):
        with suppress(FormatError):
            _, wishes = read_wishes(content.encode("utf-8", "replace"), domain="example.org")
            assert all(wish.local_part or wish.problems for wish in wishes)


@given(TEXT)
def test_cells_are_no_formulas_and_come_back(text: str) -> None:
    cell = to_cell(text)
    assert not cell or cell[0] not in "=+-@\t\r\n＝＋－＠"
    assert from_cell(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "+49", "-x", "@sum", "\tx", "\r", "'=x", "''=x", "'", "a"])
def test_examples_of_cells(text: str) -> None:
    assert from_cell(to_cell(text)) == text
    [line] = csv_lines([[text]])
    assert not line.lstrip('"').startswith(("=", "+", "-", "@", "\t", "\r"))


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "only a header": (b"address\n", "no row"),
    "NUL": (b"address\nada\nb\0b\n", "NUL character in line 3"),
    "UTF-16": ("address\nada".encode("utf-16"), "UTF-16"),
    "Latin-1": ("address,note\nada,caf\xe9".encode("latin-1"), "Line 2 is not UTF-8"),
    "unknown header": (b"address,mail_host\nada,b", "“mail_host” is not known"),
    "near header": (b"adress,targets\nada,b", "Perhaps “address” is meant"),
    "no address": (b"targets,note\na@b.example,x", "No column is called “address”"),
    "no header": (b"ada@example.org,hunter2\n", "names no column"),
    "header twice": (b"address,note,Note\nada,b,c", "“Note” is there twice"),
    "two for one": (b"address,targets,goto\nada,b,c", "“targets” and “goto” mean the same"),
    "nameless header": (b"address,,note\nada,b,c", "Column 2 has no name"),
    "passphrase": (b"address,Password\nada,hunter2-sesame", "takes none in clear"),
    "passphrase in JSON": (b'[{"address": "ada"}, {"address": "b", "passwd": "x"}]', "takes none in clear"),
    "open quote": (b'address,note\nada,"x\nbob,y\n', "in line 2"),
    "behind a quote": (b'address,note\nada,"x"y\n', "behind a closing quotation mark"),
    "many columns": (",".join(f"c{i}" for i in range(60)).encode() + b"\nx", "60 columns"),
    "no list": (b'{"a": 1}', "holds no list"),
    "empty list": (b"[]", "list is empty"),
    "no JSON": (b"[{]", "not JSON"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000, "nested too deeply"),
    "long number": (b"[" + b"1" * 10_000 + b"]", "number"),
    "NaN": (b"[NaN]", "number"),
    "too large": (b"a" * (MAX_BYTES + 1), "bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(name: str) -> None:
    content, says = REFUSED[name]
    with pytest.raises(FormatError) as refused:
        read_wishes(content, domain="example.org")
    assert says in str(refused.value)
    assert refused.value.fix
    assert "hunter2" not in str(refused.value)


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    for content in (b"address\n" + b"a\n" * 3, b"[{},{},{}]"):
        assert len(read_table(content).rows) == 3
    for content in (b"address\n" + b"a\n" * 4, b"[{},{},{},{}]"):
        with pytest.raises(FormatError, match="more than 3 rows"):
            read_table(content)
    assert MAX_ROWS >= 10_000


ROW_PROBLEMS: dict[str, tuple[str, str]] = {
    "too few cells": ("ada\n", "1 cell"),
    "too many cells": ("ada,b@x.example,yes,c,d\n", "5 cells"),
    "no address": (",b@x.example,yes,\n", "address is empty"),
    "elsewhere": ("ada@other.example,b@x.example,yes,\n", "not in example.org"),
    "neither": ("ada,b@x.example,perhaps,\n", "neither yes nor no"),
    "no kind": ("ada,b@x.example,yes,list\n", "no kind"),
    "long": (f"{'a' * 300},b@x.example,yes,\n", "300 characters"),
}


@pytest.mark.parametrize("name", ROW_PROBLEMS)
def test_rows_that_are_refused_leave_others_alone(name: str) -> None:
    line, says = ROW_PROBLEMS[name]
    content = f"address,targets,enabled,kind\n\n{line}bob,b@x.example,no,alias\n"
    _, [bad, good] = read_wishes(content.encode(), domain="example.org")
    assert bad.place == 3
    assert says in " ".join(str(problem) for problem in bad.problems)
    assert not good.problems
    assert dict(good.values) == {"targets": ("b@x.example",), "enabled": False, "kind": "alias"}


def test_json_rows_that_are_refused() -> None:
    rows: list[Any] = [
        3,
        {"address": 5},
        {"address": "ada", "enabled": "maybe"},
        {"address": "bob", "targets": [1]},
        {"address": "carl", "note": "a\0"},
        {"address": "dora", "note": "\ud800"},
        {"address": "eve", "targets": ["e@x.example"], "enabled": False, "note": None},
    ]
    _, wishes = read_wishes(json.dumps({"addresses": rows}).encode(), domain="example.org")
    assert [wish.place for wish in wishes if wish.problems] == [1, 2, 3, 4, 5, 6]
    assert dict(wishes[6].values) == {"targets": ("e@x.example",), "enabled": False, "note": None}
    _, [wish] = read_wishes(b'[{"address": "a", "address": "b"}]', domain="example.org")
    assert "twice" in str(wish.problems[0])


def test_every_one_of_a_double_is_refused() -> None:
    content = b"address,note\nada,1\nbob,2\nada@example.org,3\nada,4\n"
    _, wishes = read_wishes(content, domain="example.org")
    told = [str(problem) for wish in wishes for problem in wish.problems]
    assert told == [
        "Line 4 and 5 have the same address. Keep one of them.",
        "Line 2 and 5 have the same address. Keep one of them.",
        "Line 2 and 4 have the same address. Keep one of them.",
    ]


def test_kinds_of_csv_that_spreadsheets_write() -> None:
    for text in (
        "address;targets\r\nada;a@x.example, b@x.example\r\n",
        "sep=;\naddress;targets\nada;a@x.example b@x.example\n",
        "\ufeffE-Mail\tGoto\nada\ta@x.example;b@x.example\n".replace("E-Mail", "email"),
        'address,targets\nada,"a@x.example\nb@x.example"\n',
    ):
        _, [wish] = read_wishes(text.encode(), domain="example.org")
        assert wish.local_part == "ada"
        assert wish.value("targets") == ("a@x.example", "b@x.example")


def test_secrets_are_in_no_repr() -> None:
    content = f"address,password_hash\nada,{HASH}\n".encode()
    table, wishes = read_wishes(content, domain="example.org")
    assert HASH not in repr(table)
    assert HASH not in repr(wishes)
    assert wishes[0].value("password_hash") == HASH


EXPORTED = [
    Exported("ada@example.org", "mailbox", ["a@x.example", "=b@x.example"], "=HYPERLINK(1)", enabled=True),
    Exported("bob@example.org", "alias", ["+c@x.example"], 'said "no", twice', enabled=False),
    Exported("carl@example.org", "alias", [], "'=x", enabled=True),
]


@pytest.mark.parametrize("write", [as_csv, as_json])
def test_what_was_exported_is_read_as_it_was(write: Any) -> None:
    text = "".join(write(EXPORTED))
    _, wishes = read_wishes(text.encode(), domain="example.org")
    assert [
        Exported(
            f"{wish.local_part}@example.org",
            wish.value("kind"),
            list(wish.value("targets") or ()),
            wish.value("note") or "",
            wish.value("enabled"),
        )
        for wish in wishes
    ] == EXPORTED
    assert "".join(write([])) in {",".join(HEADERS) + "\r\n", "[]\n"}
    assert {column.name for column in COLUMNS} >= set(HEADERS)
