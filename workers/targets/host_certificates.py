"""Renewed certificates as part of a pass over a host: who serves with an old one, and takes the new one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import F, QuerySet

from tenants.formats.restarts import CERTIFICATE, Held, Waiting
from tenants.models import Certificate, CertificateUse, Condition, HostShare
from workers.albatross.values import UnikernelInfo
from workers.targets.base import Pass, Statement
from workers.targets.reader_certificates import certificate_problem

_MOST_NAMED = 5


def look(current: Pass, share: HostShare, running: Mapping[str, UnikernelInfo]) -> dict[int, CertificateUse]:
    """By unikernel, what is to restart for its certificate. Whose start is another one than when the need
    was seen first was restarted meanwhile, by whomever, and has the new one."""
    found: dict[int, CertificateUse] = {}
    for use in _waiting(share).select_related("unikernel__share", "unikernel__reads__repository", "zone"):
        info = running.get(use.unikernel.name)
        started = info.started if info is not None else None
        if use.started is not None and started is not None and started != use.started:
            current.note(f"{use.unikernel} was restarted, and has its renewed certificate")
            took(current, (use.pk, use.wanted))
            continue
        if use.started is None and started is not None:
            with current.write():
                CertificateUse.objects.filter(pk=use.pk).update(started=started)
        if use.due_at is not None:
            found[use.unikernel_id] = use
    return found


def _waiting(share: HostShare) -> QuerySet[CertificateUse]:
    return CertificateUse.objects.filter(
        CertificateUse.WAITING,
        unikernel__share=share,
        unikernel__deleted_at=None,
        unikernel__running=True,
    )


def waiting_of(use: CertificateUse, now: datetime) -> Waiting:
    """Of what reads no repository."""
    problem = certificate_problem(use.unikernel, now)
    return Waiting(use.unikernel.name, 0, CERTIFICATE, use.due_at or now, problem=problem)


def about_to_take(share: HostShare, label: str) -> tuple[int, str] | None:
    """Of a unikernel that starts: its use, and the certificate that it finds in the zone."""
    use = CertificateUse.objects.filter(unikernel__share=share, unikernel__name=label).first()
    if use is None:
        return None
    there = Certificate.objects.filter(zone=use.zone_id, host=use.host).first()
    return (use.pk, there.fingerprint) if there is not None and there.fingerprint else None


def remember_sent(current: Pass, use: CertificateUse, started: datetime | None) -> None:
    """Before a restart is sent. Should no answer come, it is not sent again at once."""
    again = current.now + use.pace.between(urgent=False)
    with current.write():
        CertificateUse.objects.filter(pk=use.pk).update(started=started, due_at=again)


def was_not_sent(current: Pass, use: CertificateUse) -> None:
    with current.write():
        CertificateUse.objects.filter(pk=use.pk).update(due_at=current.now)


def took(current: Pass, certificate: tuple[int, str] | None) -> None:
    """It started, and has what `about_to_take` found, or a newer one."""
    if certificate is None:
        return
    use, fingerprint = certificate
    rows = CertificateUse.objects.filter(pk=use)
    with current.write():
        rows.update(taken=fingerprint, restarted_at=current.now, started=None, held="")
        rows.filter(wanted=F("taken")).update(due_at=None)


def tell_held(current: Pass, uses: Mapping[str, CertificateUse], held: tuple[Held, ...]) -> None:
    """Keep why something does not restart, for people."""
    whys = {each.label: each.why[:500] for each in held}
    for label, use in uses.items():
        if use.held != whys.get(label, ""):
            with current.write():
                CertificateUse.objects.filter(pk=use.pk).update(held=whys.get(label, ""))


def next_due(share: HostShare) -> datetime | None:
    rows = _waiting(share).exclude(due_at=None).order_by("due_at")
    return rows.values_list("due_at", flat=True).first()


def statement(share: HostShare) -> Statement | None:
    """What waits for a person, or for the certificate; None where nothing uses one."""
    if not CertificateUse.objects.filter(unikernel__share=share).exists():
        return None
    kind = Condition.Type.CERTIFICATES
    rows = list(_waiting(share).select_related("unikernel").order_by("unikernel__name"))
    needing = [row for row in rows if row.due_at is None or row.held]
    if not needing:
        return Statement(kind, False, "none", "No renewed certificate waits for somebody.")
    told = " ".join(_said(row) for row in needing[:_MOST_NAMED])
    more = f" And {len(needing) - _MOST_NAMED} more." if len(needing) > _MOST_NAMED else ""
    names = {"unikernels": [str(row.unikernel) for row in needing[:50]]}
    return Statement(kind, True, "restart-proposed", f"{told}{more}", names)


def _said(row: CertificateUse) -> str:
    if row.held:
        return row.held
    name = row.unikernel
    return f"The certificate of {row.host} was renewed, and {name} goes on with the old one: restart it."
