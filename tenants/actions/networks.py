"""Networks of an organization's part of a host."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.firewalls import keep_apart
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.formats.networks import check_network
from tenants.formats.unikernels import check_bridge
from tenants.models import HostShare, Network


@transaction.atomic
def add_network(
    *,
    actor: Actor,
    share: HostShare,
    bridge: str,
    subnet: str,
    gateway: str = "",
    first: str = "",
    last: str = "",
) -> Network:
    """Give a bridge of the host, with its subnet and addresses, to one organization alone."""
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, share.host)
    with Checks() as checks:
        bridge = check_bridge(bridge.strip())
    with checks:
        plan = check_network(subnet, gateway=gateway, first=first, last=last)
    checks.finish()
    lock(share.host)
    try:
        with transaction.atomic():
            row = Network.objects.create(share=share, host=share.host, bridge=bridge, **plan)
    except IntegrityError as error:
        raise Conflict(
            f"The bridge {bridge} of {share.host} has its network already. Tenants never share a bridge."
        ) from error
    outbox.mark([share.sync_target, *keep_apart(share.host)])
    record(
        actor,
        "add_network",
        row,
        f"{share.organization} got the network {row} on {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after={"bridge": bridge, **plan},
    )
    return row


@transaction.atomic
def remove_network(*, actor: Actor, network: Network) -> None:
    """Take a network back that nobody uses."""
    share = network.share
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, share.host)
    lock(share.host)
    lock(share)  # Who makes a unikernel or a stack there holds it.
    users = [row.name for row in share.unikernels.all() if any(pk == network.pk for _, pk in row.networks)]
    users += [str(row) for row in network.stacks.select_related("domain")]
    if users:
        raise Conflict(f"{', '.join(users[:5])} uses this network. Change that first.")
    before = {"bridge": network.bridge, "subnet": network.subnet}
    name = str(network)
    network.delete()
    outbox.mark([share.sync_target, *keep_apart(share.host)])
    record(
        actor,
        "remove_network",
        name,
        f"The network {name} on {share.host} was taken back.",
        organization=share.organization,
        target=share.sync_target,
        before=before,
    )


final("Take the network back instead.", "add_network")
final("Add the network again instead.", "remove_network")
