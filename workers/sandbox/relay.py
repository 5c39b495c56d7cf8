"""The relay of one domain: gives mail for its users to their targets, and takes mail from outside (it is
the MX).

As ptt's (80411d4): targets read only when it boots, replaced once, unknown local parts accepted and dropped
without a word, no queue, no bounce. "The Internet" is a folder of Maildirs; a domain that the sandbox
serves itself is reached through its own MX.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tenants.formats.forward_path import ForwardPath
from workers.sandbox import expansion, hop
from workers.sandbox.listener import Console
from workers.sandbox.maildirs import MailStore
from workers.sandbox.mailroom import address_of, keep
from workers.sandbox.paths import BadHostError, domain_text, name_of, text
from workers.sandbox.smtp import Conversation, Envelope, Limits, Mail, ServerDiesError, SmtpServer
from workers.sandbox.users import Table

#: The way to where a group of recipients is served; None for the rest of the world: kept as by the mailroom.
Route = Callable[[expansion.Group], hop.Way | None]


def nowhere(_group: expansion.Group) -> None:
    """The route of a relay that stands alone."""


class Relay(SmtpServer):
    """One boot of the relay: it keeps the table that it was given and never looks at the repository again."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        domain: str,
        table: Table,
        store: MailStore | None,
        console: Console,
        postmaster_domain: str = "",
        mx_of: expansion.MxOf = expansion.own_mx,
        route: Route = nowhere,
        limits: Limits | None = None,
        on_death: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(host=host, port=port, name=domain, console=console, limits=limits, on_death=on_death)
        self._table, self._store, self._mx_of, self._route = table, store, mx_of, route
        self._domain, self._postmaster_domain = name_of(domain), name_of(postmaster_domain or domain)

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        """Find the targets when DATA comes, as ptt does; a target at no host name raises where nobody
        catches it."""
        if not expansion.reachable(envelope.recipients):
            raise await talk.bye(554, "No valid recipients")
        try:
            plan = await asyncio.to_thread(  # it may ask a resolver, which may run in this loop
                expansion.plan,
                envelope.recipients,
                our_domain=self._domain,
                targets=self._table.targets,
                postmaster_domain=self._postmaster_domain,
                mx_of=self._mx_of,
            )
        except BadHostError as error:
            raise ServerDiesError(f'Invalid_argument("{error}")') from None
        self._note_unknown(envelope.recipients)
        for domain in plan.unreachable:
            self.console.write("error", f"{domain} is unreachable (no MX information)")
        sender = expansion.sender_for(
            envelope.recipients, our_domain=self._domain, targets=self._table.targets
        )

        async def deliver(mail: Mail) -> None:
            for group in plan.groups:
                await self._deliver(mail, group, mail.sender if sender is None else sender)

        return deliver

    def _note_unknown(self, recipients: list[ForwardPath]) -> None:
        for path in recipients:
            ours = path.kind == "path" and domain_text(path.domain).lower() == self.name.lower()
            if ours and not self._table.targets.get(path.words):
                self.console.write("error", f"{text(path)} not found into our local map")

    async def _deliver(self, mail: Mail, group: expansion.Group, sender: ForwardPath | None) -> None:
        content = hop.received(mail, by=self.name) + mail.content
        way = self._route(group)
        if way is None and self._store is not None:
            traced = Mail(mail.helo, mail.sender, mail.recipients, content)
            for address in dict.fromkeys(address_of(path) for path in group.recipients):
                await keep(self._store, self.console, traced, sender=sender, address=address)
            return
        if way is None:
            self.console.write("error", f"mail to {domain_text(group.domain)} lost: no way there")
            return
        try:
            await asyncio.to_thread(
                hop.send, way, name=self.name, sender=sender, recipients=group.recipients, content=content
            )
        except hop.HopError as error:
            self.console.write("error", f"mail to {domain_text(group.domain)} lost: {error}")
