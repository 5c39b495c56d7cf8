"""Frames: a 4-byte big-endian length, then that many bytes. The same on every socket and inside TLS."""

from __future__ import annotations

from workers.albatross import der_write as der
from workers.albatross.errors import DecodeError, FrameTooBig, NotSendable

MOST_ANSWER = 16 << 20
"""Bytes in an answer without an image: thousands of unikernels with long arguments."""
MOST_IMAGE = 256 << 20
"""Bytes in an answer that holds an image or a whole block volume."""
LONGEST = 2**31 - 1
"""Daemons read the length as a signed number."""


def frame(parts: der.Parts) -> der.Parts:
    """A message with its length in front; nothing is copied. Raises NotSendable."""
    size = sum(map(len, parts))
    if not 0 < size <= LONGEST:
        raise NotSendable("the message is too big to be sent.", "Use a smaller image.")
    return (size.to_bytes(4, "big"), *parts)


END_OF_CHUNKS = bytes(4)
"""A length of zero ends a row of chunks."""


class FrameReader:
    """Cuts a stream of bytes into frames. It never holds more than `at_most` bytes of one, and allocates
    nothing for bytes that were only announced."""

    def __init__(self, at_most: int = MOST_ANSWER, *, chunks: bool = False) -> None:
        """`chunks`: a length of zero is the end mark of a row of chunks, given back as an empty frame."""
        self._at_most = at_most
        self._chunks = chunks
        self._head = bytearray()
        self._body = bytearray()
        self._missing = -1

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._head) or self._missing >= 0

    def feed(self, data: bytes) -> list[memoryview]:
        """Take what came in and return the frames that are complete now. Raises DecodeError; the reader is of
        no use afterwards."""
        view, frames = memoryview(data), []
        while view or self._missing == 0:
            if self._missing < 0:
                view = self._take_head(view)
                continue
            part = view[: self._missing]
            self._body += part
            self._missing -= len(part)
            view = view[len(part) :]
            if self._missing == 0:
                frames.append(memoryview(self._body))
                self._body, self._missing = bytearray(), -1
        return frames

    def _take_head(self, view: memoryview) -> memoryview:
        need = 4 - len(self._head)
        self._head += view[:need]
        if len(self._head) == 4:
            size = int.from_bytes(self._head, "big")
            self._head = bytearray()
            if size > self._at_most:
                raise FrameTooBig(f"a message of {size} bytes was announced; {self._at_most} are the most")
            if size == 0 and not self._chunks:
                raise DecodeError("an empty message came")
            self._missing = size
        return view[need:]
