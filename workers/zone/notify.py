"""NOTIFY (RFC 1996): asks a primary of ptt's to pull its repository, or a secondary to look at a zone."""

from __future__ import annotations

from dataclasses import dataclass

import dns.flags
import dns.message
import dns.opcode
import dns.rdatatype

from tenants.formats.zones.names import Name
from workers.zone.errors import Unproved, Unreachable
from workers.zone.keys import TsigKey, signer
from workers.zone.messages import dns_name, proved_reply
from workers.zone.outcomes import Asked
from workers.zone.server import Deadline, Server, opened, reason

__all__ = ["Notified", "notify"]


@dataclass(frozen=True)
class Notified:
    """The server answered NOERROR; `signed` tells whether it signed that with our key.

    It proves nothing: ptt's primary says so too when it did not pull (the key is of another zone, the pull
    failed) and when it no longer serves the zone. Ask for the serial (`served_serial`).
    """

    signed: bool


def notify(server: Server, zone: Name, key: TsigKey | None, *, timeout: float = 60.0) -> Notified:
    """Send one NOTIFY for `zone` over TCP, signed with `key`, and wait for the answer.

    ptt's primary pulls and loads all its zones before it answers (1000 zones take 3 seconds, 4000 take 80),
    so one NOTIFY is enough after a push that touches many; it ignores one that is not signed, or by a key
    that covers another zone, and says NOERROR all the same. Raises BadKey, BadSignature, ClockSkew and other
    Refusals, Unreachable (it may have been heard nevertheless; to repeat it does no harm), Garbled, Unproved
    and NotSendable.
    """
    deadline = Deadline(timeout)
    asked = Asked.about(server, "NOTIFY", zone)
    message = dns.message.make_query(dns_name(zone), dns.rdatatype.SOA)
    message.flags = dns.opcode.to_flags(dns.opcode.NOTIFY) | dns.flags.AA
    signing = signer(key) if key else None
    if signing:
        message.use_tsig(signing)
    wire = message.to_wire()
    try:
        with opened(server, deadline) as stream:
            stream.send(wire)
            answer = stream.receive()
    except OSError as problem:
        raise Unreachable(f"{server} did not answer the NOTIFY: {reason(problem)}.") from problem
    try:
        proved_reply(answer, message, signing, asked)
    except Unproved:
        proved_reply(answer, message, None, asked)
        return Notified(signed=False)
    return Notified(signed=signing is not None)
