"""The signatures of a zone transfer, in both readings: chained as RFC 8945 has it, or each for itself.

ocaml-dns signs every message of a transfer against the request alone; servers that keep to the RFC sign each
against the one before, and may leave up to 99 messages in between without a signature. The first message
looks the same in both; the second tells.
"""

from __future__ import annotations

from enum import Enum

import dns.exception
import dns.message
import dns.opcode
import dns.rcode
import dns.tsig

from tenants.formats.text import printable
from workers.zone.errors import Garbled, Unproved
from workers.zone.messages import BROKEN, proved_reply, skewed
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
        self._state = Signatures.NONE
        self._context: dns.tsig.HMACTSig | dns.tsig.GSSTSig | None = None
        self._unsigned = 0
        self._first = True

    def read(self, wire: bytes) -> dns.message.Message:
        """Return the next message. Raises Refusal (only for the first), Garbled and Unproved."""
        if self._first:
            self._first = False
            return self._begin(wire)
        if self._key is None:
            message = self._parsed(wire)
        elif self._state is Signatures.EACH:
            message = self._alone(wire)
        else:
            message = self._chained(wire)
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
            self._context = self._signed(wire, None).tsig_ctx
        return message

    def _chained(self, wire: bytes) -> dns.message.Message:
        try:
            message = self._signed(wire, self._context)
        except dns.tsig.BadSignature:
            if self._state is not Signatures.ONE or self._unsigned:
                raise self._wrong() from None
            message = self._alone(wire)
            self._state = Signatures.EACH
            return message
        except dns.tsig.BadTime:
            raise skewed(self._parsed(wire), self._asked) from None
        except BROKEN as error:
            raise self._unusable(error) from None
        self._context = message.tsig_ctx
        self._unsigned = 0 if message.had_tsig else self._unsigned + 1
        if self._unsigned > _MOST_UNSIGNED:
            raise Unproved(f"More than {_MOST_UNSIGNED} messages in a row are not signed.")
        if message.had_tsig:
            self._state = Signatures.CHAINED
        return self._ours(message)

    def _signed(
        self, wire: bytes, context: dns.tsig.HMACTSig | dns.tsig.GSSTSig | None
    ) -> dns.message.Message:
        return dns.message.from_wire(
            wire,
            keyring=self._key,
            request_mac=self._query.mac,
            tsig_ctx=context,
            multi=True,
            one_rr_per_rrset=True,
        )

    def _alone(self, wire: bytes) -> dns.message.Message:
        try:
            message = dns.message.from_wire(
                wire, keyring=self._key, request_mac=self._query.mac, one_rr_per_rrset=True
            )
        except dns.tsig.BadTime:
            raise skewed(self._parsed(wire), self._asked) from None
        except BROKEN:
            raise self._wrong() from None
        return self._ours(message)

    def _parsed(self, wire: bytes) -> dns.message.Message:
        try:
            message = dns.message.from_wire(wire, keyring=False, one_rr_per_rrset=True)
        except BROKEN as error:
            raise self._unusable(error) from None
        return self._ours(message)

    def _ours(self, message: dns.message.Message) -> dns.message.Message:
        if not self._follows(message):
            raise Garbled(f"{self._asked.server} sent an answer to another question than ours.")
        return message

    def _follows(self, message: dns.message.Message) -> bool:
        """Later messages need not repeat the question (RFC 5936 §2.2.1)."""
        if message.id != self._query.id or message.opcode() != dns.opcode.QUERY:
            return False
        return not message.question or self._query.is_response(message)

    def _wrong(self) -> Unproved:
        return Unproved(f"A message of {self._asked.what} is signed wrongly, or not at all.")

    def _unusable(self, error: BaseException) -> Garbled:
        said = printable(str(error) or type(error).__name__, 160).removesuffix(".")
        return Garbled(f"{self._asked.server} sent something that is no DNS message: {said}.")
