"""Senders, recipients and domains as ptt's servers take, compare and send them on."""

from __future__ import annotations

from tenants.formats.forward_path import ForwardPath, RelayFaultError, parse_recipient
from tenants.formats.mailbox_syntax import Domain, Literal, Name
from tenants.formats.relay_reading import host_problem

MAX_PATH = 4_096  # bytes

#: How ptt orders and compares domains: by number of labels, then from the top-level label, without case.
DomainKey = tuple[int, tuple[bytes, ...]]


class PathError(ValueError):
    """The text is no path that ptt understands; ptt closes the connection on it."""


class BadHostError(ValueError):
    """A domain is no strict host name. Where ptt catches nothing, this stops the program."""


def recipient(line: str) -> ForwardPath:
    """Read what follows `RCPT TO:`, parameters included. Raises PathError."""
    raw = line.encode("utf-8", "surrogateescape")
    if len(raw) > MAX_PATH:
        raise PathError("the path is too long")
    try:
        return parse_recipient(raw)
    except RelayFaultError as error:
        raise PathError(str(error)) from None


def sender(line: str) -> ForwardPath | None:
    """Read what follows `MAIL FROM:`; None is the null sender `<>`. Raises PathError."""
    if line == "<>" or line.startswith("<> "):
        return None
    found = recipient(line)
    if found.kind == "postmaster":
        raise PathError("a sender has a domain")
    # In a sender, Postmaster is a local part like any other.
    return ForwardPath("path", (b"Postmaster",), found.domain) if found.kind == "domain" else found


def text(path: ForwardPath | None) -> str:
    """The path as ptt writes it (quotes are lost); `<>` for the null sender."""
    return "<>" if path is None else bytes(path).decode("utf-8", "surrogateescape")


def domain_text(domain: Domain | None) -> str:
    """The domain or literal as written."""
    return "" if domain is None else bytes(domain).decode("utf-8", "surrogateescape")


def name_of(domain: str) -> Name:
    """A domain given as text."""
    return Name(tuple(domain.encode("utf-8", "surrogateescape").split(b".")))


def domain_key(domain: Name) -> DomainKey:
    """The key by which ptt compares a domain. Raises BadHostError."""
    if problem := host_problem(domain):
        raise BadHostError(problem)
    return len(domain.labels), tuple(label.lower() for label in reversed(domain.labels))


def address_key(literal: Literal) -> str | None:
    """The IP address of a literal; None for every other kind of literal, which ptt never delivers."""
    return None if literal.general else literal.value.decode("ascii")


def host_text(value: str) -> str:
    """A mail domain from outside: a strict host name of two or more labels, in lower case. Raises
    ValueError."""
    try:
        labels, _ = domain_key(name_of(value))
    except BadHostError:
        labels = 0
    if labels < 2 or not value.isascii():
        raise ValueError("domain: this is no host name; write something like example.org")
    return value.lower()
