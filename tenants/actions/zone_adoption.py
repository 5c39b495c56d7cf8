"""Beginning the zone of a domain from what stands outside, as workers read it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants import outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock_installation
from tenants.actions.reversals import final
from tenants.actions.zone_proofs import fill, require_worker
from tenants.actions.zones import forget_ended, require_alone
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.zones.merge import written_by_unikernels
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.stored import owner_text, set_digest
from tenants.formats.zones.zone import Soa
from tenants.models import Domain, RecordSet, SyncTarget, Zone
from tenants.zone_contents import is_readable, soa_columns

_AT_ONCE = 500


@transaction.atomic
def take_over_zone(
    *,
    actor: Actor,
    target: SyncTarget,
    domain: Domain,
    soa: Soa,
    sets: Mapping[tuple[str, str], Records],
    served: int | None,
) -> Zone:
    """Begin a zone as it is in its repository: nothing is written there before the first change.

    What unikernels write, and what no text can say, stays others'; all else is Rookery's from now on. Nothing
    is marked unless the domain was proved before. Raises Invalid and Conflict as `create_zone` does.
    """
    require_worker(actor)
    lock_installation()
    if domain.organization_id != target.organization_id:
        raise Absent
    require_alone(domain)
    known, now = forget_ended(domain), timezone.now()
    serial = max(soa.serial, served or 0, known.pop("serial", 0))
    zone = Zone.objects.create(
        **known,
        **soa_columns(soa),
        domain=domain,
        target=target,
        serial=serial,
        served_serial=served,
        served_at=now if served is not None else None,
        challenge=f"rookery-{secrets.token_hex(16)}",
        generation=target.generation,
        changed_at=now,
    )
    rows = [_row(zone, item, now) for item in sets.values()]
    RecordSet.objects.bulk_create(rows, batch_size=_AT_ONCE)
    if zone.owned_at is not None:
        # A row of its own: the pass goes on with the generation that it began with.
        outbox.mark([SyncTarget.objects.get(pk=target.pk)])
    outbox.hint_on_commit("prove_ownership", zone.pk, "lookups")
    ours = sum(row.is_ours for row in rows)
    record(
        actor,
        "take_over_zone",
        zone,
        f"The zone {zone} was taken over as it was outside.",
        domain=domain,
        target=target,
        after={"record_sets": len(rows), "ours": ours, "serial": serial},
    )
    return zone


def _row(zone: Zone, item: Records, now: datetime) -> RecordSet:
    row = RecordSet(zone=zone, owner=owner_text(item.owner), type=item.type, generation=zone.generation)
    fill(row, item, set_digest(item), now)
    theirs = written_by_unikernels(item.owner.labels, item.type) or not is_readable(row)
    row.holder = RecordSet.Holder.EXTERNAL if theirs else RecordSet.Holder.MANAGED
    return row


final("Let the zone go in how it is kept: outside it stays as it is.", "take_over_zone")
