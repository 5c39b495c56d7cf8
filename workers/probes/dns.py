"""Does a name server answer a question. Over TCP: a port that another machine reaches has no datagrams."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from dns.rdtypes.ANY.SOA import SOA

from tenants.formats.text import printable
from workers.plug import Plug
from workers.probes.ports import PortDialer, dial_plug
from workers.probes.seen import Silent
from workers.zone.errors import ZoneError
from workers.zone.messages import read_reply
from workers.zone.outcomes import Asked
from workers.zone.server import Deadline, Dial, Server, opened

__all__ = ["DnsSeen", "ask_dns", "dns_dial"]

_MOST_RECORDS = 50


@dataclass(frozen=True)
class DnsSeen:
    """An answer: its code (`NOERROR`), its records of the kind that was asked for as text (at most 50), and
    the serial if there is an SOA among them."""

    code: str
    authoritative: bool
    records: tuple[str, ...] = ()
    serial: int | None = None


def ask_dns(
    dialer: PortDialer,
    place: tuple[IPv4Address, int],
    name: str,
    kind: str,
    *,
    recursion: bool = False,
    seconds: float = 4.0,
) -> DnsSeen | Silent:
    """Ask once, for at most `seconds`. Never raises for what the server does. Raises dnspython's errors for
    a name or kind that is none."""
    query = dns.message.make_query(name, kind)
    if not recursion:
        query.flags &= ~dns.flags.RD
    server = Server(str(place[0]), place[1], dns_dial(dialer))
    try:
        with opened(server, Deadline(seconds)) as stream:
            stream.send(query.to_wire())
            reply = read_reply(stream.receive(), query, Asked(str(server), f"{kind} {name}"))
    except TimeoutError:
        return Silent("it said nothing in time")
    except OSError as problem:
        return Silent(printable(problem.strerror or str(problem), 200))
    except ZoneError as problem:
        return Silent(printable(problem.sentence.removesuffix("."), 200))
    return _seen(reply, kind)


def dns_dial(dialer: PortDialer) -> Dial:
    """The way of `workers.zone` to name servers that a host reaches."""

    def dial(address: str, port: int, kind: socket.SocketKind, timeout: float) -> Plug:
        if kind != socket.SOCK_STREAM:
            raise OSError("over TCP only")
        return dial_plug(dialer, IPv4Address(address), port, timeout)

    return dial


def _seen(reply: dns.message.Message, kind: str) -> DnsSeen:
    wanted = dns.rdatatype.from_text(kind)
    items = [item for found in reply.answer if found.rdtype == wanted for item in found][:_MOST_RECORDS]
    serials = [item.serial for item in items if isinstance(item, SOA)]
    return DnsSeen(
        dns.rcode.to_text(reply.rcode()),
        bool(reply.flags & dns.flags.AA),
        tuple(printable(item.to_text(), 300) for item in items),
        serials[0] if serials else None,
    )
