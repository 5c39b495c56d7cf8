"""Whole messages: a header and a command or an answer; and the certificate extension of the TLS endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from workers.albatross import der_write as der
from workers.albatross import replies as r
from workers.albatross.commands import Command
from workers.albatross.der_read import Element, Reading, read_one
from workers.albatross.errors import DecodeError, NotSendable, ShortSequence
from workers.albatross.grammar.commands import read_command, write_command
from workers.albatross.grammar.names import read_name, write_name
from workers.albatross.grammar.replies import read_data, read_success, write_data, write_success
from workers.albatross.names import Name

WIRE = 5
"""The wire version of 1.5.0 to 2.8; 1.0 to 1.4 speak 4."""
MOST_SEQUENCES = 2**64


@dataclass(frozen=True, slots=True)
class Header:
    """In front of every message. An answer repeats its command's header; `sequence` is any number from 0 to
    2**64 - 1."""

    name: Name
    sequence: int = 0
    version: int = WIRE


@dataclass(frozen=True, slots=True)
class Request:
    """A command on its way to a daemon."""

    header: Header
    command: Command


@dataclass(frozen=True, slots=True)
class Answer:
    """What a daemon sends: one answer, or a piece of a stream."""

    header: Header
    reply: r.Reply


def write_request(request: Request) -> der.Parts:
    """The message, without its length in front; large contents are not copied. Raises NotSendable."""
    return der.sequence(_write_header(request.header), der.context(0, write_command(request.command)))


def write_answer(answer: Answer) -> der.Parts:
    """The message, without its length in front."""
    reply = answer.reply
    match reply:
        case r.Failure():
            payload = der.context(2, der.text(reply.text))
        case r.ConsoleLine() | r.Measured() | r.BlockPiece() | r.BlockEnd() | r.UnknownData():
            payload = der.context(3, write_data(reply))
        case _:
            payload = der.context(1, write_success(reply, answer.header.version))
    return der.sequence(_write_header(answer.header), payload)


def read_message(message: bytes | bytearray | memoryview, *, strict: bool = False) -> Request | Answer:
    """A whole message. Images in it are views into `message`. Raises DecodeError and nothing else."""
    fields = read_one(message, Reading(strict=strict)).fields()
    header = _read_header(fields.take())
    payload = fields.take()
    fields.finish()
    inner = payload.inner()
    match payload.number:
        case 0:
            return Request(header, read_command(inner))
        case 1:
            return Answer(header, read_success(inner))
        case 2:
            return Answer(header, r.Failure(inner.text()))
        case 3:
            return Answer(header, read_data(inner))
        case _:
            raise DecodeError(f"a message has the unknown tag {payload.number}")


def read_answer(message: bytes | bytearray | memoryview) -> Answer:
    """A message from a daemon, read tolerantly. Raises DecodeError."""
    answer = read_message(message)
    if isinstance(answer, Request):
        raise DecodeError("the daemon sent a command where an answer belongs")
    return answer


def write_extension(command: Command, version: int = WIRE) -> der.Parts:
    """The value of the certificate extension 1.3.6.1.4.1.49836.42. Raises NotSendable."""
    return der.sequence(der.integer(version), write_command(command))


def read_extension(value: bytes) -> tuple[int, Command]:
    """The version and command of a certificate's extension. Raises DecodeError."""
    fields = read_one(value, Reading(strict=True)).fields()
    version, command = fields.take().integer(), read_command(fields.take())
    fields.finish()
    return version, command


def _write_header(header: Header) -> der.Parts:
    if not 0 <= header.sequence < MOST_SEQUENCES:
        raise NotSendable("sequence: it has 64 bits.", "Use a number from 0 to 2**64 - 1.")
    sequence = der.octets(header.sequence.to_bytes(8, "big"))
    return der.sequence(der.integer(header.version), sequence, write_name(header.name, header.version))


def _read_header(element: Element) -> Header:
    fields = element.fields()
    version, sequence = fields.take().integer(), fields.take().octets()
    name = read_name(fields.take())
    fields.finish()
    if len(sequence) < 8:
        raise ShortSequence("a message's sequence has fewer than 8 bytes")
    return Header(name, int.from_bytes(sequence[:8], "big"), version)
