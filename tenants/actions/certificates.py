"""Keeping how the certificates in zones stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail_checks import check_soon
from tenants.actions.reversals import final
from tenants.actions.zone_proofs import require_worker
from tenants.actor import Actor
from tenants.formats.zones.certificates import HostCertificate, is_worrying, turns_after
from tenants.formats.zones.stored import owner_text
from tenants.models import Certificate, Zone

MOST = 200


@transaction.atomic
def record_certificates(*, actor: Actor, zone: Zone, found: Sequence[HostCertificate], at: datetime) -> None:
    """Make the rows of a zone say what its records said `at`.

    One that stands otherwise than before is an event. When one begins to worry, or does no more, the
    domain's checks are done again: they tell people.
    """
    require_worker(actor)
    lock(zone)
    known = {row.host: row for row in zone.certificates.all()}
    turns: list[datetime] = []
    changed = False
    for each in found[:MOST]:
        row = known.pop(owner_text(each.host), None)
        before = row is not None and _needs(row)
        row = _keep(actor, zone, row, each, at)
        changed |= _needs(row) != before
        turn = turns_after(each, row.since, at)
        turns += [turn] if turn is not None else []
    zone.certificates.filter(pk__in=[row.pk for row in known.values()]).delete()
    if changed or any(_needs(row) for row in known.values()):
        check_soon(zone.domain)
    Zone.objects.filter(pk=zone.pk).update(certificates_due_at=min(turns, default=None))


def _needs(row: Certificate) -> bool:
    """Is it a matter for people?"""
    return row.worries or row.staging


def _keep(
    actor: Actor, zone: Zone, known: Certificate | None, found: HostCertificate, at: datetime
) -> Certificate:
    row = known or Certificate(zone=zone, host=owner_text(found.host))
    before = (row.standing, row.fingerprint)
    row.standing, row.fingerprint = found.standing.value, found.fingerprint
    if row.standing != before[0]:
        row.since = at
    row.sentence, row.fix, row.names = found.sentence, found.fix, list(found.names)
    row.valid_from, row.valid_until = found.valid_from, found.valid_until
    row.issuer, row.staging, row.looked_at = found.issuer, found.staging, at
    row.worries = is_worrying(found, row.since, at)
    row.save()
    if (row.standing, row.fingerprint) != before:
        after = {"standing": row.standing, "staging": row.staging, "fingerprint": row.fingerprint[:16]}
        was = {"standing": before[0], "fingerprint": before[1][:16]} if known else {}
        record(
            actor,
            "record_certificate",
            row,
            found.sentence,
            domain=zone.domain,
            before=was,
            after=after,
        )
    return row


final(
    "This is how the certificate was found; nothing was changed.", "record_certificate", "record_certificates"
)
