"""Secondary name servers of a zone: their NS record, address, and the key with which they fetch it."""

from __future__ import annotations

import ipaddress

from django.db import transaction

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock_kept
from tenants.actions.record_sets import RecordChange, change_record_sets
from tenants.actions.reversals import final
from tenants.actions.tsig_keys import NewKey, insert_key
from tenants.actions.zone_repositories import check_server_address
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Problem
from tenants.formats.addresses import check_host_name
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.names import Name
from tenants.models import SecondaryServer, TsigKey, Zone
from tenants.name_servers import FOLLOWS_WITHIN, ask_servers_soon
from tenants.zone_contents import is_updated, origin_of


@transaction.atomic
def add_secondary(
    *, actor: Actor, zone: Zone, host: str, address: str, transfer: str = SecondaryServer.Transfer.KEY
) -> tuple[SecondaryServer, NewKey | None]:
    """Add a name server that copies the zone: an NS record, its address, and, if wanted, its key.

    The key's name tells the primary whom to notify (IPv4 only). The secret is told once.
    """
    access.require(actor, access.Verb.CHANGE, zone)
    checks = Checks()
    with checks:
        host = check_host_name(host.strip(), field="host")
    with checks:
        address = check_server_address(address)
    with checks:
        if transfer not in SecondaryServer.Transfer.values:
            raise FormatError("transfer", f"“{printable(transfer, 40)}” is no choice.", "Choose key or open.")
    checks.finish()
    lock_kept(zone)
    if is_updated(zone):
        raise Conflict(
            f"Who copies {zone} is set up at its own name server. Change its NS records here as record sets."
        )
    if zone.secondaries.filter(host=host).exists():
        raise Conflict(f"{host} is a secondary of {zone} already.")
    changes = _with_server(zone, host, address)
    if changes:
        change_record_sets(actor=actor, zone=zone, changes=changes)
    new = _transfer_key(zone, host, address) if transfer == SecondaryServer.Transfer.KEY else None
    server = SecondaryServer.objects.create(
        zone=zone, host=host, address=address, transfer=transfer, key=new.row if new else None
    )
    ask_servers_soon(zone, FOLLOWS_WITHIN)
    record(
        actor,
        "add_secondary",
        host,
        f"{host} copies {zone} from now on.",
        domain=zone.domain,
        target=zone.target,
        after={"host": host, "address": address, "transfer": transfer},
    )
    return server, new


def _transfer_key(zone: Zone, host: str, address: str) -> NewKey:
    """`P.P.P.P.S.S.S.S._transfer.<zone>` makes the primary notify S; only IPv4 fits into it."""
    repository = zone.target.repository
    assert repository is not None  # noqa: S101 - of every zone repository
    label = f"{host.partition('.')[0]}-{len(zone.tsig_keys.all()) + 1}"
    pair = (repository.primary.address, address)
    if all(ipaddress.ip_address(each).version == 4 for each in pair):
        label = ".".join(pair)
    return insert_key(repository, zone, label, TsigKey.Right.TRANSFER, zone.target.generation)


def _with_server(zone: Zone, host: str, address: str) -> list[RecordChange]:
    """The changes that add its NS, and its address where it is not there."""
    changes = []
    servers = zone.record_sets.filter(owner=zone.name, type="NS", absent=False).first()
    if servers is None or f"{host}." not in servers.data:
        listed = tuple(servers.data) if servers else ()
        ttl = servers.ttl if servers else None
        changes.append(RecordChange("@", "NS", (*listed, f"{host}."), ttl))
    kind = "AAAA" if ":" in address else "A"
    known = zone.record_sets.filter(owner=host, type=kind, absent=False).first()
    if known is None:
        changes.append(RecordChange(f"{host}.", kind, (address,)))
    elif address not in known.data:
        raise Conflict(
            f"{host} has another address in {zone}: {', '.join(known.data)}.",
            [Problem("address", f"{host} has another address already.", "Correct one of the two.")],
        )
    return changes


@transaction.atomic
def remove_secondary(*, actor: Actor, server: SecondaryServer) -> None:
    """Remove a name server with its NS record, its glue and its key; addresses in the zone stay."""
    zone = server.zone
    access.require(actor, access.Verb.CHANGE, zone)
    lock_kept(zone)
    changes = []
    servers = zone.record_sets.filter(owner=zone.name, type="NS", absent=False).first()
    if servers is not None and f"{server.host}." in servers.data:
        left = tuple(each for each in servers.data if each != f"{server.host}.")
        changes.append(RecordChange("@", "NS", left, servers.ttl))
    if not Name.of(server.host).within(origin_of(zone)):
        glue = zone.record_sets.filter(owner=server.host, type__in=("A", "AAAA"), absent=False)
        changes += [RecordChange(f"{row.owner}.", row.type) for row in glue]
    key = server.key
    server.delete()
    zone.server_answers.filter(host=server.host, primary=False).delete()
    if changes:
        change_record_sets(actor=actor, zone=zone, changes=changes)
    if key is not None:
        key.removed, key.generation = True, zone.target.generation
        key.save(update_fields=["removed", "generation"])
    record(
        actor,
        "remove_secondary",
        server.host,
        f"{server.host} does not copy {zone} any more. It keeps what it has until it is told there too.",
        domain=zone.domain,
        target=zone.target,
        before={"host": server.host, "address": server.address, "transfer": server.transfer},
    )


final("Remove the server instead; its key is withdrawn then.", "add_secondary")
final("Add the server anew: its old key was withdrawn.", "remove_secondary")
