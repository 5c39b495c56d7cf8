"""The submission server of one domain: the door by which people's mail programs send.

As ptt's (80411d4): TLS from the first byte, AUTH PLAIN with the local part, users read only when it boots,
any envelope sender allowed after the login, everything handed on to one fixed server. That one is the relay
itself: this sandbox has no DKIM signer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from workers.sandbox import expansion, hop, login
from workers.sandbox.listener import Console
from workers.sandbox.paths import name_of
from workers.sandbox.smtp import Conversation, Envelope, Limits, Mail, SmtpServer
from workers.sandbox.users import Table


class Submission(SmtpServer):
    """One boot of the server: it keeps the table it was given and never looks at the repository again."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        domain: str,
        table: Table,
        tls: ssl.SSLContext,
        relay: Callable[[], tuple[str, int] | None],
        console: Console,
        limits: Limits | None = None,
        on_death: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(
            host=host, port=port, name=domain, console=console, tls=tls, limits=limits, on_death=on_death
        )
        self.extensions = (*SmtpServer.extensions, "AUTH PLAIN")
        self._table, self._relay = table, relay

    async def authenticate(self, talk: Conversation) -> None:
        """AUTH PLAIN before anything else."""
        await login.authenticate(talk, digests=self._table.digests, console=self.console)

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        """Refuse recipients at no host name; hand every other mail on."""
        if not expansion.reachable(envelope.recipients):
            raise await talk.bye(554, "No valid recipients")
        return self._hand_on

    async def _hand_on(self, mail: Mail) -> None:
        """Send to the one next server. ptt puts all recipients of a connection at one domain: the last."""
        groups = expansion.plan(
            mail.recipients,
            our_domain=name_of(self.name),
            targets=None,
            postmaster_domain=name_of(self.name),
            mx_of=lambda _domain: "",
        ).groups
        content = hop.received(mail, by=self.name) + mail.content
        relay = self._relay()
        if relay is None:
            self.console.write("error", "mail lost: the relay has never been running")
            return
        for group in groups:
            if group.mx:
                self.console.write("error", f"no connection to {group.mx}: the sandbox stays on this machine")
                continue
            try:
                await asyncio.to_thread(
                    hop.send,
                    *relay,
                    name=self.name,
                    sender=mail.sender,
                    recipients=group.recipients,
                    content=content,
                )
            except hop.HopError as error:
                self.console.write("error", f"mail lost on its way to the relay: {error}")
            else:
                self.console.write("info", f"mail for {len(group.recipients)} recipients handed to the relay")
