"""The mail server in front of the sandbox's others: what ptt's servers need in the open.

It speaks TLS with a certificate for every name that leads to it, takes mail for domains that the sandbox
serves and for no others, and hands it to their relays. Any zone may name it as its mail server.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset

from tenants.formats.exchanges import is_host
from tenants.formats.forward_path import ForwardPath
from workers.sandbox import hop
from workers.sandbox.certificates import Authority
from workers.sandbox.delegation import Resolved
from workers.sandbox.listener import Console
from workers.sandbox.paths import domain_text
from workers.sandbox.smtp import Conversation, Envelope, Limits, Mail, SmtpServer
from workers.sandbox.starting_tls import begin_tls

__all__ = ["Certificates", "Door"]

NAME = "door.sandbox.example"
_MOST_CERTIFICATES = 500
Resolve = Callable[[dns.name.Name, dns.rdatatype.RdataType], Resolved | None]


class Certificates:
    """A TLS server context that shows a certificate for the name that is asked for, if that name leads to
    `host`: as an authority on the Internet would look before it issued one."""

    def __init__(self, authority: Authority, host: str, resolve: Resolve) -> None:
        self._authority, self._host, self._resolve = authority, host, resolve
        self._issued: dict[str, ssl.SSLContext] = {}
        self.context = authority.server_context([NAME], host)
        self.context.sni_callback = self._choose

    def _choose(self, talk: ssl.SSLObject, asked: str | None, _before: ssl.SSLContext) -> None:
        name = (asked or "").lower()
        if name not in self._issued and len(self._issued) < _MOST_CERTIFICATES and self._leads_here(name):
            self._issued[name] = self._authority.server_context([name], self._host)
        talk.context = self._issued.get(name, self.context)

    def _leads_here(self, name: str) -> bool:
        try:
            found = self._resolve(dns.name.from_text(f"{name}."), dns.rdatatype.A) if is_host(name) else None
        except dns.exception.DNSException:
            return False
        return found is not None and self._host in _addresses(found.answer)


def _addresses(answer: list[dns.rrset.RRset]) -> list[str]:
    return [str(item.address) for found in answer if found.rdtype == dns.rdatatype.A for item in found]


class Door(SmtpServer):
    """`exchanger` gives the relay of a domain that is served here."""

    extensions = (*SmtpServer.extensions, "STARTTLS")

    def __init__(
        self,
        address: tuple[str, int],
        authority: Authority,
        resolve: Resolve,
        exchanger: Callable[[str], tuple[str, int] | None],
        limits: Limits | None = None,
    ) -> None:
        host, port = address
        super().__init__(host=host, port=port, name=NAME, console=Console("door"), limits=limits)
        self._certificate = Certificates(authority, host, resolve).context
        self._exchanger = exchanger

    async def authenticate(self, talk: Conversation) -> None:
        """No mail comes in clear text."""
        await begin_tls(self, talk, self._certificate)

    def takes(self, recipient: ForwardPath) -> bool:
        return self._exchanger(domain_text(recipient.domain).lower()) is not None

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        del talk, envelope  # every recipient was judged when it was named
        return self._hand_on

    async def _hand_on(self, mail: Mail) -> None:
        content = hop.received(mail, by=self.name) + mail.content
        for domain, recipients in _by_domain(mail.recipients).items():
            relay = self._exchanger(domain)
            if relay is None:
                continue
            try:
                await asyncio.to_thread(
                    hop.send,
                    hop.Way(*relay),
                    name=self.name,
                    sender=mail.sender,
                    recipients=recipients,
                    content=content,
                )
            except hop.HopError as error:
                self.console.write("error", f"mail lost on its way to the relay of {domain}: {error}")
            else:
                self.console.write("info", f"mail handed to the relay of {domain}")


def _by_domain(recipients: tuple[ForwardPath, ...]) -> Mapping[str, list[ForwardPath]]:
    found: dict[str, list[ForwardPath]] = {}
    for each in recipients:
        found.setdefault(domain_text(each.domain).lower(), []).append(each)
    return found
