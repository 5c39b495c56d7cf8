from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.albatross.errors import DecodeError, FrameTooBig, NotSendable
from workers.albatross.framing import MOST_ANSWER, FrameReader, frame


def framed(*messages: bytes) -> bytes:
    return b"".join(b"".join(frame((message,))) for message in messages)


def test_a_frame_is_a_length_and_its_bytes() -> None:
    image = bytes(100_000)
    parts = frame((b"abc", image))
    assert parts[0] == (100_003).to_bytes(4, "big")
    assert parts[2] is image


def test_an_empty_message_is_not_sent() -> None:
    with pytest.raises(NotSendable):
        frame(())


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 20))
@settings(deadline=None)
def test_frames_come_out_however_they_come_in(messages: list[bytes], step: int) -> None:
    stream, reader = framed(*messages), FrameReader()
    found = [
        bytes(message)
        for at in range(0, len(stream), step)
        for message in reader.feed(stream[at : at + step])
    ]
    assert found == messages
    assert not reader.inside


@pytest.mark.parametrize("announced", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, MOST_ANSWER + 1])
def test_two_gigabytes_announced_are_refused_at_once(announced: int) -> None:
    with pytest.raises(FrameTooBig, match=str(announced)):
        FrameReader().feed(announced.to_bytes(4, "big"))


def test_nothing_is_allocated_for_what_was_only_announced() -> None:
    reader = FrameReader()
    tracemalloc.start()
    assert reader.feed(MOST_ANSWER.to_bytes(4, "big") + b"x") == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000
    assert reader.inside


def test_a_length_of_zero_is_no_message_but_the_end_of_chunks() -> None:
    with pytest.raises(DecodeError, match="empty"):
        FrameReader().feed(bytes(4))
    assert [bytes(chunk) for chunk in FrameReader(chunks=True).feed(framed(b"a") + bytes(4))] == [b"a", b""]


@given(st.binary(max_size=200))
def test_hostile_frames(stream: bytes) -> None:
    try:
        FrameReader(1000).feed(stream)
    except DecodeError:
        return
