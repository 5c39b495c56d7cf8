"""The file of a backup: whoever has the key reads it, and nobody reads a changed one."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import pwhash
from nacl.public import PrivateKey

from tenants.keys import public_half
from workers.backup.sealed_file import (
    FORMAT,
    PIECE,
    SealedWriter,
    begin,
    open_backup,
    opened,
    read_header,
    sealed_length,
)
from workers.backup.seals import Passphrase, PrivateHalf, PublicHalf, Refused, private_half

PRIVATE = base64.b64encode(bytes(PrivateKey.generate())).decode()
PUBLIC = PublicHalf(public_half(PRIVATE))
MINE = PrivateHalf(PRIVATE)
QUICK = Passphrase(
    "lantern otter quartz slope vivid", pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN
)


def made(contents: bytes = b"secret rows", seal: Any = PUBLIC) -> bytes:
    file = io.BytesIO()
    writer = begin(file, seal, {"version": "1.2.3"})
    writer.write(contents)
    writer.finish()
    return file.getvalue()


def read(data: bytes, opens: Any = MINE) -> bytes:
    return b"".join(open_backup(io.BytesIO(data), opens)[1])


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_what_went_in_comes_out(length: int) -> None:
    contents = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    data = made(contents)
    assert read(data) == contents
    body = data[data.index(b"\n", len(FORMAT)) + 1 :]
    assert len(body) == sealed_length(length)


def test_the_first_lines_say_what_it_is_and_no_more() -> None:
    data = made()
    assert read_header(io.BytesIO(data))["version"] == "1.2.3"
    assert b"secret rows" not in data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_and_no_missing_end_is_read(data: st.DataObject) -> None:
    whole = made(b"row\n" * 50)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    for wrong in (whole[:at], whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :], whole + b"x"):
        with pytest.raises(Refused):
            read(wrong)


def test_pieces_are_not_left_out_moved_or_taken_from_another() -> None:
    whole = made(bytes(2 * PIECE) + b"end")
    start = whole.index(b"\n", len(FORMAT)) + 1 + 24
    size = PIECE + 17
    first, second = whole[start : start + size], whole[start + size : start + 2 * size]
    rest = whole[start + 2 * size :]
    for wrong in (second + first + rest, first + rest, first + second, rest):
        with pytest.raises(Refused, match="damaged or was cut off"):
            read(whole[:start] + wrong)


def test_another_key_opens_nothing_and_is_told_which() -> None:
    other = PrivateHalf(base64.b64encode(bytes(PrivateKey.generate())).decode())
    with pytest.raises(Refused, match=re.escape(PUBLIC.public)):
        read(made(), other)
    with pytest.raises(Refused, match="Give the passphrase"):
        read(made(seal=QUICK))
    with pytest.raises(Refused, match="Name the key's file"):
        read(made(), QUICK)
    with pytest.raises(Refused, match="32 bytes of base64"):
        private_half("nonsense")
    assert PRIVATE not in repr(MINE)


def test_a_passphrase_opens_and_another_does_not() -> None:
    data = made(seal=QUICK)
    assert read(data, QUICK) == b"secret rows"
    with pytest.raises(Refused, match="another one"):
        read(data, Passphrase("lantern otter quartz slope vivit"))
    assert "lantern" not in repr(QUICK)


def test_a_hostile_first_line_costs_nothing() -> None:
    line = json.loads(made(seal=QUICK).splitlines()[1])
    for wrong in ({"memory": 1 << 40}, {"operations": 10**9}, {"memory": "x"}, {"salt": "?"}, {"sealed": 1}):
        header = json.dumps({**line, "seal": {**line["seal"], **wrong}}).encode()
        with pytest.raises(Refused):
            read(FORMAT + header + b"\n" + bytes(64), QUICK)
    for text in (b"", b"{}\n", b"[]\n", b"x" * 100_000, b'{"seal": 1}\n'):
        with pytest.raises(Refused):
            read(FORMAT + text)
    with pytest.raises(Refused, match="no backup"):
        read(b"PK\x03\x04")
    with pytest.raises(Refused, match="newer Rookery"):
        read(b"rookery backup 2\n{}\n")


def test_a_stream_belongs_to_what_it_is_about() -> None:
    file, key = io.BytesIO(), bytes(32)
    writer = SealedWriter(file, key, about=b"one")
    writer.write(b"x")
    writer.finish()
    assert b"".join(opened(io.BytesIO(file.getvalue()), key, about=b"one")) == b"x"
    with pytest.raises(Refused):
        b"".join(opened(io.BytesIO(file.getvalue()), key, about=b"other"))
