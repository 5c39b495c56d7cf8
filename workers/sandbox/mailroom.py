"""The mailroom: a plain SMTP server that takes every mail and keeps it, so that the panel can show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tenants.formats.forward_path import ForwardPath
from workers.sandbox.listener import Console
from workers.sandbox.maildirs import CannotKeepError, MailStore
from workers.sandbox.paths import domain_text, text
from workers.sandbox.smtp import Conversation, Envelope, Limits, Mail, SmtpServer


def address_of(path: ForwardPath) -> str:
    """The address of a recipient as the name of a sandbox mailbox."""
    if path.kind == "path":
        return text(path)[1:-1]
    return f"postmaster@{domain_text(path.domain) or 'localhost'}"


def with_trace(mail: Mail, *, sender: ForwardPath | None, recipient: str) -> bytes:
    """The content with the lines that a final mail server adds: who sent it by the envelope, and to whom."""
    head = f"Return-Path: {text(sender)}\r\nDelivered-To: {recipient}\r\n"
    return head.encode("ascii", "replace") + mail.content


class Mailroom(SmtpServer):
    """Accepts mail for any address, several in one connection, and stores it in Maildirs."""

    one_mail_only = False
    deliver_before_reply = True  # who has sent a mail here can read it

    def __init__(
        self, *, host: str, port: int, store: MailStore, console: Console, limits: Limits | None = None
    ) -> None:
        super().__init__(host=host, port=port, name="mailroom", console=console, limits=limits)
        self._store = store

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        """Take everything."""
        return self._keep

    async def _keep(self, mail: Mail) -> None:
        for address in dict.fromkeys(address_of(path) for path in mail.recipients):
            await keep(self._store, self.console, mail, sender=mail.sender, address=address)


async def keep(
    store: MailStore, console: Console, mail: Mail, *, sender: ForwardPath | None, address: str
) -> None:
    """Store one mail for one address, and say on the console what became of it."""
    content = with_trace(mail, sender=sender, recipient=address)
    try:
        await asyncio.to_thread(store.keep, address, content)
    except (CannotKeepError, OSError) as error:
        console.write("error", f"mail to {address} lost: {error}")
    else:
        console.write("info", f"mail to {address} kept")
