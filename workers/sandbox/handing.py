"""A server that hands every mail on to one fixed next server: what all of ptt's share but the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from workers.sandbox import expansion, hop
from workers.sandbox.paths import name_of
from workers.sandbox.smtp import Conversation, Envelope, Mail, SmtpServer

#: The next server; None while there has never been one.
Following = Callable[[], hop.Way | None]


class LostError(Exception):
    """The mail is dropped; the text goes to the console, an empty one does not."""


class Handing(SmtpServer):
    """`following` and `called` are set by whoever makes one: the next server, and its name in sentences."""

    following: Following
    called: str
    domain: str
    targets: expansion.Targets | None = None
    """What recipients of our domain are replaced by; empty in images of 2022 and 2024, which drop them."""

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        """Refuse recipients at no host name; hand every other mail on."""
        if not expansion.reachable(envelope.recipients):
            raise await talk.bye(554, "No valid recipients")
        return self._hand_on

    async def rewritten(self, mail: Mail) -> bytes:
        """The content as it goes on. Raises LostError."""
        return mail.content

    async def _hand_on(self, mail: Mail) -> None:
        """Send to the one next server. ptt puts all recipients of a connection at one domain: the last."""
        groups = expansion.plan(
            mail.recipients,
            our_domain=name_of(self.domain),
            targets=self.targets,
            postmaster_domain=name_of(self.domain),
            mx_of=lambda _domain: "",
        ).groups
        try:
            content = hop.received(mail, by=self.name) + await self.rewritten(mail)
        except LostError as error:
            if str(error):
                self.console.write("error", f"mail lost: {error}")
            return
        way = self.following()
        if way is None:
            self.console.write("error", f"mail lost: {self.called} has never been running")
            return
        if not groups:
            self.console.write("warn", "mail dropped: no recipients are left")
        for group in groups:
            if group.mx:
                self.console.write("error", f"no connection to {group.mx}: the sandbox stays on this machine")
                continue
            try:
                await asyncio.to_thread(
                    hop.send,
                    way,
                    name=self.name,
                    sender=mail.sender,
                    recipients=group.recipients,
                    content=content,
                )
            except hop.HopError as error:
                self.console.write("error", f"mail lost on its way to {self.called}: {error}")
