"""Zones and what belongs to them."""

from __future__ import annotations

from ipaddress import ip_address

from tenants.formats.by_hand import dns
from tenants.formats.by_hand.dkim import signing_key_commands
from tenants.formats.by_hand.shell import comment
from tenants.formats.zones.commands import GitPlace, git_commands, nsupdate_commands
from tenants.formats.zones.names import Name
from tenants.formats.zones.zone import Zone as Content
from tenants.models import RecordSet, SecondaryServer, SigningKey, TsigKey, Zone
from tenants.zone_contents import content_of, is_updated, origin_of, records_of

MOST_SETS = 60
"""A longer zone is a file to download; what stands on a page should be read."""


def zone_by_hand(zone: Zone, rows: list[RecordSet] | None = None) -> str:
    """Publish all of it, and look at what is served."""
    address, port = server_of(zone)
    looked = dns.zone_look_commands(address, port, origin_of(zone))
    shown = list(zone.record_sets.filter(absent=False)[: MOST_SETS + 1]) if rows is None else rows
    if len(shown) > MOST_SETS:
        return "\n".join([comment("Export has the lines that publish all of it. What is served:"), looked])
    return "\n".join([_published(zone, content_of(zone, shown)).rstrip("\n"), looked])


def _published(zone: Zone, content: Content) -> str:
    place = git_place(zone)
    if place is not None:
        return git_commands(content, place)
    return nsupdate_commands(content, *server_of(zone))


def server_of(zone: Zone) -> tuple[str, int]:
    """Address and port of the primary that has the zone."""
    if is_updated(zone) and zone.target.update_server is not None:
        return zone.target.update_server.address, zone.target.update_server.port
    primary = getattr(zone.target.repository, "primary", None)
    return (primary.address, primary.port) if primary is not None else ("127.0.0.1", 53)


def git_place(zone: Zone) -> GitPlace | None:
    """None for a zone that a conventional server holds."""
    repository = zone.target.repository
    return (
        GitPlace(repository.remote, repository.branch, *server_of(zone)) if repository is not None else None
    )


def record_set_by_hand(zone: Zone, row: RecordSet | None, owner: str, kind: str) -> str:
    """Make one set what Rookery has, or take away what it has not."""
    address, port = server_of(zone)
    origin = origin_of(zone)
    try:
        if row is None or row.absent:
            return dns.remove_record_set_commands(address, port, origin, Name.of(owner), kind)
        return dns.record_set_commands(address, port, origin, records_of(row))
    except ValueError as error:  # a FormatError is one
        return comment(str(error))


def tsig_key_by_hand(zone: Zone, key: TsigKey) -> str:
    """Make the key anew in zone.git, or take it away; and the file that dig and nsupdate take."""
    place, name = git_place(zone), Name.of(key.name)
    if place is None:
        return ""
    if key.removed:
        return dns.remove_key_commands(place, origin_of(zone), name)
    where = f"the last word of the line of {key.name} in {dns.file_of(name)} of zone.git"
    file = dns.key_file_commands(key.name, key.algorithm, where)
    if key.own:  # with another secret Rookery would be shut out
        return "\n".join([comment("A file for dig and nsupdate:"), file])
    made = dns.make_key_commands(place, origin_of(zone), name, key.algorithm)
    return "\n".join([comment("A file for dig and nsupdate:"), file, comment("A new secret for it:"), made])


def secondary_by_hand(zone: Zone, server: SecondaryServer) -> str:
    host, address = Name.of(server.host), ip_address(server.address)
    return dns.secondary_commands(server_of(zone), origin_of(zone), host, address)


def signing_key_by_hand(key: SigningKey) -> str:
    return signing_key_commands(key.selector, key.domain.name, key.algorithm)
