"""Forward paths (`<local@domain>`, RFC 5321) as ptt's SMTP library colombe 0.7 builds, reads and writes
them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal as Choice

from tenants.formats.domain_literal import parse_ipv4, parse_ipv6
from tenants.formats.mailbox_syntax import Domain, Literal, LocalPart, Mailbox, Name, Word


class RelayFaultError(Exception):
    """What ptt would raise at this point, with the text of its exception."""


@dataclass(frozen=True)
class ForwardPath:
    """A recipient: `postmaster` is the bare `<Postmaster>`, `domain` is `<Postmaster@domain>` (which
    stands for everybody in our own domain), `path` an ordinary one.

    `quoted` local parts are one piece of text, others the parts between dots.
    """

    kind: Choice["postmaster", "domain", "path"]
    local: tuple[bytes, ...] = ()
    domain: Domain | None = None
    quoted: bool = False

    def __bytes__(self) -> bytes:
        """As colombe writes it: quotes are lost, and what needs escapes gets them."""
        if self.kind == "postmaster":
            return b"<Postmaster>"
        host = bytes(self.domain) if self.domain is not None else b""
        if self.kind == "domain":
            return b"<Postmaster@" + host + b">"
        text = _escape(self.local[0]) if self.quoted else b".".join(self.local)
        return b"<" + text + b"@" + host + b">"

    @property
    def words(self) -> LocalPart:
        """The local part as the tables of login names and targets are asked for it."""
        return tuple(Word(self.quoted, text) for text in self.local)

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two paths of which the relay keeps only the first: the case of the local part
        does not count, that of the domain does."""
        local = tuple(text.lower() for text in self.local)
        return self.kind, self.quoted and len(local) > 1, local, self.domain


def from_mailbox(mailbox: Mailbox) -> ForwardPath:
    """Return the path that the relay stores for a target; its display name and route are lost."""
    if mailbox.local == (Word(False, b"Postmaster"),):
        return ForwardPath("domain", domain=mailbox.domain)
    texts = tuple(word.text for word in mailbox.local)
    if any(word.quoted for word in mailbox.local):
        return ForwardPath("path", (b".".join(texts),), mailbox.domain, quoted=True)
    return ForwardPath("path", texts, mailbox.domain)


_SUBDOMAIN = rb"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9](?![A-Za-z0-9-]))?"
_HOST = _SUBDOMAIN + rb"(?:\." + _SUBDOMAIN + rb")*"
_ATOM = rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{}|~]+"
_QUOTED = rb'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_LITERAL = rb"\[[!-Z^-~]+\]"
_PARAMETER = rb"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?"
_PARAMETERS = rb"(?: " + _PARAMETER + rb")*"
_ROUTE = rb"(?:@" + _HOST + rb"(?:,@" + _HOST + rb")*:)?"
_ALL_OF_DOMAIN = re.compile(rb"<Postmaster@(" + _HOST + rb")>" + _PARAMETERS)
_BARE = re.compile(rb"<Postmaster>" + _PARAMETERS)
_PATH = re.compile(
    rb"<" + _ROUTE + rb"(?:(" + _ATOM + rb"(?:\." + _ATOM + rb")*)|(" + _QUOTED + rb"))@"
    rb"(?:(" + _HOST + rb")|(" + _LITERAL + rb"))>" + _PARAMETERS
)
_GENERAL = re.compile(rb"([A-Za-z0-9-]*[A-Za-z0-9]):(.+)")
_PAIR = re.compile(rb"\\(.)")
_NEEDS_ESCAPE = re.compile(rb'[\x00\x07-\r\\"]')
_ESCAPES = {b"\a": b"a", b"\b": b"b", b"\t": b"t", b"\n": b"n", b"\v": b"v", b"\f": b"f", b"\r": b"r"}


def parse_recipient(line: bytes) -> ForwardPath:
    """Return the path of what follows `RCPT TO:`, or raise RelayFaultError."""
    everybody = _ALL_OF_DOMAIN.fullmatch(line)
    if everybody is not None:
        return ForwardPath("domain", domain=Name(tuple(everybody[1].split(b"."))))
    if _BARE.fullmatch(line):
        return ForwardPath("postmaster")
    found = _PATH.fullmatch(line)
    domain = None if found is None else _domain(found[3], found[4])
    if found is None or domain is None:
        shown = line.decode("utf-8", "surrogateescape")
        message = f"Invalid forward-path: {shown}"
        raise RelayFaultError(message)
    if found[2] is not None:
        return ForwardPath("path", (_PAIR.sub(rb"\1", found[2][1:-1]),), domain, quoted=True)
    return ForwardPath("path", tuple(found[1].split(b".")), domain)


def _domain(host: bytes | None, literal: bytes | None) -> Domain | None:
    if host is not None:
        return Name(tuple(host.split(b".")))
    content = b"" if literal is None else literal[1:-1]
    four = parse_ipv4(content)
    if four is not None:
        return Literal(b"IPv4", four)
    six = parse_ipv6(content[5:]) if content.startswith(b"IPv6:") else None
    if six is not None:
        return Literal(b"IPv6", six)
    general = _GENERAL.fullmatch(content)
    return None if general is None else Literal(general[1], general[2], general=True)


def _escape(text: bytes) -> bytes:
    return _NEEDS_ESCAPE.sub(lambda match: b"\\" + _ESCAPES.get(match[0], match[0]), text)
