"""What relay and receiver ask their resolver, over TCP: blocking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.txtbase import TXTBase

from tenants.formats.mail_checks.reading import Answer, Lookup, NotAsked, Question, Reading, Said, Status
from tenants.formats.mail_checks.spf_record import verdict
from workers.sandbox.dns_listener import DNS_PORT
from workers.sandbox.stack.realm import real_port
from workers.sandbox.stack.unikernel import Unikernel

__all__ = ["Lookups"]

TIMEOUT = 5.0  # seconds
_ROUNDS = 20
_RESULTS = {"unknown": "temperror"}


@dataclass(frozen=True)
class Lookups:
    """A resolver, asked from one of our own addresses; None: the image's default, which nobody here is."""

    server: str | None
    port: int
    source: str

    @classmethod
    def of(cls, unikernel: Unikernel) -> Lookups:
        """From `--nameserver=tcp:ADDRESS[:PORT]`, unless this generation forgets it."""
        option = unikernel.role.option(unikernel.era, "--nameserver")
        given = unikernel.one("--nameserver") if option and not option.ignored else ""
        _, _, place = given.partition("!")[0].partition(":")
        address, _, port = place.partition(":")
        server = unikernel.world.realm.here(address) if address else None
        return cls(server, real_port(int(port or DNS_PORT)), unikernel.here)

    def ask(self, question: Lookup) -> Said:
        """Never raises."""
        if self.server is None:
            return Said(Status.FAILED, problem="no resolver is reached")
        try:
            query = dns.message.make_query(question.name, question.kind)
            reply = dns.query.tcp(query, self.server, TIMEOUT, self.port, source=self.source)
        except (OSError, EOFError, ValueError, dns.exception.DNSException) as error:
            return Said(Status.FAILED, problem=type(error).__name__)
        if reply.rcode() == dns.rcode.NXDOMAIN:
            return Said(Status.NO_NAME)
        if reply.rcode() != dns.rcode.NOERROR:
            return Said(Status.FAILED, problem=dns.rcode.to_text(reply.rcode()))
        wanted = dns.rdatatype.from_text(question.kind)
        found = tuple(_text(item) for each in reply.answer if each.rdtype == wanted for item in each)
        return Said(Status.DATA if found else Status.NO_DATA, found)

    def exchanger(self, domain: str) -> str | None:
        """The IPv4 address of a domain's best mail server; None: ptt does not deliver. No MX, no mail."""
        best = sorted(
            (int(preference), host)
            for preference, _, host in (
                each.partition(" ") for each in self.ask(Lookup(domain, "MX")).records
            )
            if host
        )
        for _, host in best[:10]:
            if addresses := self.ask(Lookup(host, "A")).records:
                return addresses[0]
        return None

    def spf(self, domain: str, address: str) -> str:
        """What SPF says of mail from an address (RFC 7208 §2.6)."""
        answers: dict[Question, Answer] = {}
        for _ in range(_ROUNDS):
            try:
                found = verdict(domain, address, Reading(datetime.now(UTC), answers))
            except NotAsked as missing:
                answers |= {each: self.ask(each) for each in missing.questions if isinstance(each, Lookup)}
            else:
                return _RESULTS.get(found, found)
        return "permerror"


def _text(item: dns.rdata.Rdata) -> str:
    if isinstance(item, MX):
        return f"{item.preference} {item.exchange.to_text(omit_final_dot=True).lower()}"
    if isinstance(item, TXTBase):
        return b"".join(item.strings).decode("latin-1")
    return item.to_text().lower().removesuffix(".")
