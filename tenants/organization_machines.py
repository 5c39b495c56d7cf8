"""Rows → what an organization's file says of its repositories, keys, hosts, unikernels and webhooks.

With an opener, secrets are in it; without one, what they are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenants.formats import organization_machines as parts
from tenants.formats.webhook_address import shown_place
from tenants.models import (
    Domain,
    FirewallRule,
    HostShare,
    Image,
    Organization,
    Repository,
    SigningKey,
    Stack,
    TsigKey,
    UnikernelSecret,
    UpdateServer,
    Webhook,
)
from tenants.models.firewalls import FIELDS
from tenants.secrets import Opener, Purpose


def _opened(opener: Opener | None, purpose: Purpose, sealed: Any) -> str | None:
    return opener.open(purpose, bytes(sealed)) if opener is not None else None


# Of one domain ----------------------------------------------------------------------------------------------


def relay_repository(domain: Domain) -> parts.GitRepository | None:
    row = Repository.objects.filter(domain=domain).first()
    return _repository(row) if row is not None else None


def _repository(row: Repository) -> parts.GitRepository:
    return parts.GitRepository(
        host=row.host,
        path=row.path,
        branch=row.branch,
        port=row.port,
        username=row.username,
        reload=row.reload,
        host_key=row.host_key,
    )


def signer_keys(domain: Domain, opener: Opener | None) -> Iterator[parts.SignerKey]:
    for row in SigningKey.objects.filter(domain=domain).order_by("selector"):
        yield parts.SignerKey(
            selector=row.selector,
            algorithm=row.algorithm,
            public_key=row.public_key,
            retired=row.retired_at is not None,
            seed=_opened(opener, Purpose.DKIM_SEED, row.sealed_seed),
        )


def mail_stack(domain: Domain) -> parts.MailStack | None:
    rows = Stack.objects.select_related("share__host", "network", "public", "release")
    row = rows.filter(domain=domain).first()
    if row is None:
        return None
    release = row.release
    return parts.MailStack(
        host=row.share.host.name,
        bridge=row.network.bridge,
        public_address=row.public.address,
        submission_host=row.submission_host,
        selector=row.selector,
        git_address=row.git_address,
        production=row.production,
        open_relay=row.open_relay,
        wanted=row.wanted,
        parts=tuple(
            parts.StackPart(each["role"], each["image"], each["label"], each["address"], each.get("era", ""))
            for each in (release.parts if release is not None else ())
        ),
        services=dict(release.services) if release is not None else {},
    )


# Of the organization ----------------------------------------------------------------------------------------


def zone_repositories(organization: Organization, opener: Opener | None) -> Iterator[parts.ZoneRepository]:
    rows = Repository.objects.filter(organization=organization, kind=Repository.Kind.ZONE)
    for row in rows.select_related("primary").order_by("host", "path", "branch"):
        primary = getattr(row, "primary", None)
        keys = TsigKey.objects.filter(repository=row, removed=False).select_related("zone__domain")
        yield parts.ZoneRepository(
            repository=_repository(row),
            primary=f"{primary.address}:{primary.port}" if primary is not None else "",
            keys=tuple(_zone_key(each, opener) for each in keys.order_by("name")),
        )


def _zone_key(row: TsigKey, opener: Opener | None) -> parts.ZoneKey:
    return parts.ZoneKey(
        name=row.name,
        right=row.right,
        algorithm=row.algorithm,
        zone=row.zone.name if row.zone is not None else "",
        secret=_opened(opener, Purpose.TSIG_KEY, row.sealed_secret),
    )


def name_servers(organization: Organization, opener: Opener | None) -> Iterator[parts.NameServer]:
    for row in UpdateServer.objects.filter(organization=organization).order_by("name"):
        secret = _opened(opener, Purpose.TSIG_KEY, row.sealed_secret)
        key = parts.ZoneKey(row.key_name, TsigKey.Right.UPDATE.value, row.algorithm, secret=secret)
        yield parts.NameServer(row.name, row.address, row.port, key)


def images(organization: Organization) -> Iterator[parts.MachineImage]:
    for row in Image.objects.filter(organization=organization).order_by("role", "name", "sha256"):
        yield parts.MachineImage(
            sha256=row.sha256,
            size=row.size,
            name=row.name,
            role=row.role,
            era=row.era,
            note=row.note,
            source=row.source,
        )


def webhooks(organization: Organization, opener: Opener | None) -> Iterator[parts.Hook]:
    """Without what signs them: a new one is made with each."""
    rows = Webhook.objects.filter(organization=organization).select_related("domain")
    for row in rows.order_by("name", "pk"):
        yield parts.Hook(
            name=row.name,
            place=shown_place(row.url),
            types=tuple(row.types),
            domain=row.domain.name if row.domain is not None else "",
            enabled=row.enabled,
            url=row.url if opener is not None else None,
        )


# Machines ---------------------------------------------------------------------------------------------------


def hosts(organization: Organization, opener: Opener | None) -> Iterator[parts.MachineHost]:
    """Of a host that others run, only what the organization has on it."""
    shares = HostShare.objects.filter(organization=organization).select_related("host")
    for share in shares.order_by("host__name", "path", "pk"):
        host = share.host
        own = host.organization_id == organization.pk
        reached: dict[str, Any] = {
            "transport": host.transport,
            "host": host.host,
            "port": host.port,
            "username": host.username,
            "socket_folder": host.socket_folder,
            "host_key": host.host_key,
            "rules": tuple(_rules(share)),
        }
        yield parts.MachineHost(
            name=host.name,
            own=own,
            path=share.path,
            most_unikernels=share.most_unikernels,
            memory=share.memory,
            storage=share.storage,
            cpus=tuple(share.cpuids),
            networks=tuple(
                parts.HostNetwork(each.bridge, each.subnet, each.gateway, each.first, each.last)
                for each in share.networks.order_by("bridge")
            ),
            public_addresses=tuple(share.public_addresses.order_by("pk").values_list("address", flat=True)),
            volumes=tuple(
                parts.BlockVolume(each.label, each.size)
                for each in share.volumes.filter(deleted_at=None).order_by("label")
            ),
            unikernels=tuple(_machines(share, opener)),
            **(reached if own else {}),
        )


def _machines(share: HostShare, opener: Opener | None) -> Iterator[parts.Machine]:
    bridges = {each.pk: each.bridge for each in share.networks.all()}
    rows = share.unikernels.filter(deleted_at=None).select_related("image")
    for row in rows.prefetch_related("addresses", "secrets").order_by("startup", "name"):
        addresses = {each.device: each.address for each in row.addresses.all()}
        held = sorted(row.secrets.all(), key=lambda each: each.name)
        restarts = row.restart_on_exit
        yield parts.Machine(
            name=row.name,
            image=row.image.sha256,
            memory=row.memory,
            cpu=row.cpuid,
            networks=tuple((name, bridges.get(pk, ""), addresses.get(name, "")) for name, pk in row.networks),
            blocks=tuple((name, str(label)) for name, label in row.blocks),
            arguments=tuple(str(each) for each in row.arguments),
            restart_on_exit=tuple(restarts) if restarts is not None else None,
            startup=row.startup,
            add_name=row.add_name,
            running=row.running,
            secret_names=tuple(each.name for each in held),
            secrets=_secrets(held, opener),
        )


def _secrets(held: list[UnikernelSecret], opener: Opener | None) -> dict[str, str] | None:
    if opener is None:
        return None
    return {each.name: opener.open(Purpose.ARGUMENT, bytes(each.sealed_value)) for each in held}


def _rules(share: HostShare) -> Iterator[parts.FirewallLine]:
    for row in FirewallRule.objects.filter(firewall__host=share.host).order_by("position", "pk"):
        yield parts.FirewallLine(**{name: getattr(row, name) for name in FIELDS})
