"""Mailboxes as ptt's unikernels read them: the grammar of the library Emile 1.1 (RFC 5322 with RFC 5321
literals, RFC 6532 and the obsolete forms), as an ordered-choice parser over bytes.

`parse_mailbox` reads a prefix and ignores what follows, as the real code does; `parse_local_part` reads
everything. Both take time linear in their input and no recursion.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tenants.formats.domain_literal import parse_domain_literal


class Word(NamedTuple):
    """One word of a local part or display name; `quoted` tells `"john"` from `john`, which differ."""

    quoted: bool
    text: bytes


@dataclass(frozen=True)
class Name:
    """A domain by its labels, as written: not necessarily a valid host name."""

    labels: tuple[bytes, ...]

    def __bytes__(self) -> bytes:
        return b".".join(self.labels)


@dataclass(frozen=True)
class Literal:
    """An address literal: kind `IPv4`, `IPv6` or, when `general`, a tag of its own (never delivered)."""

    kind: bytes
    value: bytes
    general: bool = False

    def __bytes__(self) -> bytes:
        if self.kind == b"IPv4" and not self.general:
            return b"[" + self.value + b"]"
        return b"[" + self.kind + b":" + self.value + b"]"


Domain = Name | Literal
LocalPart = tuple[Word, ...]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox: display name (as Emile would write it, or None), local part, domain, and its route."""

    display: bytes | None
    local: LocalPart
    domain: Domain
    route: tuple[Domain, ...] = ()

    def __bytes__(self) -> bytes:
        address = local_text(self.local) + b"@" + bytes(self.domain)
        if self.route:
            address = b",".join(b"@" + bytes(hop) for hop in self.route) + b":" + address
        if self.display is not None:
            return self.display + b" <" + address + b">"
        return b"<" + address + b">" if self.route else address


_UTF8 = (
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_OBSOLETE_CONTROLS = rb"\x01-\x08\x0b\x0c\x0e-\x1f\x7f"


def _run_of(ascii_class: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:[" + ascii_class + rb"]+|" + _UTF8 + rb")+")


_ATEXT = _run_of(rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~-")
_QTEXT = _run_of(rb"!#-\[\]-~" + _OBSOLETE_CONTROLS)
_DTEXT = _run_of(rb"!-Z^-~" + _OBSOLETE_CONTROLS)
_PLAIN = re.compile(rb"((?:[a-z0-9+_-]+\.)*[a-z0-9+_-]+)@((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+)")
_BLANKS = re.compile(rb"[\t ]+")
_IN_COMMENT = re.compile(rb"(?:[\t !-'*-\[\]-~" + _OBSOLETE_CONTROLS + rb"]+|\\[\x00-\x7f])*")
_QUOTED_PAIR = re.compile(rb"\\([\x00-\x7f])")
_ENCODED = re.compile(rb'=\?([^()<>@,;:"/\[\]?.=\x00-\x20]+)\?([QB])\?([^?]*)\?=')
_BOM = b"\xef\xbb\xbf"
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_WRITTEN = {value: b"\\" + name for name, value in _ESCAPES.items()} | {
    b"\\": b"\\\\",
    b'"': b'\\"',
    b"\0": b"\\\0",
}


def parse_mailbox(text: bytes) -> Mailbox | None:
    """Return the mailbox that `text` begins with, or None."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None:  # the usual form, told at once; the rules below would say the same
        words = tuple(Word(False, atom) for atom in plain[1].split(b"."))
        return Mailbox(None, words, Name(tuple(plain[2].split(b"."))))
    reader = _Reader(text)
    found = reader.name_addr(0)
    if found is None:
        found = reader.addr_spec(0)
    return None if found is None else found[0]


def parse_local_part(text: bytes) -> LocalPart | None:
    """Return the local part that `text` is as a whole (comments and blanks are dropped), or None."""
    found = _Reader(text).local_part(0)
    return found[0] if found is not None and found[1] == len(text) else None


def local_text(local: Iterable[Word]) -> bytes:
    """Write a local part as Emile does: quoted words in quotes, with its escapes."""
    return b".".join(_word_text(word) for word in local)


def _word_text(word: Word) -> bytes:
    if not word.quoted:
        return word.text
    pieces = (word.text[index : index + 1] for index in range(len(word.text)))
    return b'"' + b"".join(_WRITTEN.get(piece, piece) for piece in pieces) + b'"'


def _encoded_text(charset: bytes, encoding: bytes, text: bytes) -> bytes:
    """Write an encoded word again (RFC 2047) when it decodes, else as it stands."""
    start = b"=?" + charset.lower() + b"?" + encoding + b"?"
    if encoding == b"B":
        try:
            decoded = base64.b64decode(text, validate=True)
        except binascii.Error:
            return start + text + b"?="
        return start + base64.b64encode(decoded) + b"?="
    plain = re.sub(
        rb"=([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.replace(b"_", b" ")
    )
    written = re.sub(rb"[^ !-<>-~]", lambda match: b"=%02X" % match[0][0], plain)
    return start + written.replace(b" ", b"_") + b"?="


class _Reader:
    """Each method reads at a position and returns its value with the next position, or None."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def run(self, pattern: re.Pattern[bytes], at: int) -> tuple[bytes, int] | None:
        """One or more allowed characters; a broken UTF-8 sequence in their way spoils the whole run,
        and a byte-order mark at their beginning is dropped."""
        match = pattern.match(self.text, at)
        if match is None:
            return None
        end = match.end()
        if end < len(self.text) and self.text[end] >= 0x80:
            return None
        value = match[0].removeprefix(_BOM)
        return (value, end) if value else None

    def char(self, at: int, wanted: bytes) -> bool:
        return self.text[at : at + 1] == wanted

    def blanks(self, at: int) -> int:
        match = _BLANKS.match(self.text, at)
        return at if match is None else match.end()

    def comment(self, at: int) -> int | None:
        if not self.char(at, b"("):
            return None
        depth, at = 1, at + 1
        while depth:
            skipped = _IN_COMMENT.match(self.text, at)
            at = at if skipped is None else skipped.end()
            if self.char(at, b"("):
                depth += 1
            elif self.char(at, b")"):
                depth -= 1
            else:
                return None
            at += 1
        return at

    def cfws(self, at: int) -> int:
        """Skip comments and blanks, as far as they go."""
        while True:
            after = self.comment(self.blanks(at))
            if after is None:
                return self.blanks(at)
            at = after

    def atom(self, at: int) -> tuple[bytes, int] | None:
        found = self.run(_ATEXT, self.cfws(at))
        return None if found is None else (found[0], self.cfws(found[1]))

    def quoted_string(self, at: int) -> tuple[bytes, int] | None:
        at = self.cfws(at)
        if not self.char(at, b'"'):
            return None
        pieces, at = self.escaped(at + 1, _QTEXT, keep_blanks=True)
        return (pieces, self.cfws(at + 1)) if self.char(at, b'"') else None

    def escaped(self, at: int, pattern: re.Pattern[bytes], *, keep_blanks: bool) -> tuple[bytes, int]:
        pieces: list[bytes] = []
        while True:
            inside = self.blanks(at)
            if keep_blanks:
                pieces.append(self.text[at:inside])
            at = inside
            found = self.run(pattern, at)
            if found is None:
                pair = _QUOTED_PAIR.match(self.text, at)
                if pair is None:
                    return b"".join(pieces), at
                found = _ESCAPES.get(pair[1], pair[1]), pair.end()
            pieces.append(found[0])
            at = found[1]

    def word(self, at: int) -> tuple[Word, int] | None:
        found = self.atom(at)
        if found is not None:
            return Word(False, found[0]), found[1]
        found = self.quoted_string(at)
        return None if found is None else (Word(True, found[0]), found[1])

    def local_part(self, at: int) -> tuple[LocalPart, int] | None:
        found = self.word(at)
        words: list[Word] = []
        while found is not None:
            words.append(found[0])
            at = found[1]
            found = self.word(at + 1) if self.char(at, b".") else None
        return (tuple(words), at) if any(word.text for word in words) else None

    def dotted(self, at: int, *, spaced: bool) -> tuple[tuple[bytes, ...], int] | None:
        """Labels joined by dots; `spaced` allows comments and blanks around each, not only outside."""
        first = self.atom(at) if spaced else self.run(_ATEXT, self.cfws(at))
        labels: list[bytes] = []
        found = first
        while found is not None:
            labels.append(found[0])
            at = found[1]
            if not self.char(at, b"."):
                break
            found = self.atom(at + 1) if spaced else self.run(_ATEXT, at + 1)
        if not labels:
            return None
        return tuple(labels), at if spaced else self.cfws(at)

    def domain(self, at: int) -> tuple[Domain, int] | None:
        several = self.dotted(at, spaced=True)
        if several is not None and len(several[0]) > 1:
            return Name(several[0]), several[1]
        literal = self.literal(at)
        if literal is not None:
            return literal
        plain = self.dotted(at, spaced=False)
        return None if plain is None else (Name(plain[0]), plain[1])

    def literal(self, at: int) -> tuple[Domain, int] | None:
        at = self.cfws(at)
        if not self.char(at, b"["):
            return None
        content, at = self.escaped(at + 1, _DTEXT, keep_blanks=False)
        if not self.char(at, b"]"):
            return None
        parsed = parse_domain_literal(content)
        return None if parsed is None else (Literal(*parsed), self.cfws(at + 1))

    def addr_spec(self, at: int) -> tuple[Mailbox, int] | None:
        local = self.local_part(at)
        if local is None or not self.char(local[1], b"@"):
            return None
        domain = self.domain(local[1] + 1)
        return None if domain is None else (Mailbox(None, local[0], domain[0]), domain[1])

    def name_addr(self, at: int) -> tuple[Mailbox, int] | None:
        phrase = self.phrase(at)
        display, at = (None, at) if phrase is None else phrase
        at = self.cfws(at)
        if not self.char(at, b"<"):
            return None
        route: tuple[Domain, ...] = ()
        found = self.closed(at + 1)
        if found is None:
            hops = self.route(at + 1)
            if hops is None:
                return None
            route, at = hops
            found = self.closed(at)
        if found is None:
            return None
        return Mailbox(display, found[0].local, found[0].domain, route), found[1]

    def closed(self, at: int) -> tuple[Mailbox, int] | None:
        found = self.addr_spec(at)
        if found is None or not self.char(found[1], b">"):
            return None
        return found[0], self.cfws(found[1] + 1)

    def route(self, at: int) -> tuple[tuple[Domain, ...], int] | None:
        after = self.cfws(at)
        while self.char(after, b","):
            after = self.cfws(after + 1)
        if not self.char(after, b"@"):
            return None
        found = self.domain(after + 1)
        hops: list[Domain] = []
        while found is not None:
            hops.append(found[0])
            at = found[1]
            found = None
            while found is None and self.char(at, b","):
                at = self.cfws(at + 1)
                found = self.domain(at + 1) if self.char(at, b"@") else None
        return (tuple(hops), at + 1) if hops and self.char(at, b":") else None

    def phrase(self, at: int) -> tuple[bytes, int] | None:
        found = self.phrase_word(at)
        words: list[bytes] = []
        if found is None:
            return None
        while True:
            if found is not None:
                words.append(found[0])
                at = found[1]
            elif self.char(at, b"."):
                words.append(b".")
                at += 1
            elif self.cfws(at) > at:
                at = self.cfws(at)
            else:
                return b" ".join(words), at
            found = self.phrase_word(at)

    def phrase_word(self, at: int) -> tuple[bytes, int] | None:
        encoded = _ENCODED.match(self.text, self.cfws(at))
        if encoded is not None:
            return _encoded_text(encoded[1], encoded[2], encoded[3]), self.cfws(encoded.end())
        found = self.word(at)
        return None if found is None else (_word_text(found[0]), found[1])
