"""Public addresses of a host: given to an organization by those who run it, used by one domain's mail."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network

from django.conf import settings
from django.db import IntegrityError, transaction

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.text import printable
from tenants.models import HostShare, PublicAddress, Stack


@transaction.atomic
def add_public_address(*, actor: Actor, share: HostShare, address: str) -> PublicAddress:
    """Give one organization an address at which the Internet reaches the host, as the host itself has it."""
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, share.host)
    place = _checked(address)
    lock(share.host)
    for network in share.host.networks.all():
        if place in IPv4Network(network.subnet):
            said = f"{place} is on the network {network}, behind the host."
            raise Invalid.of("address", said, "Write an address that the Internet reaches.")
    try:
        with transaction.atomic():
            row = PublicAddress.objects.create(share=share, host=share.host, address=str(place))
    except IntegrityError as error:
        raise Conflict(f"{place} of {share.host} is given already. Take it back there first.") from error
    record(
        actor,
        "add_public_address",
        row,
        f"{share.organization} got the public address {row} of {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after={"address": row.address},
    )
    return row


@transaction.atomic
def remove_public_address(*, actor: Actor, public: PublicAddress) -> None:
    """Take a public address back that no stack uses."""
    share = public.share
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, share.host)
    lock(share.host)
    user = Stack.objects.filter(public=public).select_related("domain").first()
    if user is not None:
        raise Conflict(f"{user} uses {public}. Remove that first.")
    address = public.address
    public.delete()
    record(
        actor,
        "remove_public_address",
        address,
        f"The public address {address} of {share.host} was taken back.",
        organization=share.organization,
        target=share.sync_target,
        before={"address": address},
    )


def _checked(text: str) -> IPv4Address:
    try:
        place = IPv4Address(text.strip())
    except AddressValueError as error:
        said = f"“{printable(text, 40)}” is no IPv4 address."
        raise Invalid.of(
            "address", said, "Write it like 192.0.2.25; ptt's relay speaks IPv4 only."
        ) from error
    # The sandbox's host is this machine's loopback.
    if place.is_multicast or place.is_unspecified or (place.is_loopback and not settings.SANDBOX):
        said = f"Nobody reaches a host at {place}."
        raise Invalid.of("address", said, "Write the address of the host's interface.")
    return place


final("Take the address back instead.", "add_public_address")
final("Give the address again instead.", "remove_public_address")
