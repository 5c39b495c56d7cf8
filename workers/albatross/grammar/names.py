"""Names: one text in wire 5, a list of labels in wire 3 and 4."""

from __future__ import annotations

from tenants.formats.text import printable
from workers.albatross import der_write as der
from workers.albatross.der_read import Element
from workers.albatross.errors import DecodeError, NotSendable
from workers.albatross.names import DEEPEST, Name

LONGEST = 10_000
"""Characters of a text that names something; what is longer is cut."""


def write_name(name: Name, version: int) -> der.Parts:
    if version < 5:
        return der.sequence_of(der.text(label) for label in name.labels)
    return der.text(str(name))


def read_name(element: Element) -> Name:
    """A name in either form. Raises DecodeError."""
    if element.octet == der.UTF8:
        if len(element.body) > 64 * DEEPEST:
            raise DecodeError("a name is too long")
        name = Name.from_wire(printable(bytes(element.body), LONGEST))
        if element.reading.strict:
            _hold_against_rules(name)
        return name
    return Name.from_labels(element.many(read_text))


def _hold_against_rules(name: Name) -> None:
    """What a daemon does: a label that it does not accept is like bytes that it cannot read."""
    try:
        name.check()
    except NotSendable as problem:
        raise DecodeError(problem.sentence) from None


def read_text(element: Element) -> str:
    """A text that names something, made printable."""
    return printable(element.text(), LONGEST)
