"""Taking over what runs on a host into desired state, and what albatross does not tell about it.

A person decides (tenants.actions.adoption.decide_findings); workers call these with what they just read.
Nothing is marked: both sides agree afterwards, and nothing is sent to the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.images import Received, check_names, keep_image
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.unikernels import MOST_SECRETS
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.fit import Spec, fit_problems
from tenants.formats.networks import NetworkPlan, check_address
from tenants.formats.text import FormatError
from tenants.formats.unikernels import RunningThere
from tenants.image_files import is_there
from tenants.models import (
    HostAddress,
    HostShare,
    Image,
    Network,
    Unikernel,
    UnikernelSecret,
    Volume,
)
from tenants.secrets import Purpose, seal

_ADDRESS = re.compile(r"(?:-[^=]*=)?(\d{1,3}(?:\.\d{1,3}){3})/(\d{1,2})")


def image_of(share: HostShare, digest: str) -> Image | None:
    """An image that this organization may run and whose file is there, by its SHA-256."""
    ours = Q(organization=share.organization_id)
    lent = Q(shared=True) | Q(shared_with=share.organization_id)
    rows = Image.objects.filter(ours | lent, sha256=digest).distinct()
    ours_first = sorted(rows, key=lambda row: row.organization_id != share.organization_id)
    return next((row for row in ours_first if is_there(row)), None)


def take_over_image(*, actor: Actor, share: HostShare, came: Received, name: str) -> Image:
    """Keep an image that a worker read from the host, for what runs there under `name`."""
    _require_worker(actor)
    values = check_names(name=name, role=Image.Role.OTHER, era="", note="")
    source = f"the host {share.host}"
    return keep_image(actor, share.organization, came, values, verb="take_over_image", source=source)


@transaction.atomic
def take_over_unikernel(*, actor: Actor, share: HostShare, running: RunningThere, image: Image) -> Unikernel:
    """Make desired state say what runs there; its secret arguments are sealed, its addresses registered.

    Raises Invalid or Conflict where it does not fit: the quota, a network, a volume, somebody's address.
    """
    _require_worker(actor)
    lock(share)
    networks = {row.bridge: row for row in share.networks.all()}
    if len(running.arguments.secrets) > MOST_SECRETS:
        raise Conflict(f"It has more than {MOST_SECRETS} secrets.")
    if image.sha256 != running.digest:
        raise Conflict(f"The image of {running.label} is another one than the one that runs.")
    row = Unikernel(
        share=share,
        name=running.label,
        image=image,
        memory=running.memory,
        cpuid=running.cpuid,
        networks=[[device, _network(networks, bridge).pk] for device, bridge in sorted(running.networks)],
        blocks=[[device, volume] for device, volume in sorted(running.blocks)],
        arguments=list(running.arguments.shown),
        restart_on_exit=None if running.restart_on_exit is None else sorted(running.restart_on_exit),
        startup=running.startup,
        add_name=running.add_name,
        generation=share.sync_target.generation,
        changed_at=timezone.now(),
    )
    _require_fit(row, networks)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"There is a unikernel {row} here meanwhile.") from error
    for name, value in running.arguments.secrets.items():
        sealed = seal(Purpose.ARGUMENT, value)
        UnikernelSecret.objects.create(unikernel=row, name=name, sealed_value=sealed)
    _register(row, networks, dict(running.networks))
    record(
        actor,
        "take_over_unikernel",
        row,
        f"The unikernel {row} was taken over as it runs on {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after={
            "unikernel": row.pk,
            "image": image.sha256,
            "memory": row.memory,
            "arguments": list(row.arguments),
            "secrets": sorted(running.arguments.secrets),
        },
    )
    return row


def _network(networks: dict[str, Network], bridge: str) -> Network:
    if bridge not in networks:
        raise Conflict(f"No network of yours is on the bridge {bridge} any more.")
    return networks[bridge]


def _require_fit(row: Unikernel, networks: dict[str, Network]) -> None:
    by_id = {each.pk: each for each in networks.values()}
    chosen = {device: by_id[pk] for device, pk in row.networks}
    spec = Spec(row.image, row.memory, row.cpuid, chosen, dict(row.blocks))
    problems = fit_problems(row.share, row.name, spec, besides=row, runs_there=True)
    if problems:
        raise Invalid(problems)


def _register(row: Unikernel, networks: dict[str, Network], devices: dict[str, str]) -> None:
    """Give it the addresses that its arguments name, so that nobody else gets them. Raises Conflict."""
    free = {device: networks[bridge] for device, bridge in sorted(devices.items())}
    for address, prefix in _addresses(row.arguments):
        for device, network in list(free.items()):
            plan = NetworkPlan(
                subnet=network.subnet, gateway=network.gateway, first=network.first, last=network.last
            )
            try:
                given = check_address(address, plan, field="addresses")
            except FormatError:
                continue
            if network.subnet.endswith(f"/{prefix}"):
                _give(row, network, given, device)
                del free[device]
                break


def _give(row: Unikernel, network: Network, address: str, device: str) -> None:
    known = network.addresses.filter(address=address).first()
    if known is not None and known.unikernel_id is not None:
        raise Conflict(f"{address} belongs to {known.unikernel} here.")
    if known is not None:
        known.delete()
    HostAddress.objects.create(network=network, address=address, unikernel=row, device=device)


def _addresses(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """(address, prefix length) of each argument that is one, as in --ipv4=10.0.0.2/24."""
    for argument in arguments:
        found = _ADDRESS.fullmatch(argument)
        if found is not None:
            yield found[1], found[2]


@transaction.atomic
def take_over_volume(*, actor: Actor, share: HostShare, label: str, size: int) -> Volume:
    """Make desired state name a block volume that is there. Raises Invalid when the quota has no room."""
    _require_worker(actor)
    lock(share)
    left = share.storage - sum(share.volumes.values_list("size", flat=True))
    if size > left:
        said = f"{label} has {size} MB, and {max(left, 0)} of {share.storage} MB are free for block volumes."
        raise Invalid.of("size", said, "Ask for a larger quota.")
    try:
        with transaction.atomic():
            row = Volume.objects.create(
                share=share, label=label, size=size, generation=share.sync_target.generation
            )
    except IntegrityError as error:
        raise Conflict(f"There is a block volume {label} here meanwhile.") from error
    record(
        actor,
        "take_over_volume",
        row,
        f"The block volume {label} of {size} MB was taken over as it is on {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after={"label": label, "size": size},
    )
    return row


@transaction.atomic
def answer_add_name(*, actor: Actor, unikernel: Unikernel, add_name: bool) -> Unikernel:
    """Say whether albatross puts `--name=…` in front of the arguments, which it does not tell itself.

    Nothing is replaced for it: it counts from the next start on, which waits for the first answer.
    """
    access.require(actor, access.Verb.CHANGE, unikernel)
    lock(unikernel)
    if unikernel.deleted_at is not None:
        raise Conflict(f"{unikernel} is being deleted.")
    if unikernel.add_name == add_name:
        return unikernel
    before = unikernel.add_name
    unikernel.add_name = add_name
    unikernel.save(update_fields=["add_name"])
    outbox.look_again(unikernel.share.sync_target)
    record(
        actor,
        "answer_add_name",
        unikernel,
        f"Albatross puts {'--name' if add_name else 'no --name'} in front of the arguments of {unikernel}.",
        organization=unikernel.share.organization,
        target=unikernel.share.sync_target,
        before={"add_name": before},
        after={"unikernel": unikernel.pk, "add_name": add_name},
    )
    return unikernel


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers read a host; decide about what was found instead.")


_KEPT = "It still runs there as it did. Rookery lets go of it only when it is deleted."
final(_KEPT, "take_over_unikernel", "take_over_volume")
final("Delete the image instead, when nothing uses it.", "take_over_image")
final("Give the other answer instead.", "answer_add_name")
