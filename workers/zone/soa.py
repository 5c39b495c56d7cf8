"""Which version of a zone a server serves: the only proof that a push, a NOTIFY or an UPDATE has worked."""

from __future__ import annotations

from dataclasses import dataclass

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from tenants.formats.text import FormatError
from tenants.formats.zones.bind.rdata import data_from_rdata
from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Soa
from workers.zone.errors import Garbled, Unreachable
from workers.zone.messages import dns_name, read_reply
from workers.zone.outcomes import Asked
from workers.zone.server import Deadline, Server, datagram, opened, reason

__all__ = ["Served", "served_serial"]

_UDP_SHARE = 0.4
_NOT_HERE = {"NOTAUTH", "REFUSED"}


@dataclass(frozen=True)
class Served:
    """What a server answers about a zone. `serial` and `soa` are None when it gave no SOA of that very name;
    `rcode` is the answer's (NOTAUTH: ptt's primary does not serve the zone); `authoritative` is false for
    answers from a cache, which prove nothing."""

    rcode: str
    authoritative: bool = False
    soa: Soa | None = None

    @property
    def serial(self) -> int | None:
        return self.soa.serial if self.soa else None

    @property
    def dropped(self) -> bool:
        """Whether the server says that it has no such zone: NOTAUTH (ptt) or REFUSED (others)."""
        return self.soa is None and self.rcode in _NOT_HERE


def served_serial(server: Server, zone: Name, *, timeout: float = 6.0) -> Served:
    """Ask for the SOA of `zone`, unsigned (ptt's primary takes whoever signs it for a secondary): over UDP,
    and over TCP when the answer was cut or none came; `timeout` seconds in all.

    A server that does not serve the zone is an answer, not an error. Raises Unreachable and Garbled.
    """
    deadline = Deadline(timeout)
    asked = Asked.about(server, "SOA", zone)
    query = dns.message.make_query(dns_name(zone), dns.rdatatype.SOA)
    query.flags &= ~dns.flags.RD
    wire = query.to_wire()

    def ours(answer: bytes) -> bool:
        try:
            read_reply(answer, query, asked)
        except Garbled:
            return False
        return True

    try:
        answer = datagram(server, wire, deadline.at_most(timeout * _UDP_SHARE), ours)
    except OSError:
        answer = b""
    reply = read_reply(answer, query, asked) if answer else None
    if reply is None or reply.flags & dns.flags.TC:
        reply = read_reply(_by_tcp(server, wire, deadline), query, asked)
    return _served(reply, query)


def _by_tcp(server: Server, wire: bytes, deadline: Deadline) -> bytes:
    try:
        with opened(server, deadline) as stream:
            stream.send(wire)
            return stream.receive()
    except OSError as problem:
        raise Unreachable(f"{server} did not answer: {reason(problem)}.") from problem


def _served(reply: dns.message.Message, query: dns.message.Message) -> Served:
    code = dns.rcode.to_text(reply.rcode())
    authoritative = bool(reply.flags & dns.flags.AA)
    if reply.rcode() != dns.rcode.NOERROR:
        return Served(code, authoritative)
    name = query.question[0].name
    for found in reply.answer:
        if (found.name, found.rdclass, found.rdtype) == (name, dns.rdataclass.IN, dns.rdatatype.SOA):
            try:
                data = data_from_rdata(found[0])
            except (FormatError, ValueError):
                raise Garbled("The server's SOA cannot be read.") from None
            if isinstance(data, Soa):
                return Served(code, authoritative, data)
    return Served(code, authoritative)
