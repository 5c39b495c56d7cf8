"""Keeping how certificates in zones stand, and telling people when that changes for good or bad."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.mail_checks import people_of
from tenants.actions.reversals import final
from tenants.actions.zone_proofs import require_worker
from tenants.actor import Actor
from tenants.formats.zones.certificates import HostCertificate, is_worrying, turns_after
from tenants.formats.zones.stored import owner_text
from tenants.models import Certificate, Zone

MOST = 200
_MOST_TOLD = 20


@transaction.atomic
def record_certificates(
    *, actor: Actor, zone: Zone, found: Sequence[HostCertificate], at: datetime
) -> list[Certificate]:
    """Make the rows of a zone say what its records said `at`; returns those whose certificate was renewed.

    One that stands otherwise than before is an event. People get a mail when one begins to worry, and when
    it does no more; not of how a zone was found first.
    """
    require_worker(actor)
    lock(zone)
    known = {row.host: row for row in zone.certificates.all()}
    turns: list[datetime] = []
    renewed: list[Certificate] = []
    told: list[Certificate] = []
    for each in found[:MOST]:
        row = known.pop(owner_text(each.host), None)
        worried, mark = (row.worries, row.fingerprint) if row is not None else (None, "")
        row = _keep(actor, zone, row, each, at)
        if mark and row.fingerprint not in ("", mark):
            renewed.append(row)
        if row.worries != worried and (row.worries or worried):
            told.append(row)
        turn = turns_after(each, row.since, at)
        turns += [turn] if turn is not None else []
    zone.certificates.filter(pk__in=[row.pk for row in known.values()]).delete()
    if told:
        _mail(zone, told)
    Zone.objects.filter(pk=zone.pk).update(certificates_due_at=min(turns, default=None))
    return renewed


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


def _mail(zone: Zone, rows: list[Certificate]) -> None:
    """To those who may change the domain; the worst first."""
    rows = sorted(rows, key=lambda row: (not row.worries, row.host))
    lines = [f"- {row.sentence}{f' {row.fix}' if row.worries else ''}" for row in rows[:_MOST_TOLD]]
    where = f"All certificates of {zone}:\n{settings.BASE_URL}/d/{zone}/dns/certificates"
    body = "\n\n".join(["Hello,", "\n".join(lines), where]) + "\n"
    subject = rows[0].sentence if rows[0].worries else f"{rows[0].sentence} All is well again."
    for email in people_of(zone.domain):
        owe_mail(recipient=email, subject=subject[:190], body=body)


final(
    "This is how the certificate was found; nothing was changed.", "record_certificate", "record_certificates"
)
