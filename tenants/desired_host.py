"""Rows of an organization's part of a host → frozen dataclasses: the only shape of it that workers see."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from tenants.formats.arguments import Place, References, fill_in, with_places
from tenants.formats.unikernels import DesiredHost, WantedPolicy, WantedUnikernel
from tenants.models import HostAddress, HostShare, Network, SyncTarget, Unikernel
from tenants.one_moment import one_moment
from tenants.secrets import Opener, Purpose


@one_moment()
def desired_host(target: SyncTarget, opener: Opener) -> DesiredHost:
    """Load what should be in one part of a host, with secrets filled in."""
    share = target.host_share
    assert share is not None  # noqa: S101 - of every target of this kind
    networks = {network.pk: network for network in share.networks.all()}
    rows = list(share.unikernels.select_related("image").prefetch_related("secrets", "addresses__network"))
    volumes = list(share.volumes.order_by("label"))
    return DesiredHost(
        generation=target.generation,
        proved_generation=target.observed_generation,
        path=share.path,
        policy=wanted_policy(share, networks.values()),
        unikernels=tuple(
            wanted_unikernel(row, networks, opener) for row in rows if row.running and not row.deleted_at
        ),
        absent=tuple((row.name, row.generation) for row in rows if row.deleted_at or not row.running),
        volumes=tuple((row.label, row.size) for row in volumes if row.deleted_at is None),
        gone_volumes=tuple((row.label, row.size) for row in volumes if row.deleted_at is not None),
    )


def wanted_policy(share: HostShare, networks: Iterable[Network]) -> WantedPolicy:
    """The quota policy of this part; its bridges are those of its networks."""
    return WantedPolicy(
        unikernels=share.most_unikernels,
        memory=share.memory,
        storage=share.storage,
        cpuids=tuple(sorted(share.cpuids)),
        bridges=tuple(sorted(network.bridge for network in networks)),
    )


def wanted_unikernel(row: Unikernel, networks: dict[int, Network], opener: Opener | None) -> WantedUnikernel:
    """One row; without an opener its secrets stay as references."""
    shown = tuple(str(each) for each in row.arguments)
    filled: tuple[bytes, ...] = ()
    places = places_of(row.addresses.all())
    if opener is not None:
        secrets = {
            each.name: opener.open(Purpose.ARGUMENT, bytes(each.sealed_value)) for each in row.secrets.all()
        }
        filled = fill_in(shown, References(secrets, places))
    codes = row.restart_on_exit
    return WantedUnikernel(
        label=row.name,
        digest=row.image.sha256,
        image=row.image.manifest,
        memory=row.memory,
        cpuid=row.cpuid,
        networks=tuple(
            (device, networks[network].bridge) for device, network in row.networks if network in networks
        ),
        blocks=tuple((device, volume) for device, volume in row.blocks),
        arguments=filled,
        shown=with_places(shown, places),
        restart_on_exit=None if codes is None else frozenset(codes),
        startup=row.startup,
        generation=row.generation,
        ended=row.ended,
        add_name=row.add_name,
    )


def places_of(addresses: Iterable[HostAddress]) -> dict[str, Place]:
    """Where each device of a unikernel is."""
    return {
        each.device: Place(
            each.address, ipaddress.ip_network(each.network.subnet).prefixlen, each.network.gateway
        )
        for each in addresses
        if each.device
    }
