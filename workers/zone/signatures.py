"""The signatures of a zone transfer, in both readings: chained as RFC 8945 has it, or each for itself.

ocaml-dns signs every message of a transfer against the request alone; servers that keep to the RFC sign each
against the one before, and may leave up to 99 messages in between without a signature. The first message
looks the same in both; the second tells.
"""

from __future__ import annotations

from enum import Enum

import dns.message
import dns.opcode
import dns.rcode
import dns.tsig

from workers.zone.errors import Garbled, Unproved
from workers.zone.messages import Context, parse, proved_reply, verify
from workers.zone.outcomes import Asked, refusal

__all__ = ["Signatures", "Verifier"]

_MOST_UNSIGNED = 99


class Signatures(Enum):
    """How a transfer was signed."""

    NONE = "not signed"
    ONE = "one message, signed"
    CHAINED = "each message signed after the one before"
    EACH = "each message signed for itself"


class Verifier:
    """Reads the messages of one transfer in order."""

    def __init__(self, query: dns.message.Message, key: dns.tsig.Key | None, asked: Asked) -> None:
        self._query, self._key, self._asked = query, key, asked
        self._mac = query.mac or b""
        self._state = Signatures.NONE
        self._context: Context | None = None
        self._unsigned = 0
        self._first = True

    def read(self, wire: bytes) -> dns.message.Message:
        """Return the next message. Raises Refusal, Garbled and Unproved."""
        if self._first:
            self._first = False
            return self._begin(wire)
        message = parse(wire, self._asked)
        if not self._follows(message):
            raise Garbled(f"{self._asked.server} sent an answer to another question than ours.")
        if self._key is not None:
            self._check(wire, message, self._key)
        if message.rcode() != dns.rcode.NOERROR:
            raise refusal(message.rcode(), self._asked)
        return message

    def finish(self) -> Signatures:
        """Return how all of it was signed. Raises Unproved when the last message was not."""
        if self._unsigned:
            raise Unproved(f"The last message of {self._asked.what} is not signed.")
        return self._state

    def _begin(self, wire: bytes) -> dns.message.Message:
        message = proved_reply(wire, self._query, self._key, self._asked)
        if self._key is not None:
            self._state = Signatures.ONE
            self._context = verify(wire, message, self._key, self._mac, self._asked, chained=True)
        return message

    def _check(self, wire: bytes, message: dns.message.Message, key: dns.tsig.Key) -> None:
        if self._state is Signatures.EACH:
            self._check_alone(wire, message, key)
        elif not message.had_tsig:
            self._skip(wire)
        else:
            self._check_chained(wire, message, key)

    def _skip(self, wire: bytes) -> None:
        """A message in between, which the next signature covers."""
        self._unsigned += 1
        if self._unsigned > _MOST_UNSIGNED:
            raise Unproved(f"More than {_MOST_UNSIGNED} messages in a row are not signed.")
        if self._context is not None:
            self._context.update(wire)  # type: ignore[no-untyped-call]

    def _check_chained(self, wire: bytes, message: dns.message.Message, key: dns.tsig.Key) -> None:
        try:
            self._context = verify(wire, message, key, self._mac, self._asked, self._context, chained=True)
        except Unproved:
            if self._state is not Signatures.ONE or self._unsigned:
                raise
            self._check_alone(wire, message, key)
            self._state = Signatures.EACH
            return
        self._state, self._unsigned = Signatures.CHAINED, 0

    def _check_alone(self, wire: bytes, message: dns.message.Message, key: dns.tsig.Key) -> None:
        if not message.had_tsig:
            raise Unproved(f"A message of {self._asked.what} is not signed.")
        verify(wire, message, key, self._mac, self._asked)

    def _follows(self, message: dns.message.Message) -> bool:
        """Later messages need not repeat the question (RFC 5936 §2.2.1)."""
        if message.id != self._query.id or message.opcode() != dns.opcode.QUERY:
            return False
        return not message.question or self._query.is_response(message)
