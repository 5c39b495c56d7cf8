"""Questions to the primary, and signed changes, from a unikernel's own address: blocking, over TCP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.update

from tenants.formats.roles.kinds import key_zone
from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.names import Name
from workers.sandbox.dns_listener import DNS_PORT
from workers.sandbox.stack.unikernel import EndsError, Unikernel
from workers.zone.errors import NotSendable, ZoneError
from workers.zone.keys import parse_key, signer
from workers.zone.messages import dns_name
from workers.zone.server import Server
from workers.zone.transfer import Transferred, transfer

__all__ = ["Fill", "PrimaryTalk", "TalkError"]

TIMEOUT = 10.0  # seconds
Fill = Callable[[dns.update.UpdateMessage], None]


class TalkError(Exception):
    """The primary could not be reached, or refused; the text says which."""


@dataclass(frozen=True)
class PrimaryTalk:
    """A primary, and the key of whoever asks."""

    server: str
    port: int
    source: str
    origin: Name
    tsig: TsigKey = field(repr=False)

    @property
    def zone(self) -> dns.name.Name:
        """The zone that the key may update."""
        return dns_name(self.origin)

    @classmethod
    def of(cls, unikernel: Unikernel, port_option: str = "--dns-port") -> PrimaryTalk:
        """From the arguments `--dns-server`, `--dns-key` and the port, if it is not forgotten."""
        argument = unikernel.one("--dns-key")
        zone = key_zone(argument)
        option = unikernel.role.option(unikernel.era, port_option)
        port = DNS_PORT if option is None or option.ignored else int(unikernel.one(port_option, "53"))
        try:
            key = parse_key(argument)
        except (NotSendable, ValueError):
            raise EndsError("the DNS key cannot be used") from None
        if zone is None:
            raise EndsError("the DNS key may update no zone")
        return cls(
            *unikernel.world.primary_at(unikernel.one("--dns-server"), port), unikernel.here, zone, key
        )

    def about(self, zone: Name) -> PrimaryTalk:
        """The same about another zone that the key covers."""
        return replace(self, origin=zone)

    def records(self, name: str | dns.name.Name, kind: str) -> list[dns.rdata.Rdata]:
        """The records of a name; none: it has none, or does not exist. Raises TalkError."""
        reply = self._ask(dns.message.make_query(name, kind))
        if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise TalkError(f"{dns.rcode.to_text(reply.rcode())} from {self.server} for {name}")
        wanted = dns.rdatatype.from_text(kind)
        return [item for found in reply.answer if found.rdtype == wanted for item in found]

    def update(self, fill: Fill) -> None:
        """Make a signed change. Raises TalkError."""
        made = dns.update.UpdateMessage(self.zone)
        fill(made)
        made.use_tsig(signer(self.tsig))
        code = self._ask(made).rcode()
        if code != dns.rcode.NOERROR:
            raise TalkError(f"nsupdate of {self.zone} refused: {dns.rcode.to_text(code)}")

    def transfer(self) -> Transferred:
        """The whole zone. Raises TalkError."""
        server = Server(self.server, self.port, self._dial)
        try:
            return transfer(server, self.origin, self.tsig)
        except ZoneError as error:
            raise TalkError(error.sentence) from None

    def _dial(self, address: str, port: int, kind: socket.SocketKind, timeout: float) -> socket.socket:
        if kind != socket.SOCK_STREAM:
            raise OSError("over TCP only")
        return socket.create_connection((address, port), timeout, (self.source, 0))

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        try:
            return dns.query.tcp(message, self.server, TIMEOUT, self.port, source=self.source)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            raise TalkError(f"{type(error).__name__} at {self.server}:{self.port}") from None
