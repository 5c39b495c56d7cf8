"""Parts of a host: which organization has one, under which path, and how much it may use there."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.formats.text import FormatError
from tenants.formats.unikernels import ROOT_PATH, check_label
from tenants.models import Host, HostShare, Organization, SyncTarget

MOST_MEMORY, MOST_STORAGE = 1 << 24, 1 << 24
MOST_CPUS = 1024


def check_path(path: str, organization: Organization) -> str:
    """As stored: a label, by default one like the name; nothing for the root path. Raises FormatError."""
    if path.strip() == ROOT_PATH:
        return ""
    return check_label(path or _label_from(organization.name), field="path")


def _label_from(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "tenant"


def make_share(host: Host, organization: Organization, path: str) -> SyncTarget:
    """Give a part to an organization and have it looked at; the caller said who may. Raises Conflict."""
    try:
        with transaction.atomic():
            share = HostShare.objects.create(host=host, organization=organization, path=path, cpuids=[0])
    except IntegrityError as error:
        raise Conflict(
            f"{organization} has a part of {host} already, or the path {path or ROOT_PATH} is taken there."
        ) from error
    target = SyncTarget.objects.create(
        kind=SyncTarget.Kind.ALBATROSS_HOST,
        organization=organization,
        host_share=share,
        marked_at=timezone.now(),
    )
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    return target


@transaction.atomic
def share_host(*, actor: Actor, host: Host, organization: Organization, path: str = "") -> HostShare:
    """Give another organization a part of a host, under a path of its own. Operators do this."""
    access.require(actor, access.Verb.VIEW, host)
    access.require_create(actor, access.Kind.HOST_SHARE, organization)
    with Checks() as checks:
        path = check_path(path, organization)
        if not path and organization != host.organization:
            said = f"The root path belongs to those who run {host}: albatross limits nobody there."
            raise FormatError("path", said, "Give this part a label of its own.")
    checks.finish()
    lock(host)
    target = make_share(host, organization, path)
    assert target.host_share is not None  # noqa: S101 - just made
    record(
        actor,
        "share_host",
        host,
        f"{organization} got a part of {host}.",
        organization=organization,
        target=target,
        after={"path": path},
    )
    return target.host_share


@transaction.atomic
def unshare_host(*, actor: Actor, share: HostShare) -> None:
    """Take an empty part of a host back."""
    access.require(actor, access.Verb.DELETE, share)
    lock(share)
    if share.organization_id == share.host.organization_id:
        raise Conflict("This is the part of those who run the host. Remove the host instead.")
    if share.unikernels.exists() or share.stacks.exists():
        raise Conflict(f"{share.organization} still has unikernels there. They must be deleted first.")
    organization, host, path = share.organization, share.host, share.path
    share.delete()
    record(
        actor,
        "unshare_host",
        host,
        f"{organization} has no part of {host} any more.",
        organization=organization,
        before={"path": path or ROOT_PATH},
    )


@transaction.atomic
def change_quota(
    *,
    actor: Actor,
    share: HostShare,
    most_unikernels: int | None = None,
    memory: int | None = None,
    storage: int | None = None,
    cpuids: list[int] | None = None,
) -> HostShare:
    """Change the quota policy of a part: those who run the host do."""
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, share.host)
    lock(share)
    before = _quota(share)
    checks = Checks()
    limits = {"most_unikernels": (1, 10_000), "memory": (16, MOST_MEMORY), "storage": (0, MOST_STORAGE)}
    given = {"most_unikernels": most_unikernels, "memory": memory, "storage": storage}
    for field, value in given.items():
        least, most = limits[field]
        with checks:
            if value is not None and not least <= value <= most:
                raise FormatError(field, f"{value} is not possible.", f"Choose {least} to {most}.")
        if value is not None:
            setattr(share, field, value)
    if cpuids is not None:
        with checks:
            share.cpuids = _check_cpus(cpuids, share.host)
    checks.finish()
    after = _quota(share)
    if after == before:
        return share
    share.save(update_fields=list(after))
    outbox.mark([share.sync_target])
    record(
        actor,
        "change_quota",
        share.host,
        f"What {share.organization} may use of {share.host} was changed.",
        organization=share.organization,
        target=share.sync_target,
        before=before,
        after=after,
    )
    return share


def _quota(share: HostShare) -> dict[str, Any]:
    fields = ("most_unikernels", "memory", "storage", "cpuids")
    return {field: getattr(share, field) for field in fields}


def _check_cpus(cpuids: list[int], host: Host) -> list[int]:
    known = host.seen.get("cpuids")
    if not cpuids or len(cpuids) > MOST_CPUS:
        raise FormatError("cpuids", "No CPU is named.", "Name at least one, e.g. 0.")
    for cpu in cpuids:
        if not 0 <= cpu < MOST_CPUS or (known is not None and cpu not in known):
            listed = ", ".join(map(str, known or [0]))
            raise FormatError("cpuids", f"{host} has no CPU {cpu}.", f"It has {listed}.")
    return sorted(set(cpuids))


final("Take the part back instead.", "share_host")
final("Share the host again instead.", "unshare_host")
final("Change the quota again: what runs by now must fit into it.", "change_quota")
