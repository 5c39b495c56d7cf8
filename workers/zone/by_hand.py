"""The same by hand: what a person types into nsupdate and dig. No secret is in any of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tenants.formats.zones.commands import nsupdate_lines
from tenants.formats.zones.names import Name
from workers.zone.messages import BROKEN
from workers.zone.server import Server
from workers.zone.update import Change, Requirement, update_message

__all__ = ["dig_serial", "notify_command", "nsupdate_script"]


def nsupdate_script(
    server: Server, zone: Name, changes: Sequence[Change], requirements: Sequence[Requirement] = ()
) -> str:
    """Return the lines for `nsupdate -v -k FILE` that make exactly the message that `update` sends.

    Raises NotSendable as `update` does.
    """
    message = update_message(zone, changes, requirements)
    lines = [line for found in message.prerequisite for line in _prerequisite(found)]
    lines += [line for found in message.update for line in _change(found)]
    return nsupdate_lines(server.address, server.port, zone, [lines])


def dig_serial(server: Server, zone: Name) -> str:
    """Return the command that shows which version is served."""
    return shlex.join(["dig", f"@{server.address}", *_port(server), "+norecurse", zone.short, "SOA"])


def notify_command(server: Server, zone: Name) -> str:
    """Return the command that sends the NOTIFY, with the key in a file."""
    words = ["+opcode=notify", "+tcp", "+timeout=60", "-k", "FILE", zone.short, "SOA"]
    return shlex.join(["dig", f"@{server.address}", *_port(server), *words])


def _port(server: Server) -> list[str]:
    return [] if server.port == 53 else ["-p", str(server.port)]


def _prerequisite(found: dns.rrset.RRset) -> list[str]:
    name, kind = str(found.name), dns.rdatatype.to_text(found.rdtype)
    if found.rdclass == dns.rdataclass.NONE:
        return [f"prereq nxrrset {name} {kind}"]
    return [f"prereq yxrrset {name} {kind} {_readable(rdata)}" for rdata in found]


def _readable(rdata: dns.rdata.Rdata) -> str:
    """The data as people write them, if that says the very same bytes."""
    wire = rdata.to_wire() or b""
    try:
        known = dns.rdata.from_wire(dns.rdataclass.IN, rdata.rdtype, wire, 0, len(wire))
        text = known.to_text()
        same = dns.rdata.from_text(dns.rdataclass.IN, rdata.rdtype, text).to_wire() == wire
    except BROKEN:
        same = False
    return text if same else rdata.to_text()


def _change(found: dns.rrset.RRset) -> list[str]:
    name, kind = str(found.name), dns.rdatatype.to_text(found.rdtype)
    if found.deleting == dns.rdataclass.ANY:
        return [f"update delete {name} {kind}"]
    if found.deleting == dns.rdataclass.NONE:
        return [f"update delete {name} {kind} {rdata.to_text()}" for rdata in found]
    return [f"update add {name} {found.ttl} {kind} {rdata.to_text()}" for rdata in found]
