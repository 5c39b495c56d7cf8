"""Handing a mail on to the next server inside the sandbox, over real SMTP, never off the loopback
interface."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate

from tenants.formats.forward_path import ForwardPath
from workers.sandbox.listener import loopback
from workers.sandbox.paths import text
from workers.sandbox.smtp import Mail

HOP_TIMEOUT = 20.0  # seconds
MAX_HOPS = 25


@dataclass(frozen=True)
class Way:
    """A server at a loopback address, and how to speak to it: from which address of our own, and with what
    trust if it offers STARTTLS (None: in clear text then too)."""

    host: str
    port: int
    source: str = ""
    trust: ssl.SSLContext | None = None


class HopError(Exception):
    """The next server did not take the mail; ptt has no queue, so it is lost."""


def received(mail: Mail, *, by: str) -> bytes:
    """The trace line that each ptt server puts on top (RFC 5321, 4.4)."""
    return f"Received: from {mail.helo} by {by} via TCP with ESMTP; {formatdate()}\r\n".encode(
        "ascii", "replace"
    )


def hops(content: bytes) -> int:
    """How many servers have had this mail: the number of Received lines in its header."""
    header = content.partition(b"\r\n\r\n")[0]
    return sum(line[:9].lower() == b"received:" for line in header.split(b"\r\n"))


def send(
    way: Way,
    *,
    name: str,
    sender: ForwardPath | None,
    recipients: Sequence[ForwardPath],
    content: bytes,
) -> None:
    """Send one mail to a server at a loopback address. Blocks. Raises HopError."""
    if hops(content) > MAX_HOPS:
        raise HopError(f"the mail went through {MAX_HOPS} servers: a loop, ptt would go on for ever")
    try:
        source = (way.source, 0) if way.source else None
        with smtplib.SMTP(
            loopback(way.host), way.port, local_hostname=name, timeout=HOP_TIMEOUT, source_address=source
        ) as client:
            client.ehlo(name)
            if way.trust is not None and client.has_extn("starttls"):
                client.starttls(context=way.trust)
                client.ehlo(name)
            _expect(client.docmd("MAIL", f"FROM:{text(sender)}"), 250)
            for recipient in recipients:
                _expect(client.docmd("RCPT", f"TO:{text(recipient)}"), 250)
            _expect(client.data(content), 250)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise HopError(f"{type(error).__name__} at {way.host}:{way.port}") from None


def _expect(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise HopError(f"the next server answered {answer[0]} {answer[1][:100]!r}")
