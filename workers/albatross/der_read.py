"""Reading DER (X.690) from outside: bounded, without copies, and never raising anything but DecodeError.

Two readers share this code. The *tolerant* one, ours, accepts what newer releases may add: fields at the
end of a sequence, and unknown alternatives where the grammar can skip them. The *strict* one is for the
sandbox, whose daemons refuse what the real ones refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from workers.albatross import der_write as tags
from workers.albatross.errors import DecodeError

MOST_ELEMENTS = 250_000
"""Values in one message, nested ones counted: some 5,000 unikernels. It bounds time and memory."""
_T = TypeVar("_T")


class Reading:
    """One message being read: how strictly, and how many values it may still have."""

    __slots__ = ("left", "strict")

    def __init__(self, *, strict: bool = False, at_most: int = MOST_ELEMENTS) -> None:
        self.strict = strict
        self.left = at_most


@dataclass(slots=True, eq=False)
class Element:
    """One value: its first tag octet, its tag number and its contents (a view, not a copy).

    Not frozen, because a message has thousands of them and freezing doubles their cost.
    """

    octet: int
    number: int
    body: memoryview
    reading: Reading

    @property
    def is_context(self) -> bool:
        """Whether this is a constructed context tag, the way albatross writes alternatives."""
        return self.octet & 0xE0 == tags.CONTEXT

    def expect(self, tag: int) -> memoryview:
        """The contents when it has this tag, else DecodeError."""
        if self.octet != tag:
            raise DecodeError(f"a value has the tag {self.octet:#04x} where {tag:#04x} belongs")
        return self.body

    def fields(self, tag: int = tags.SEQUENCE) -> Fields:
        """The values inside."""
        return Fields(self.expect(tag), self.reading)

    def inner(self) -> Element:
        """The one value inside an explicit context tag."""
        if not self.is_context:
            raise DecodeError(f"a value has the tag {self.octet:#04x} where an alternative belongs")
        fields = Fields(self.body, self.reading)
        value = fields.take()
        fields.finish()
        return value

    def integer(self) -> int:
        body = self.expect(tags.INTEGER)
        if not 1 <= len(body) <= 8:
            raise DecodeError("a number has an impossible length")
        value = int.from_bytes(body, "big", signed=True)
        if not tags.SMALLEST <= value <= tags.BIGGEST:
            raise DecodeError("a number is outside the range of albatross")
        return value

    def int64(self) -> int:
        body = self.expect(tags.OCTETS)
        if len(body) != 8:
            raise DecodeError("a 64-bit number has not 8 bytes")
        return int.from_bytes(body, "big", signed=True)

    def boolean(self) -> bool:
        """Any octet but 0 is true, as for albatross."""
        body = self.expect(tags.BOOLEAN)
        if len(body) != 1:
            raise DecodeError("a truth value has not 1 byte")
        return body[0] != 0

    def null(self) -> None:
        if self.expect(tags.NULL_TAG):
            raise DecodeError("a NULL has contents")

    def octets(self) -> memoryview:
        """A view into the message, which it keeps alive."""
        return self.expect(tags.OCTETS)

    def text(self) -> bytes:
        """A UTF8String's bytes, which need not be UTF-8."""
        return bytes(self.expect(tags.UTF8))

    def many(self, read: Callable[[Element], _T], tag: int = tags.SEQUENCE) -> tuple[_T, ...]:
        """Every value inside, read one by one."""
        fields = self.fields(tag)
        found: list[_T] = []
        while not fields.at_end:
            found.append(read(fields.take()))
        return tuple(found)


class Fields:
    """The values in a piece of DER, taken from the front."""

    __slots__ = ("_body", "_position", "_reading")

    def __init__(self, body: memoryview, reading: Reading) -> None:
        self._body = body
        self._reading = reading
        self._position = 0

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._body)

    def take(self) -> Element:
        """The next value."""
        reading = self._reading
        reading.left -= 1
        if reading.left < 0:
            raise DecodeError("the message has more values than any host could need")
        octet = self._octet()
        number = octet & 0x1F if octet & 0x1F != 0x1F else self._long_number()
        size = self._length()
        end = self._position + size
        if end > len(self._body):
            raise DecodeError("a value is longer than what it is in")
        body = self._body[self._position : end]
        self._position = end
        return Element(octet, number, body, reading)

    def take_if(self, tag: int) -> Element | None:
        """The next value when it has this tag: optional fields."""
        if self.at_end or self._body[self._position] != tag:
            return None
        return self.take()

    def take_context(self, number: int) -> Element | None:
        """What the next value holds, when it is this optional context tag."""
        element = self.take_if(tags.CONTEXT + number)
        return None if element is None else element.inner()

    def finish(self) -> None:
        """Nothing of ours follows: a strict reader refuses what is left, a tolerant one leaves it alone."""
        if self._reading.strict and not self.at_end:
            raise DecodeError("bytes are left after a value")

    def _octet(self) -> int:
        if self.at_end:
            raise DecodeError("a message ends too early")
        value = self._body[self._position]
        self._position += 1
        return value

    def _long_number(self) -> int:
        number = 0
        for _ in range(4):
            octet = self._octet()
            number = number << 7 | octet & 0x7F
            if octet < 0x80:
                return number
        raise DecodeError("a tag has an impossible number")

    def _length(self) -> int:
        first = self._octet()
        if first < 0x80:
            return first
        count = first & 0x7F
        if not 1 <= count <= 8:
            raise DecodeError("a value has no definite length")
        size = 0
        for _ in range(count):
            size = size << 8 | self._octet()
        return size


def read_one(message: bytes | bytearray | memoryview, reading: Reading) -> Element:
    """The one value that a message is."""
    fields = Fields(memoryview(message).cast("B"), reading)
    value = fields.take()
    fields.finish()
    return value
