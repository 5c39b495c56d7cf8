"""Forward and reverse paths of SMTP, read as ptt's library reads them.

It is stricter than RFC 5321 in places (no final dot, no underscore, exactly ``Postmaster``) and the sandbox
has to refuse what ptt refuses, so this is a grammar of its own and not a general address parser.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Word = tuple[Literal["atom", "quoted"], str]
#: A local part as ptt compares it: `john.doe` and `"john.doe"` are different, and so are `john` and `John`.
Local = tuple[Word, ...]

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\[ -~])*)"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(r"\[([!-Z^-~]{1,255})\]")
_ROUTE = re.compile(rf"@{_LABEL}(?:\.{_LABEL})*(?:,@{_LABEL}(?:\.{_LABEL})*)*:")
_HOST_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

MAX_PATH = 4_096


class PathError(ValueError):
    """The text is no path that ptt understands; ptt closes the connection on it."""


class BadHostError(ValueError):
    """A domain is no strict host name. ptt raises on it outside of every handler, which stops the program."""


class Kind(Enum):
    """What a forward path names."""

    POSTMASTER = "postmaster"  # <Postmaster>
    WHOLE_DOMAIN = "whole-domain"  # <Postmaster@domain>: every user of the domain
    MAILBOX = "mailbox"  # <local@domain>


@dataclass(frozen=True, slots=True)
class Path:
    """One recipient or sender. `domain` is a name, or a literal in its brackets, or empty for
    `<Postmaster>`."""

    kind: Kind
    local: Local = ()
    domain: str = ""

    def __str__(self) -> str:
        if self.kind is Kind.POSTMASTER:
            return "<Postmaster>"
        if self.kind is Kind.WHOLE_DOMAIN:
            return f"<Postmaster@{self.domain}>"
        return f"<{local_text(self.local)}@{self.domain}>"


def local_text(local: Local) -> str:
    """The local part as ptt sends it on: words joined by dots, with the quotes lost (measured)."""
    return ".".join(text for _, text in local)


def mailbox(local: Local, domain: str) -> Path:
    """A mailbox, or the whole-domain form when the local part is exactly `Postmaster`."""
    if local == (("atom", "Postmaster"),):
        return Path(Kind.WHOLE_DOMAIN, domain=domain)
    return Path(Kind.MAILBOX, local, domain)


def parse_forward_path(text: str) -> tuple[Path, str]:
    """Read `<…>` at the start of the argument of RCPT TO; return the path and the parameters after it.

    Raises PathError.
    """
    if text.startswith("<Postmaster>"):
        return Path(Kind.POSTMASTER), text[len("<Postmaster>") :]
    local, domain, rest = _inside(text)
    return mailbox(local, domain), rest


def parse_reverse_path(text: str) -> tuple[Path | None, str]:
    """Read the argument of MAIL FROM; None is the null sender `<>`. Raises PathError."""
    if text.startswith("<>"):
        return None, text[2:]
    local, domain, rest = _inside(text)
    return Path(Kind.MAILBOX, local, domain), rest


def _inside(text: str) -> tuple[Local, str, str]:
    if len(text) > MAX_PATH or not text.startswith("<"):
        raise PathError("a path begins with <")
    at = 1
    route = _ROUTE.match(text, at)
    if route:
        at = route.end()
    local: Local
    if found := _DOT_STRING.match(text, at):
        local = tuple(("atom", word) for word in found.group().split("."))
    elif found := _QUOTED.match(text, at):
        local = (("quoted", re.sub(r"\\(.)", r"\1", found.group(1))),)
    else:
        raise PathError("no local part")
    at = found.end()
    if text[at : at + 1] != "@":
        raise PathError("no @ after the local part")
    domain = _DOMAIN.match(text, at + 1) or _LITERAL.match(text, at + 1)
    if domain is None or text[domain.end() : domain.end() + 1] != ">":
        raise PathError("no domain")
    return local, domain.group(), text[domain.end() + 1 :]


def is_literal(domain: str) -> bool:
    """Whether the domain is written in brackets."""
    return domain.startswith("[")


def literal_address(domain: str) -> str | None:
    """The IP address of `[192.0.2.1]` or `[IPv6:…]`; None for every other literal, which ptt never
    delivers."""
    inside = domain[1:-1]
    try:
        if inside.startswith("IPv6:"):
            return str(ipaddress.IPv6Address(inside[5:]))
        return str(ipaddress.IPv4Address(inside))
    except ValueError:
        return None


def host_labels(domain: str) -> tuple[str, ...]:
    """The labels of a strict host name.

    A trailing hyphen in a label is let through, as ptt lets it through. Raises BadHostError.
    """
    labels = tuple(domain.split("."))
    if len(domain) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise BadHostError("invalid host name")
    return labels


def domain_order(domain: str) -> tuple[int, tuple[str, ...]]:
    """The order in which ptt walks domains: by number of labels, then from the top-level label, without case.

    Raises BadHostError.
    """
    labels = host_labels(domain)
    return len(labels), tuple(label.lower() for label in reversed(labels))
