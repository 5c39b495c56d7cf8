"""A zone of alice's domain, and a shorter way to change it."""

from __future__ import annotations

from tenants.actions import record_sets, zone_proofs, zone_repositories, zones
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import Domain, RecordSet, Repository, Zone


def connect(owner: Actor, domain: Domain, path: str = "zone.git") -> Repository:
    """A zone repository of the domain's organization."""
    return zone_repositories.connect_zone_repository(
        actor=owner,
        organization=domain.organization,
        host="git.example.org",
        path=path,
        address="127.0.0.53",
    )


def begin(owner: Actor, domain: Domain, repository: Repository | None = None) -> Zone:
    """A zone with its first name server, published."""
    zone = zones.create_zone(
        actor=owner, domain=domain, repository=repository or connect(owner, domain), address="192.0.2.1"
    )
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    return again(zone)


def again(zone: Zone) -> Zone:
    """The row as it is now."""
    return Zone.objects.select_related("domain__organization", "target__repository__primary").get(pk=zone.pk)


def put(owner: Actor, zone: Zone, *changes: RecordChange) -> list[RecordSet]:
    return record_sets.change_record_sets(actor=owner, zone=zone, changes=changes)


def others_wrote(zone: Zone, owner: str, kind: str, text: str) -> RecordSet:
    """A record set as a worker saw it, written by somebody else."""
    from tenants.formats.zones.stored import set_digest, stored_set

    digest = set_digest(stored_set(owner, kind, 3600, [text]))
    return RecordSet.objects.create(
        zone=zone,
        owner=owner,
        type=kind,
        ttl=3600,
        data=[text],
        digest=digest,
        proved=digest,
        holder=RecordSet.Holder.EXTERNAL,
        changed_at=zone.changed_at,
    )


MAIL = (RecordChange("@", "MX", ("10 mail",)), RecordChange("mail", "A", ("192.0.2.25",)))
