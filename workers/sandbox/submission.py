"""The submission server of one domain: the door by which people's mail programs send.

As ptt's (80411d4): TLS from the first byte, AUTH PLAIN with the local part, users read only when it boots,
any envelope sender allowed after the login, everything handed on to one fixed server.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from workers.sandbox import login
from workers.sandbox.handing import Following, Handing
from workers.sandbox.listener import Console
from workers.sandbox.smtp import Conversation, Limits, SmtpServer
from workers.sandbox.users import Table


class Submission(Handing):
    """One boot of the server: it keeps the table it was given and never looks at the repository again."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        domain: str,
        table: Table,
        tls: ssl.SSLContext,
        following: Following,
        called: str = "the relay",
        name: str = "",
        console: Console,
        limits: Limits | None = None,
        on_death: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(
            host=host,
            port=port,
            name=name or domain,
            console=console,
            tls=tls,
            limits=limits,
            on_death=on_death,
        )
        self.extensions = (*SmtpServer.extensions, "AUTH PLAIN")
        self.domain, self.following, self.called, self._table = domain, following, called, table

    async def authenticate(self, talk: Conversation) -> None:
        """AUTH PLAIN before anything else."""
        await login.authenticate(talk, digests=self._table.digests, console=self.console)
