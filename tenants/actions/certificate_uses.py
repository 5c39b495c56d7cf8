"""Which unikernel uses which certificate of a zone: it has to start again to take a renewed one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.zone_proofs import require_worker
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.roles.certificate_host import certificate_host
from tenants.models import Certificate, CertificateUse, Unikernel, Zone

Mode = CertificateUse.Mode
_MOST = 500


@transaction.atomic
def link_certificate(
    *, actor: Actor, unikernel: Unikernel, certificate: Certificate, automatic: bool = False
) -> CertificateUse:
    """Say that `unikernel` uses `certificate`, and whether Rookery restarts it by itself after a renewal.

    One that is linked already goes over to another certificate, or to the other choice.
    """
    access.require(actor, access.Verb.VIEW, certificate.zone)
    access.require(actor, access.Verb.CHANGE, unikernel)
    if certificate.zone.domain.organization_id != unikernel.share.organization_id:
        said = "This certificate lies in a zone of another organization."
        raise Invalid.of("certificate", said, "Choose one of the same.")
    lock(unikernel)
    if unikernel.deleted_at is not None:
        raise Conflict(f"{unikernel} is being deleted.")
    mode = Mode.AUTOMATIC if automatic else Mode.PROPOSED
    row = CertificateUse.objects.filter(unikernel=unikernel).first()
    same = row is not None and (row.zone_id, row.host) == (certificate.zone_id, certificate.host)
    if row is not None and same and row.mode == mode:
        return row
    if row is None or not same:
        CertificateUse.objects.filter(unikernel=unikernel).delete()
        row = _new(unikernel, certificate)
    row.mode = mode
    row.due_at = row.usual_time() if automatic else None
    row.save()
    if row.due_at is not None:
        outbox.look_again(unikernel.share.sync_target)
    when = "by itself after each renewal" if automatic else "after a renewal when somebody says so"
    said = f"{unikernel} uses the certificate of {row.host}, and restarts {when}."
    _record(actor, "link_certificate", row, said)
    return row


@transaction.atomic
def unlink_certificate(*, actor: Actor, use: CertificateUse) -> None:
    """Propose its restart no more; the unikernel itself goes on."""
    access.require(actor, access.Verb.CHANGE, use.unikernel)
    lock(use.unikernel)
    use.mode, use.due_at, use.held = Mode.OFF, None, ""
    use.save(update_fields=["mode", "due_at", "held"])
    said = f"Rookery does not follow the certificate of {use.host} for {use.unikernel} any more."
    _record(actor, "unlink_certificate", use, said)


@transaction.atomic
def restart_for_certificate(*, actor: Actor, use: CertificateUse) -> CertificateUse:
    """Restart it now, so that it takes the renewed certificate."""
    access.require(actor, access.Verb.SWITCH, use.unikernel)
    lock(use.unikernel)
    use.refresh_from_db()
    if not use.is_waiting:
        raise Conflict(f"No renewed certificate waits for {use.unikernel}.")
    if not use.unikernel.running or use.unikernel.deleted_at is not None:
        raise Conflict(f"{use.unikernel} does not run. It takes the certificate when it starts.")
    use.due_at = timezone.now()
    use.save(update_fields=["due_at"])
    outbox.look_again(use.unikernel.share.sync_target)
    _record(
        actor,
        "restart_for_certificate",
        use,
        f"{actor} restarts {use.unikernel} for the renewed certificate of {use.host}.",
    )
    return use


@transaction.atomic
def propose_restarts(*, actor: Actor, zone: Zone, at: datetime) -> list[CertificateUse]:
    """After the certificates in `zone` were looked at: link what names one of them in its arguments, and
    propose the restarts that renewed ones need. Returns what needs one since now.

    What has the first certificate of its host waited for it: it is taken to have that.
    """
    require_worker(actor)
    there = dict(zone.certificates.exclude(fingerprint="").values_list("host", "fingerprint"))
    _link_known(actor, zone)
    rows = CertificateUse.objects.filter(zone=zone, host__in=there, unikernel__deleted_at=None)
    found = []
    for row in rows.exclude(mode=Mode.OFF).select_related(
        "unikernel__share__sync_target", "unikernel__reads__repository"
    ):
        if there[row.host] == row.wanted:
            continue
        is_first = not row.wanted
        row.wanted, row.changed_at, row.started, row.held = there[row.host], at, None, ""
        row.taken = row.wanted if is_first else row.taken
        row.due_at = row.usual_time() if row.is_automatic else None
        row.save(update_fields=["wanted", "taken", "changed_at", "started", "held", "due_at"])
        if not row.is_waiting:
            continue
        found.append(row)
        then = "It restarts soon." if row.is_automatic else "Restart it when it suits you."
        said = f"The certificate of {row.host} was renewed; {row.unikernel} goes on with the old one. {then}"
        _record(actor, "propose_restart", row, said)
    return found


def _link_known(actor: Actor, zone: Zone) -> None:
    there = {each.host: each for each in zone.certificates.all()}
    if not there:
        return
    free = Unikernel.objects.filter(
        share__organization=zone.domain.organization_id, certificate_use=None, deleted_at=None
    )
    for unikernel in free.select_related("share__sync_target").order_by("pk")[:_MOST]:
        certificate = there.get(certificate_host(unikernel.arguments))
        if certificate is None:
            continue
        row = _new(unikernel, certificate)
        row.save()
        said = f"{unikernel} uses the certificate of {row.host}, by its arguments."
        _record(actor, "link_certificate", row, said)


def _new(unikernel: Unikernel, certificate: Certificate) -> CertificateUse:
    """It is taken to have the present one."""
    has = certificate.fingerprint
    return CertificateUse(
        unikernel=unikernel, zone=certificate.zone, host=certificate.host, wanted=has, taken=has
    )


def _record(actor: Actor, verb: str, row: CertificateUse, sentence: str) -> None:
    share = row.unikernel.share
    record(
        actor,
        verb,
        row.unikernel,
        sentence,
        organization=share.organization,
        target=share.sync_target,
        after={"unikernel": row.unikernel_id, "host": row.host, "mode": row.mode, "wanted": row.wanted[:16]},
    )


final("Choose another, or unlink it.", "link_certificate")
final("Link it again instead.", "unlink_certificate")
final("It restarts; that cannot be taken back.", "restart_for_certificate")
final("This says what was found; nothing was changed.", "propose_restart", "propose_restarts")
