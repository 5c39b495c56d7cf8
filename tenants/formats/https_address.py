"""Addresses of files on web servers: what may be asked for, before anybody is asked."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from tenants.formats.addresses import check_host_name
from tenants.formats.text import FormatError, require_text

LONGEST = 2000


def check_https_address(value: object, *, field: str = "url") -> tuple[str, str]:
    """Return (address, host in small letters): https, a host's full name, nothing but a path and a query
    after it. Raises FormatError."""
    text = require_text(value, field=field).strip()
    if len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise _bad(field, f"An address has at most {LONGEST} characters, all of ASCII and no space.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _bad(field, "This is no address.") from None
    if parts.scheme != "https":
        raise _bad(field, "Only https addresses are fetched.")
    if parts.username is not None or parts.password is not None or port is not None:
        raise FormatError(field, "It has a name, a password or a port in it.", "Leave them out.")
    return text, check_host_name(parts.hostname or "", field=field)


def file_name_of(address: str) -> str:
    """The last part of its path, readable: what the file is called there; may be empty."""
    return unquote(urlsplit(address).path.rpartition("/")[2], errors="replace")


def _bad(field: str, problem: str) -> FormatError:
    return FormatError(field, problem, "Write it like https://builds.example.org/relay.hvt.")
