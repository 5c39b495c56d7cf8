"""The sandbox's resolver: DNS over UDP and TCP on a loopback address, from the view in `names`."""

from __future__ import annotations

from typing import Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from workers.sandbox.delegation import Resolved
from workers.sandbox.dns_listener import DnsListener
from workers.sandbox.listener import Console
from workers.sandbox.names import HostedView
from workers.sandbox.primary.answers import wire_of

TTL = 60


class Zones(Protocol):
    """The part of the world that has real zones."""

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        """What there is at a name; None when it lies in no such zone."""


def reply_to(wire: bytes, view: HostedView, zones: Zones | None = None) -> bytes | None:
    """The answer to one message; None for what is no question."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    if query.flags & dns.flags.QR:
        return None
    answer = dns.message.make_response(query, recursion_available=True)
    question = query.question[0] if len(query.question) == 1 else None
    if query.opcode() != dns.opcode.QUERY or question is None or question.rdclass != dns.rdataclass.IN:
        answer.set_rcode(dns.rcode.NOTIMP)
        return answer.to_wire()
    kind = dns.rdatatype.to_text(question.rdtype)
    if zones is not None and (found := zones.resolve(question.name, question.rdtype)) is not None:
        answer.set_rcode(found.code)
        answer.answer, answer.authority = found.answer, found.authority
        return wire_of(answer)
    try:
        said = view.ask(question.name.to_text(omit_final_dot=True).lower(), kind)
        answer.set_rcode(dns.rcode.from_text(said.code.value))
        if said.records:
            answer.answer.append(dns.rrset.from_text_list(question.name, TTL, "IN", kind, list(said.records)))
        return answer.to_wire()
    except dns.exception.DNSException:  # a name too long to have a mail server below it
        return dns.message.make_response(query, our_payload=512).to_wire()


class Resolver:
    """Runs in the sandbox's loop; ports are those of DnsListener. `zones` answers first."""

    def __init__(
        self, *, host: str, port: int, view: HostedView, console: Console, zones: Zones | None = None
    ) -> None:
        self.console = console
        self._view, self._zones = view, zones
        self._listener = DnsListener(host, port, self._handle)

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def port(self) -> int:
        return self._listener.port

    async def listen(self) -> None:
        """Raises OSError when the address is taken."""
        await self._listener.listen()
        self.console.write("info", f"answers at {self.host}:{self.port}")

    async def close(self) -> None:
        await self._listener.close()

    async def _handle(self, wire: bytes, source: str, udp: bool) -> list[bytes]:
        del source, udp
        answer = reply_to(wire, self._view, self._zones)
        return [answer] if answer is not None else []
