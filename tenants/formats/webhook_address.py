"""Addresses that webhooks are sent to: what may be asked for, before anybody is asked."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tenants.formats.addresses import check_host_name
from tenants.formats.text import FormatError, require_text

LONGEST = 1000
_HTTPS = 443
_FIRST_FREE_PORT = 1024
_EXAMPLE = "Write it like https://hooks.example.org/rookery."


@dataclass(frozen=True)
class WebhookAddress:
    host: str
    port: int
    secure: bool
    target: str = field(repr=False)
    """Path and query: people put keys into them."""


def shown_place(url: str) -> str:
    """What everybody may read of an address that was taken: what follows the host may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def read_webhook_address(value: object, *, here: bool = False, field: str = "url") -> WebhookAddress:
    """Take an address to pieces: https, a host's full name, the usual port or one from 1024 on.

    `here` is for a trial on one machine: only this machine's own addresses, and http will do. Raises
    FormatError.
    """
    text = require_text(value, field=field).strip()
    if not text or len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise FormatError(
            field, f"An address has up to {LONGEST} characters, all of ASCII and no space.", _EXAMPLE
        )
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise FormatError(field, "This is no address.", _EXAMPLE) from None
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise FormatError(field, "It has a name, a password or a # in it.", "Leave them out.")
    secure = parts.scheme == "https"
    if not secure and not (here and parts.scheme == "http"):
        raise FormatError(field, "Only https addresses are sent to.", _EXAMPLE)
    if here:
        _check_here(host, field)
    else:
        host = check_host_name(host, field=field)
    if port is None:
        port = _HTTPS if secure else 80
    if port != _HTTPS and port < _FIRST_FREE_PORT and not (here and port == 80):
        raise FormatError(field, f"Port {port} is not for webhooks.", "Use 443, or one from 1024 on.")
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return WebhookAddress(host, port, secure, target if target.startswith("/") else f"/{target}")


def _check_here(host: str, field: str) -> None:
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise FormatError(
            field,
            "This Rookery is a trial that reaches its own machine only.",
            "Write an address such as http://127.0.0.1:9000/hook.",
        )
