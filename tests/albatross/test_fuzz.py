"""Hostile bytes raise DecodeError and nothing else; what is read survives being written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.albatross.vectors import recorded, written
from workers.albatross.errors import DecodeError
from workers.albatross.grammar.envelope import (
    Answer,
    Request,
    read_extension,
    read_message,
    write_answer,
    write_request,
)
from workers.albatross.replies import UnknownSuccess

SEEDS = sorted(
    {row.body for row in written() if row.kind == "Wire"}
    | {row.body for row in recorded() if row.framed and row.body},
    key=lambda body: (len(body), body),
)
bodies = st.sampled_from(SEEDS)


def hold(message: bytes) -> None:
    for strict in (False, True):
        try:
            found = read_message(message, strict=strict)
        except DecodeError:
            continue
        assert repr(found)
        if isinstance(found, Answer) and isinstance(found.reply, UnknownSuccess):
            assert not strict
            continue
        # Odd texts are made printable and times lose digits, but only once.
        once = again(found)
        assert again(read_message(once)) == once
    try:
        read_extension(message)
    except DecodeError:
        return


def again(message: Request | Answer) -> bytes:
    return b"".join(write_request(message) if isinstance(message, Request) else write_answer(message))


@given(st.binary(max_size=400))
@settings(max_examples=400, deadline=None)
def test_any_bytes(message: bytes) -> None:
    hold(message)


@given(bodies, st.data())
@settings(max_examples=1_500, deadline=None)
def test_changed_bytes_of_real_messages(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    hold(bytes(changed))


@given(bodies, st.data())
@settings(max_examples=500, deadline=None)
def test_cut_and_stretched_messages(message: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(message)))
    hold(message[:at])
    hold(message[:at] + data.draw(st.binary(max_size=20)) + message[at:])
