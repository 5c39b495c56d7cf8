"""Unikernels: made, changed, stopped, started and deleted as desired state; a worker makes the host agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.fit import Spec, fit_problems
from tenants.formats.arguments import check_arguments, check_references, check_secret_name
from tenants.formats.networks import NetworkPlan, check_address, next_free
from tenants.formats.text import FormatError
from tenants.formats.unikernels import check_exit_codes, check_label
from tenants.models import Event, HostAddress, HostShare, Image, Network, Unikernel, UnikernelSecret
from tenants.secrets import Purpose, seal

LONGEST_SECRET = 4000
MOST_SECRETS = 30


class Chosen(TypedDict, total=False):
    """What may be chosen and changed. `networks`: network by device; `addresses`: address by device, where it
    is not to be the next free one; `blocks`: label of a volume by device; `secrets`: value by name, None to
    remove one; `sealed`: as another unikernel keeps them, by name, for one that is made; `restart_on_exit`:
    None for never, else exit codes, none for all that albatross restarts."""

    image: Image
    memory: int
    cpuid: int
    networks: Mapping[str, Network]
    addresses: Mapping[str, str]
    blocks: Mapping[str, str]
    arguments: Sequence[str]
    secrets: Mapping[str, str | None]
    sealed: Mapping[str, bytes]
    restart_on_exit: list[int] | None
    startup: int


@transaction.atomic
def create_unikernel(
    *, actor: Actor, share: HostShare, name: str, running: bool = True, **chosen: Unpack[Chosen]
) -> Unikernel:
    """Ask for a unikernel; whether it fits is said before anything is done."""
    access.require(actor, access.Verb.VIEW, share)
    access.require_create(actor, access.Kind.UNIKERNEL, share.organization)
    lock(share)
    with Checks() as checks:
        name = check_label(name)
    row = Unikernel(share=share, name=name, running=running, changed_at=timezone.now())
    if "image" not in chosen:
        raise Invalid.of("image", "No image is chosen.", "Choose one, or upload one first.")
    _choose(actor, row, chosen, checks)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        said = f"There is a unikernel {name} already, or one that is still being deleted."
        raise Invalid.of("name", said, "Choose another name.") from error
    _give_addresses(row, chosen.get("addresses", {}))
    _keep_secrets(row, chosen.get("secrets", {}))
    for secret, sealed in chosen.get("sealed", {}).items():
        UnikernelSecret.objects.create(unikernel=row, name=secret, sealed_value=sealed)
    _mark(row)
    record(
        actor,
        "create_unikernel",
        row,
        f"The unikernel {row} was made on {share.host}.",
        organization=share.organization,
        target=share.sync_target,
        after=_told(row),
    )
    return row


@transaction.atomic
def change_unikernel(*, actor: Actor, unikernel: Unikernel, **chosen: Unpack[Chosen]) -> Unikernel:
    """Change how it should run. Where it runs it is replaced, after all was checked that can be."""
    access.require(actor, access.Verb.CHANGE, unikernel)
    lock(unikernel.share)
    lock(unikernel)
    _require_there(unikernel)
    before = _told(unikernel)
    checks = Checks()
    _choose(actor, unikernel, chosen, checks)
    unikernel.save()
    _give_addresses(unikernel, chosen.get("addresses", {}))
    changed = _keep_secrets(unikernel, chosen.get("secrets", {}))
    after = _told(unikernel)
    if after == before and not changed:
        return unikernel
    _mark(unikernel)
    record(
        actor,
        "change_unikernel",
        unikernel,
        f"How {unikernel} runs on {unikernel.share.host} was changed.",
        organization=unikernel.share.organization,
        target=unikernel.share.sync_target,
        before=before,
        after={**after, **({"secrets_changed": changed} if changed else {})},
    )
    return unikernel


@transaction.atomic
def stop_unikernel(*, actor: Actor, unikernel: Unikernel) -> Unikernel:
    """End it on the host. Everything is kept here, so that it can be started again as it was."""
    access.require(actor, access.Verb.SWITCH, unikernel)
    lock(unikernel)
    _require_there(unikernel)
    if not unikernel.running:
        return unikernel
    return _switch(actor, unikernel, "stop_unikernel", f"{unikernel} was stopped.", running=False)


@transaction.atomic
def start_unikernel(*, actor: Actor, unikernel: Unikernel) -> Unikernel:
    """Run it, or run it again after it ended by itself."""
    access.require(actor, access.Verb.SWITCH, unikernel)
    lock(unikernel.share)
    lock(unikernel)
    _require_there(unikernel)
    if not unikernel.running:
        _require_permitted(unikernel, unikernel.image)
        _require_fit(unikernel, running=True)
    return _switch(actor, unikernel, "start_unikernel", f"{unikernel} was started.", running=True)


def _switch(actor: Actor, row: Unikernel, verb: str, sentence: str, *, running: bool) -> Unikernel:
    before = _switched(row)
    row.running = running
    _mark(row)
    record(
        actor,
        verb,
        row,
        sentence,
        organization=row.share.organization,
        target=row.share.sync_target,
        before=before,
        after=_switched(row),
    )
    return row


@transaction.atomic
def delete_unikernel(*, actor: Actor, unikernel: Unikernel) -> None:
    """End it on the host for good. Its row goes when its end was proved; its addresses are free then."""
    access.require(actor, access.Verb.DELETE, unikernel)
    lock(unikernel)
    _require_there(unikernel)
    before = _told(unikernel)
    unikernel.deleted_at = timezone.now()
    _mark(unikernel)
    record(
        actor,
        "delete_unikernel",
        unikernel,
        f"{unikernel} on {unikernel.share.host} was deleted.",
        organization=unikernel.share.organization,
        target=unikernel.share.sync_target,
        before=before,
    )


def forget_deleted_unikernels(*, actor: Actor, at_most: int = 100) -> int:
    """Drop rows of deleted unikernels that were proved gone, with their secrets; returns how many."""
    if not actor.system:
        raise Forbidden("Rows of deleted unikernels go by themselves; Rookery looks every few seconds.")
    # Asked of the database: those of a host that never answers again are no reason to pass over others.
    rows = Unikernel.objects.filter(
        deleted_at__isnull=False, generation__lte=F("share__sync_target__observed_generation")
    ).select_related("share__sync_target")
    gone = list(islice((row for row in rows.order_by("pk").iterator() if not _was_left(row)), at_most))
    for row in gone:
        with transaction.atomic():
            row.delete()
    return len(gone)


def _was_left(row: Unikernel) -> bool:
    return row.name in row.share.sync_target.proof.get("left", [])


# What is chosen ---------------------------------------------------------------------------------------


def _choose(actor: Actor, row: Unikernel, chosen: Chosen, checks: Checks) -> None:
    """Put what was chosen on the row, and refuse what cannot run."""
    if "image" in chosen and chosen["image"].pk != row.image_id:
        access.require(actor, access.Verb.VIEW, chosen["image"])
        row.image = _held_image(chosen["image"])
        _require_permitted(row, row.image)
    for field, least, most in (("memory", 1, 1 << 20), ("cpuid", 0, 1023), ("startup", 0, 1000)):
        value = chosen.get(field)
        if value is None:
            continue
        with checks:
            if not isinstance(value, int) or not least <= value <= most:
                raise FormatError(field, f"{value} is not possible.", f"Choose {least} to {most}.")
        setattr(row, field, value)
    with checks:
        if "restart_on_exit" in chosen:
            row.restart_on_exit = check_exit_codes(chosen["restart_on_exit"])
    if "networks" in chosen:
        row.networks = [[device, network.pk] for device, network in sorted(chosen["networks"].items())]
    if "blocks" in chosen:
        row.blocks = [[device, volume] for device, volume in sorted(chosen["blocks"].items())]
    with checks:
        if "arguments" in chosen:
            row.arguments = check_arguments(chosen["arguments"])
    with checks:
        names = _secret_names(row, chosen.get("secrets", {})) | set(chosen.get("sealed", {}))
        check_references(row.arguments, secrets=names, devices=[device for device, _ in row.networks])
    _require_fit(row, running=row.running, checks=checks)


def _held_image(image: Image) -> Image:
    """As it is now; whoever would delete it, or share it with fewer, waits. Raises Invalid."""
    try:
        lock(image)
    except Absent as error:
        raise Invalid.of("image", "That image was deleted meanwhile.", "Choose another.") from error
    return image


def _require_permitted(row: Unikernel, image: Image) -> None:
    """Images of others only as long as they are shared. Raises Invalid."""
    if not image.is_for(row.share.organization_id):
        said = f"The image {image} is not shared with {row.share.organization}, or not any more."
        raise Invalid.of("image", said, "Choose another, or ask its owner to share it.")


def _secret_names(row: Unikernel, secrets: Mapping[str, str | None]) -> set[str]:
    known = set(row.secrets.values_list("name", flat=True)) if row.pk else set()
    for name, value in secrets.items():
        check_secret_name(name)
        if value is not None and not 1 <= len(value) <= LONGEST_SECRET:
            raise FormatError(
                "secrets",
                f"The secret {name} is empty or too long.",
                f"Use 1 to {LONGEST_SECRET} characters.",
            )
        if value is not None and any(ord(each) < 32 or 0xD800 <= ord(each) < 0xE000 for each in value):
            raise FormatError("secrets", f"The secret {name} has a control character.", "Remove it.")
        (known.discard if value is None else known.add)(name)
    if len(known) > MOST_SECRETS:
        raise FormatError("secrets", f"There are more than {MOST_SECRETS} secrets.", "Remove some.")
    return known


def _require_fit(row: Unikernel, *, running: bool, checks: Checks | None = None) -> None:
    """Raises Invalid with everything that is wrong, by field."""
    checks = checks or Checks()
    networks = {each.pk: each for each in row.share.networks.all()}
    spec = Spec(
        image=row.image,
        memory=row.memory,
        cpuid=row.cpuid,
        networks={device: networks[pk] for device, pk in row.networks if pk in networks},
        blocks=dict(row.blocks),
    )
    if any(pk not in networks for _, pk in row.networks):
        checks.problems.append(
            Problem("networks", "A network that was chosen is not yours on this host.", "Choose another.")
        )
    else:
        besides = row if row.pk else None
        as_before = Unikernel.objects.filter(pk=row.pk, running=True, image=row.image)
        checks.problems += fit_problems(
            row.share,
            row.name,
            spec,
            running=running,
            besides=besides,
            runs_there=besides is not None and as_before.exists(),
        )
    checks.finish()


def _give_addresses(row: Unikernel, wanted: Mapping[str, str]) -> None:
    """One address for each network device: the asked one, the one that it has, or the next free one."""
    networks = {each.pk: each for each in row.share.networks.all()}
    chosen = dict(row.networks)
    for address in row.addresses.all():
        if chosen.get(address.device) != address.network_id or wanted.get(address.device):
            address.delete()
    has = set(row.addresses.values_list("device", flat=True))
    for device, network_id in chosen.items():
        if device not in has:
            _give_address(row, device, networks[network_id], wanted.get(device, ""))


def _give_address(row: Unikernel, device: str, network: Network, wanted: str) -> None:
    plan = NetworkPlan(subnet=network.subnet, gateway=network.gateway, first=network.first, last=network.last)
    taken = set(network.addresses.values_list("address", flat=True))
    with Checks() as checks:
        address = check_address(wanted, plan, field="addresses") if wanted else next_free(plan, taken)
    checks.finish()
    if address is None:
        said = f"All addresses of {network} are given."
        raise Invalid.of("networks", said, "Give the network a larger pool, or delete a unikernel.")
    if address in taken:
        raise Invalid.of("addresses", f"{address} belongs to somebody else.", "Choose another, or leave it.")
    HostAddress.objects.create(network=network, address=address, unikernel=row, device=device)


def _keep_secrets(row: Unikernel, secrets: Mapping[str, str | None]) -> list[str]:
    """Seal what was given; returns the names that changed."""
    for name, value in secrets.items():
        row.secrets.filter(name=name).delete()
        if value is not None:
            UnikernelSecret.objects.create(
                unikernel=row, name=name, sealed_value=seal(Purpose.ARGUMENT, value)
            )
    return sorted(secrets)


def _mark(row: Unikernel) -> None:
    target = row.share.sync_target
    row.generation = outbox.mark([target])[target.pk]
    row.changed_at = timezone.now()
    row.ended_generation, row.ended_words = 0, ""
    row.save()


def _require_there(row: Unikernel) -> None:
    if row.deleted_at is not None:
        raise Conflict(f"{row} is being deleted.")


# How it is told and undone ----------------------------------------------------------------------------


def _told(row: Unikernel) -> dict[str, Any]:
    """For events; names of secrets and never their values."""
    return {
        "unikernel": row.pk,
        "image": row.image.sha256,
        "memory": row.memory,
        "cpuid": row.cpuid,
        "networks": [list(each) for each in row.networks],
        "blocks": [list(each) for each in row.blocks],
        "arguments": list(row.arguments),
        "secrets": sorted(row.secrets.values_list("name", flat=True)),
        "restart_on_exit": row.restart_on_exit,
        "startup": row.startup,
    }


def _switched(row: Unikernel) -> dict[str, Any]:
    return {"unikernel": row.pk, "running": row.running}


def _of(event: Event) -> Unikernel | None:
    rows = Unikernel.objects.filter(deleted_at=None, share__organization=event.organization_id)
    return rows.filter(pk=event.after.get("unikernel")).first()


def _set_back(actor: Actor, row: Unikernel, event: Event) -> object:
    before = event.before
    networks = {each.pk: each for each in row.share.networks.all()}
    image: Image | None = row.image
    if row.image.sha256 != before["image"]:
        image = access.visible_to(actor, Image).filter(sha256=before["image"]).first()
    if image is None or any(pk not in networks for _, pk in before["networks"]):
        raise Conflict("The image or a network of that time is not there any more.")
    return change_unikernel(
        actor=actor,
        unikernel=row,
        image=image,
        memory=before["memory"],
        cpuid=before["cpuid"],
        networks={device: networks[pk] for device, pk in before["networks"]},
        blocks=dict(before["blocks"]),
        arguments=before["arguments"],
        restart_on_exit=before["restart_on_exit"],
        startup=before["startup"],
    )


def _hindrance(row: Unikernel, event: Event) -> str:
    if event.after.get("secrets_changed"):
        return "A secret was changed with it, and the old one is gone. Change it by hand."
    return ""


undoable(
    "change_unikernel",
    find=_of,
    present=lambda row, event: _told(row),
    restore=_set_back,
    told=lambda row, event: f"{row} runs again as it did before.",
    hindrance=_hindrance,
)
undoable(
    "stop_unikernel",
    find=_of,
    present=lambda row, event: _switched(row),
    restore=lambda actor, row, event: start_unikernel(actor=actor, unikernel=row),
    told=lambda row, event: f"{row} is started again.",
    needs=access.Verb.SWITCH,
)
undoable(
    "start_unikernel",
    find=_of,
    present=lambda row, event: _switched(row),
    restore=lambda actor, row, event: stop_unikernel(actor=actor, unikernel=row),
    told=lambda row, event: f"{row} is stopped again.",
    needs=access.Verb.SWITCH,
)
final("Delete the unikernel instead.", "create_unikernel")
final("Its secrets are gone with it. Make it anew.", "delete_unikernel")
