"""Rows → everything of a domain, with its secrets in the clear: for a worker that makes an export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from tenants.desired import entries_of
from tenants.desired_firewall import FAMILIES, rule_of
from tenants.desired_host import wanted_unikernel
from tenants.desired_zones import opened_key
from tenants.formats.by_hand import version_of
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.rules import Rule
from tenants.formats.text import FormatError
from tenants.formats.way_out.export import (
    DomainExport,
    ExportedHost,
    ExportedUnikernel,
    IdleAddress,
    KnownCertificate,
    PublicKey,
    SignerKey,
)
from tenants.formats.zones.commands import GitPlace
from tenants.formats.zones.keyfile import TsigKey as FileKey
from tenants.formats.zones.seeded_keys import dkim_pem
from tenants.models import (
    Domain,
    FirewallRule,
    HostShare,
    Mailbox,
    Repository,
    SigningKey,
    Stack,
    TargetAddress,
    TsigKey,
    Unikernel,
    Zone,
)
from tenants.one_moment import one_moment
from tenants.secrets import Opener, Purpose
from tenants.stack_wishes import stack_intent
from tenants.zone_contents import content_of


@one_moment()
def desired_export(domain: Domain, opener: Opener, made_at: datetime) -> DomainExport:
    """Everything of a domain that Rookery knows. Raises CannotOpen for a secret of another key."""
    relay = Repository.objects.filter(domain=domain).first()
    zone = Zone.objects.select_related("target__repository__primary", "domain").filter(domain=domain).first()
    rows = Mailbox.objects.filter(domain=domain, trashed_at=None)
    entries, absent = entries_of(domain, rows, opener)
    signing = SigningKey.objects.filter(domain=domain).select_related("domain")
    gaps: list[str] = []
    hosts = tuple(_hosts(domain, opener, gaps))
    keys, place = _zone_keys(zone, opener, gaps)
    return DomainExport(
        domain=domain.name,
        made_at=made_at,
        entries={name.decode(): entry for name, entry in entries.items()},
        idle=tuple(_idle(rows, absent, opener)),
        users=GitPlace(relay.remote, relay.branch, "", 0) if relay is not None else None,
        zone=content_of(zone) if zone is not None else None,
        zones=place,
        keys=keys,
        signers=tuple(_signer(row, opener) for row in signing.order_by("selector")),
        certificates=tuple(_certificates(zone)),
        public_keys=tuple(_public_keys(relay, zone)),
        hosts=hosts,
        gaps=tuple(gaps),
    )


def _idle(rows: QuerySet[Mailbox], absent: set[bytes], opener: Opener) -> Iterator[IdleAddress]:
    targets = Prefetch("targets", TargetAddress.objects.order_by("pk"))
    names = sorted(name.decode() for name in absent)
    for start in range(0, len(names), 500):
        some = rows.filter(local_part__in=names[start : start + 500])
        for row in some.prefetch_related(targets).order_by("local_part"):
            sealed = row.sealed_hash
            yield IdleAddress(
                row.local_part,
                "nobody agreed to get its mail yet" if row.enabled else "switched off",
                tuple(each.address for each in row.targets.all()),
                opener.open(Purpose.MAILBOX_HASH, bytes(sealed)) if sealed else "",
            )


def _zone_keys(
    zone: Zone | None, opener: Opener, gaps: list[str]
) -> tuple[tuple[FileKey, ...], GitPlace | None]:
    """The keys of this zone alone: those of the whole repository open other domains, too."""
    if zone is None:
        gaps.append("A zone: Rookery keeps none of this domain.")
        return (), None
    if not zone.is_kept:
        gaps.append(f"The zone is {zone.get_standing_display()}; what is here is what Rookery had last.")
    repository = zone.target.repository
    if repository is None:
        return (), None
    gaps.append(
        "TSIG keys of the whole zone repository, Rookery's own among them: they open other zones too."
    )
    rows = TsigKey.objects.filter(zone=zone, removed=False).order_by("name")
    primary = getattr(repository, "primary", None)
    address, port = (primary.address, primary.port) if primary is not None else ("127.0.0.1", 53)
    place = GitPlace(repository.remote, repository.branch, address, port)
    return tuple(opened_key(row, opener) for row in rows), place


def _signer(row: SigningKey, opener: Opener) -> SignerKey:
    seed = opener.open(Purpose.DKIM_SEED, bytes(row.sealed_seed))
    pem, problem = "", row.problem
    try:
        pem = dkim_pem(seed, row.algorithm)
    except FormatError as error:
        problem = error.problem
    return SignerKey(
        selector=row.selector,
        algorithm=row.algorithm,
        owner=row.owner,
        record=row.record,
        is_retired=row.retired_at is not None,
        seed=seed,
        pem=pem,
        problem=problem,
    )


def _certificates(zone: Zone | None) -> Iterator[KnownCertificate]:
    if zone is not None:
        for row in zone.certificates.order_by("host"):
            yield KnownCertificate(row.host, row.sentence)


def _public_keys(relay: Repository | None, zone: Zone | None) -> Iterator[PublicKey]:
    zones = zone.target.repository if zone is not None else None
    for repository in (relay, zones):
        if repository is None:
            continue
        yield PublicKey(f"Rookery writes {repository.short_name} on {repository.host}", repository.public_key)
        if repository.host_key:
            yield PublicKey(f"The key of {repository.host}, as it was compared", repository.host_key)


# Machines -----------------------------------------------------------------------------------------------


def _hosts(domain: Domain, opener: Opener, gaps: list[str]) -> Iterator[ExportedHost]:
    shares = HostShare.objects.filter(organization=domain.organization_id).select_related("host")
    stack = Stack.objects.select_related("share__host", "release").filter(domain=domain).first()
    for share in shares.order_by("host__name", "pk"):
        here = stack if stack is not None and stack.share_id == share.pk else None
        parts = set(here.release.labels.values()) if here is not None and here.release is not None else set()
        rows = [row for row in _unikernels(share) if row.name in parts or _serves(row, domain)]
        if not rows:
            continue
        used = {str(label) for row in rows for _, label in row.blocks}
        volumes = share.volumes.filter(label__in=used, deleted_at=None).order_by("label")
        yield ExportedHost(
            name=share.host.name,
            path=share.path,
            version=version_of(share.host.release),
            unikernels=tuple(_unikernel(row, share, opener) for row in rows),
            volumes=tuple(volumes.values_list("label", "size")),
            rules=_rules(share, rows, here, gaps),
        )


def _unikernels(share: HostShare) -> list[Unikernel]:
    rows = share.unikernels.filter(deleted_at=None).select_related("image", "share", "reads__repository")
    return list(rows.prefetch_related("secrets", "addresses__network").order_by("startup", "name"))


def _serves(row: Unikernel, domain: Domain) -> bool:
    """Does it read the domain's users, or is the domain named in its arguments?"""
    reads = getattr(row, "reads", None)
    if reads is not None and reads.repository.domain_id == domain.pk:
        return True
    named = re.compile(rf"(?:^|[=@.:,/]){re.escape(domain.name)}(?:$|[:,./#])")
    return any(named.search(str(argument)) for argument in row.arguments)


def _unikernel(row: Unikernel, share: HostShare, opener: Opener) -> ExportedUnikernel:
    networks = {each.pk: each for each in share.networks.all()}
    seeds = {each.name: opener.open(Purpose.ARGUMENT, bytes(each.sealed_value)) for each in row.secrets.all()}
    return ExportedUnikernel(row.full_name, wanted_unikernel(row, networks, opener), row.running, seeds)


def _rules(
    share: HostShare, rows: list[Unikernel], stack: Stack | None, gaps: list[str]
) -> dict[int, tuple[Rule, ...]]:
    """What the stack needs, and the rules by hand that lead to these unikernels or from them; the latter of a
    host that the organization has itself."""
    intent = stack_intent(stack) if stack is not None else Intent()
    rules = _rules_by_hand(share, rows, gaps)
    try:
        found = {family: derive(replace(intent, by_hand=rules), family) for family in FAMILIES}
    except FormatError as error:
        gaps.append(f"Firewall rules of {share.host.name}: {error.problem}")
        return {}
    return {family: each for family, each in found.items() if each}


def _rules_by_hand(share: HostShare, rows: list[Unikernel], gaps: list[str]) -> tuple[Rule, ...]:
    if share.host.organization_id != share.organization_id:
        gaps.append(f"Rules by hand in the firewall of {share.host.name}: somebody else runs it. Ask them.")
        return ()
    ours = {each.address for row in rows for each in row.addresses.all()}
    found = FirewallRule.objects.filter(firewall__host=share.host, firewall__enabled=True)
    return tuple(
        rule_of(row)
        for row in found
        if row.to_address in ours or {row.source.partition("/")[0], row.destination.partition("/")[0]} & ours
    )
