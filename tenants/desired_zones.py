"""Zones of a repository as workers see them: rows → frozen dataclasses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from tenants.formats.zones.keyfile import TsigKey as FileKey
from tenants.formats.zones.merge import Holder
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.zone import Soa
from tenants.models import Domain, RecordSet, SyncTarget, TsigKey, Zone
from tenants.one_moment import one_moment
from tenants.secrets import Opener, Purpose
from tenants.zone_contents import dialects_of, is_readable, origin_of, records_of, soa_of

Key = tuple[str, str]
# Their keys outside are none of ours any more.
_KEYS_LEFT = (Zone.Standing.REMOVED, Zone.Standing.LET_GO)


@dataclass(frozen=True)
class DesiredZone:
    """What one zone should hold. `sets` are ours and to be there, by owner and type; a key of ours that is
    not among them is to be gone. `base` identifies what was last proved to be outside, of ours and of others.
    Everything else in the zone is somebody else's and kept. Of a zone that is brought back, `returning` is
    what others had written when it was removed."""

    pk: int
    origin: Name
    soa: Soa
    known_serial: int
    sets: Mapping[Key, Records] = field(repr=False)
    holders: Mapping[Key, Holder] = field(repr=False)
    base: Mapping[Key, str] = field(repr=False)
    frozen: bool
    dropped: str
    dialects: tuple[Dialect, ...] = field(repr=False)
    returning: Mapping[Key, Records] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class DesiredKeys:
    """The keys of one file, and names of those that are to be gone from it."""

    zone: Name
    keys: tuple[FileKey, ...] = field(repr=False)
    removed: frozenset[Name]


@dataclass(frozen=True)
class ZoneName:
    """A zone that is published, before its records are loaded."""

    pk: int
    origin: Name
    changed: bool


def published_zones(target: SyncTarget) -> list[ZoneName]:
    """Zones whose ownership was proved; `changed` since what was last proved outside."""
    rows = Zone.objects.filter(target=target, owned_at__isnull=False, standing__in=Zone.KEPT)
    return _names(target, rows)


def leaving_zones(target: SyncTarget) -> list[ZoneName]:
    """Zones that are to be gone outside."""
    return _names(target, Zone.objects.filter(target=target, standing=Zone.Standing.REMOVING))


def _names(target: SyncTarget, rows: QuerySet[Zone]) -> list[ZoneName]:
    columns = rows.order_by("domain__name").values_list("pk", "domain__name", "generation")
    return [ZoneName(pk, Name.of(name), seen > target.observed_generation) for pk, name, seen in columns]


def waiting_zones(target: SyncTarget) -> list[str]:
    """Names of zones that are not published, for nobody proved whose domain it is."""
    rows = Zone.objects.filter(target=target, owned_at=None, standing__in=Zone.KEPT).order_by("domain__name")
    return list(rows.values_list("domain__name", flat=True))


@dataclass(frozen=True)
class Domains:
    """Whose a zone's file is: `ours` are the organization's domains without a zone here, by name; `described`
    are its zones that are kept and may not be published yet."""

    ours: Mapping[str, int]
    described: frozenset[str]
    organization_id: int

    def is_of_others(self, names: Collection[str]) -> frozenset[str]:
        """Of these names, those that are or lie below a domain of another organization."""
        above = {name: {name, *_above(name)} for name in names}
        wanted = {each for known in above.values() for each in known}
        rows = Domain.objects.exclude(organization=self.organization_id)
        found = _held(rows, sorted(wanted))
        return frozenset(name for name, known in above.items() if known & found)


def _above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[index:]) for index in range(1, len(labels) - 1)]


def _held(rows: QuerySet[Domain], names: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(names), 500):
        found |= set(rows.filter(name__in=names[start : start + 500]).values_list("name", flat=True))
    return found


def domains_of(target: SyncTarget) -> Domains:
    """The domains that files in a zone repository may belong to."""
    ended = (Zone.Standing.REMOVED, Zone.Standing.LET_GO)
    kept = Zone.objects.filter(domain__organization=target.organization_id).exclude(standing__in=ended)
    described = frozenset(kept.values_list("domain__name", flat=True))
    rows = Domain.objects.filter(organization=target.organization_id).values_list("name", "pk")
    ours = {name: pk for name, pk in rows if name not in described}
    return Domains(ours, described, target.organization_id)


@one_moment()
def desired_zones(target: SyncTarget, zone_ids: Collection[int]) -> dict[int, DesiredZone]:
    """Load zones with all their record sets."""
    rows = Zone.objects.filter(pk__in=zone_ids, target=target).select_related(
        "domain", "target__repository__primary"
    )
    sets: dict[int, list[RecordSet]] = {}
    for each in RecordSet.objects.filter(zone__in=zone_ids):
        sets.setdefault(each.zone_id, []).append(each)
    return {row.pk: _desired(row, sets.get(row.pk, [])) for row in rows}


def _desired(zone: Zone, rows: list[RecordSet]) -> DesiredZone:
    ours = [row for row in rows if row.is_ours]
    return DesiredZone(
        pk=zone.pk,
        origin=origin_of(zone),
        soa=soa_of(zone),
        known_serial=zone.serial,
        sets={(row.owner, row.type): records_of(row) for row in ours if not row.absent},
        holders={(row.owner, row.type): Holder(row.holder) for row in ours},
        base={(row.owner, row.type): row.proved for row in rows if row.proved},
        frozen=zone.frozen,
        dropped=zone.dropped,
        dialects=dialects_of(zone),
        returning=_of_others(rows) if zone.standing == Zone.Standing.RETURNING else None,
    )


def _of_others(rows: list[RecordSet]) -> dict[Key, Records]:
    return {(row.owner, row.type): records_of(row) for row in rows if not row.is_ours and is_readable(row)}


@one_moment()
def desired_keys(target: SyncTarget, opener: Opener) -> list[DesiredKeys]:
    """The keys of every file that we have keys in; those of zones that are unpublished or kept elsewhere now
    are left out, those of zones that are being removed are to be gone."""
    files: dict[Name, tuple[list[FileKey], set[Name]]] = {}
    rows = TsigKey.objects.filter(repository=target.repository_id).select_related("zone__domain")
    for row in rows.order_by("pk"):
        if row.zone is not None and _is_left(row.zone, target):
            continue
        zone = Name.of(row.zone.name) if row.zone is not None else ROOT
        keys, removed = files.setdefault(zone, ([], set()))
        name = Name.of(row.name)
        if row.removed or (row.zone is not None and not row.zone.is_kept):
            removed.add(name)
        else:
            keys.append(opened_key(row, opener))
    return [DesiredKeys(zone, tuple(keys), frozenset(removed)) for zone, (keys, removed) in files.items()]


def _is_left(zone: Zone, target: SyncTarget) -> bool:
    """Are the lines of its keys none of ours, here and now?"""
    return zone.owned_at is None or zone.standing in _KEYS_LEFT or zone.target_id != target.pk


def notifying_keys(target: SyncTarget, opener: Opener) -> list[FileKey]:
    """Rookery's own keys, those first that the primary has read already."""
    rows = TsigKey.objects.filter(repository=target.repository_id, own=True)
    ordered = sorted(
        rows, key=lambda row: (row.generation > target.observed_generation, row.removed, -row.pk)
    )
    return [opened_key(row, opener) for row in ordered]


def opened_key(row: TsigKey, opener: Opener) -> FileKey:
    """A key with its secret."""
    secret = opener.open(Purpose.TSIG_KEY, bytes(row.sealed_secret))
    return FileKey(Name.of(row.name), row.algorithm, secret)
