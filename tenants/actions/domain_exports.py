"""Taking a whole domain along: asked for by an owner, made by a worker, fetched once with a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.text import FormatError
from tenants.formats.way_out.archive import new_key, opened
from tenants.models import Account, Domain, DomainExport
from tenants.models.sync import LONG_AGO
from tenants.notices import EXPORT_ASKED

QUEUE = "images"
LASTS = timedelta(hours=1)
"""How long a worker may take, and then how long it can be fetched."""
KEPT = timedelta(days=30)
"""How long what became of it is told; events are kept anyway."""
_AT_ONCE = 100
State = DomainExport.State


@dataclass(frozen=True)
class AskedExport:
    """An export and the key that opens it, which nobody is told again."""

    row: DomainExport
    key: str = field(repr=False)


@transaction.atomic
def ask_for_export(*, actor: Actor, domain: Domain) -> AskedExport:
    """Have a worker put together everything of a domain, secrets included. An earlier one is given up.

    All owners are told: nobody takes the secrets of a domain along unnoticed.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.EXPORT, domain.organization)
    lock(domain)
    DomainExport.objects.filter(domain=domain, state__in=DomainExport.OPEN).update(
        state=State.REPLACED, sealed_archive=None
    )
    key, now = new_key(), timezone.now()
    row = DomainExport.objects.create(
        domain=domain,
        asked_by=actor.account,
        public_key=key.public,
        asked_at=now,
        expires_at=now + LASTS,
    )
    outbox.hint_on_commit("make_domain_export", row.pk, QUEUE)
    record(
        actor,
        "ask_for_export",
        row,
        f"{actor} asked for an export of {domain}, with all its secrets.",
        domain=domain,
    )
    _tell_owners(actor, domain)
    return AskedExport(row, key.private)


def _tell_owners(actor: Actor, domain: Domain) -> None:
    def line() -> str:
        return _("An export of %(domain)s was asked for") % {"domain": domain}

    def mail(_account: Account) -> Letter:
        body = _(
            "Hello,\n\n%(actor)s asked for an export of %(domain)s: all addresses with the hashes of their"
            " passphrases, the zone, and the keys and seeds of its servers. It can be fetched for an hour,"
            " once.\n\nIf that should not be, ask for a new one, which ends this one, and change what is"
            " secret:\n%(page)s\n"
        )
        page = f"{settings.BASE_URL}/d/{domain}/way-out"
        return Letter(line(), body % {"actor": actor, "domain": domain, "page": page})

    about = About(f"/d/{domain}/way-out", thing=domain, domain=domain)
    notify(EXPORT_ASKED, about, line=line, mail=mail)


@transaction.atomic
def record_export(
    *,
    actor: Actor,
    export: DomainExport,
    sealed_archive: bytes = b"",
    size: int = 0,
    files: int = 0,
    problem: str = "",
) -> None:
    """Keep the sealed archive that a worker made, or why it could not. Nothing is kept of one that was
    replaced or ended meanwhile."""
    if not actor.system:
        raise Forbidden("Only Rookery's workers can put an export together.")
    lock(export)
    if export.state != State.WAITING:
        return
    now = timezone.now()
    export.state = State.FAILED if problem else State.READY
    export.sealed_archive = None if problem else sealed_archive
    export.size, export.files, export.problem = size, files, problem[:300]
    export.made_at, export.expires_at, export.claimed_until = now, now + LASTS, LONG_AGO
    export.save()
    told = "could not be made" if problem else "was made"
    record(actor, "record_export", export, f"The export of {export.domain} {told}.", domain=export.domain)


@transaction.atomic
def fetch_export(*, actor: Actor, export: DomainExport, key: str) -> bytes:
    """Return the archive (tar.gz) in the clear, and forget it. Raises Invalid for a wrong key, and Conflict
    for one that is not there."""
    access.require(actor, access.Verb.VIEW, export)
    access.require(actor, access.Verb.CHANGE, export)
    lock(export)
    if export.state == State.WAITING:
        raise Conflict("A worker still puts it together. Try again in a moment, with the same key.")
    box = export.sealed_archive
    if export.state != State.READY or box is None or export.expires_at <= timezone.now():
        raise Conflict("This export is not there any more. Ask for a new one.")
    try:
        archive = opened(bytes(box), key)
    except FormatError as error:
        raise Invalid.of("key", error.problem, error.fix) from None
    export.state, export.sealed_archive, export.fetched_at = State.FETCHED, None, timezone.now()
    export.save(update_fields=["state", "sealed_archive", "fetched_at"])
    record(
        actor,
        "fetch_export",
        export,
        f"{actor} fetched the export of {export.domain}, with all its secrets.",
        domain=export.domain,
    )
    return archive


@transaction.atomic
def expire_exports(*, actor: Actor) -> int:
    """Forget the archives that nobody fetched in time; returns how many there were."""
    if not actor.system:
        raise Forbidden("Rookery does that by itself.")
    now = timezone.now()
    late = DomainExport.objects.filter(state__in=DomainExport.OPEN, expires_at__lte=now)
    rows = list(late.select_related("domain__organization").order_by("pk")[:_AT_ONCE])
    for row in rows:
        lock(row)
        if row.state not in DomainExport.OPEN or row.expires_at > now:
            continue
        row.state, row.sealed_archive = State.EXPIRED, None
        row.save(update_fields=["state", "sealed_archive"])
        record(actor, "expire_exports", row, f"Nobody fetched {row} in time.", domain=row.domain)
    DomainExport.objects.exclude(state__in=DomainExport.OPEN).filter(asked_at__lt=now - KEPT).delete()
    return len(rows)


final("Ask for a new export: that ends this one.", "ask_for_export")
final("It was made; nothing else was changed.", "record_export")
final("What was fetched cannot be taken back. Change what is secret.", "fetch_export")
final("Ask for a new export.", "expire_exports")
