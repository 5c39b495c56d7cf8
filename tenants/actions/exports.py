"""Taking a domain or a whole organization along: asked for by an owner, made by a worker, fetched once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

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
from tenants.models import Account, Domain, Export, Organization
from tenants.models.sync import LONG_AGO
from tenants.notices import EXPORT_ASKED

QUEUE = "images"
LASTS = timedelta(hours=1)
"""How long a worker may take, and then how long it can be fetched."""
KEPT = timedelta(days=30)
"""How long what became of it is told; events are kept anyway."""
_AT_ONCE = 100
State = Export.State


@dataclass(frozen=True)
class AskedExport:
    """An export and the key that opens it, which nobody is told again; empty for one without secrets."""

    row: Export
    key: str = field(repr=False)


@transaction.atomic
def ask_for_export(*, actor: Actor, domain: Domain) -> AskedExport:
    """Have a worker put together everything of a domain, secrets included. An earlier one is given up.

    All owners are told: nobody takes the secrets of a domain along unnoticed.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.EXPORT, domain.organization)
    lock(domain)
    row, key = _begin(actor, Export.objects.filter(domain=domain), domain.organization, domain, secrets=True)
    record(
        actor,
        "ask_for_export",
        row,
        f"{actor} asked for an export of {domain}, with all its secrets.",
        domain=domain,
    )
    _tell_owners(actor, domain)
    return AskedExport(row, key)


@transaction.atomic
def ask_for_organization_export(
    *, actor: Actor, organization: Organization, secrets: bool = False
) -> AskedExport:
    """Have a worker write a whole organization into one file, which another Rookery imports; with `secrets`
    it is sealed, and all owners are told. An earlier one is given up.

    Whoever is narrowed to a domain cannot: the file holds all of them.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.EXPORT, organization)
    access.require_no_domain(actor)
    lock(organization)
    earlier = Export.objects.filter(organization=organization, domain=None)
    row, key = _begin(actor, earlier, organization, None, secrets=secrets)
    told = "with its secrets, sealed" if secrets else "without secrets"
    record(
        actor,
        "ask_for_organization_export",
        row,
        f"{actor} asked for an export of {organization}, {told}.",
        organization=organization,
        after={"secrets": secrets},
    )
    if secrets:
        _tell_owners_of_all(actor, organization)
    return AskedExport(row, key)


def _begin(
    actor: Actor, earlier: Any, organization: Organization, domain: Domain | None, *, secrets: bool
) -> tuple[Export, str]:
    """Give up what is open, and begin anew; returns the key that opens it, too."""
    earlier.filter(state__in=Export.OPEN).update(state=State.REPLACED, archive=None)
    key, now = new_key() if secrets else None, timezone.now()
    row = Export.objects.create(
        organization=organization,
        domain=domain,
        asked_by=actor.account,
        public_key=key.public if key is not None else None,
        asked_at=now,
        expires_at=now + LASTS,
    )
    outbox.hint_on_commit("make_export", row.pk, QUEUE)
    return row, key.private if key is not None else ""


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


def _tell_owners_of_all(actor: Actor, organization: Organization) -> None:
    def line() -> str:
        return _("An export of %(organization)s was asked for") % {"organization": organization}

    def mail(_account: Account) -> Letter:
        body = _(
            "Hello,\n\n%(actor)s asked for an export of all of %(organization)s: its domains with their"
            " addresses and the hashes of their passphrases, and the keys and seeds of its servers. It can be"
            " fetched for an hour, once.\n\nIf that should not be, ask for a new one, which ends this one,"
            " and change what is secret:\n%(page)s\n"
        )
        page = f"{settings.BASE_URL}/o/{organization.pk}/export"
        return Letter(line(), body % {"actor": actor, "organization": organization, "page": page})

    about = About(f"/o/{organization.pk}/export", thing=organization, organization=organization)
    notify(EXPORT_ASKED, about, line=line, mail=mail)


@transaction.atomic
def record_export(
    *,
    actor: Actor,
    export: Export,
    archive: bytes = b"",
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
    export.archive = None if problem else archive
    export.size, export.files, export.problem = size, files, problem[:300]
    export.made_at, export.expires_at, export.claimed_until = now, now + LASTS, LONG_AGO
    export.save()
    told = "could not be made" if problem else "was made"
    record(actor, "record_export", export, f"The export of {export.thing} {told}.", **_where(export))


def _where(export: Export) -> dict[str, Any]:
    return {"organization": export.organization, "domain": export.domain}


@transaction.atomic
def fetch_export(*, actor: Actor, export: Export, key: str = "") -> bytes:
    """Return what was asked for, and forget it: the archive of a domain (tar.gz) opened with its `key`, the
    file of an organization as a worker wrote it, which stays sealed if it has secrets.

    Raises Invalid for a wrong key, and Conflict for one that is not there.
    """
    access.require(actor, access.Verb.VIEW, export)
    access.require(actor, access.Verb.CHANGE, export)
    lock(export)
    if export.state == State.WAITING:
        with_key = ", with the same key" if export.has_secrets else ""
        raise Conflict(f"A worker still puts it together. Try again in a moment{with_key}.")
    if export.state != State.READY or export.archive is None or export.expires_at <= timezone.now():
        raise Conflict("This export is not there any more. Ask for a new one.")
    archive = bytes(export.archive)
    if export.domain is not None:
        try:
            archive = opened(archive, key)
        except FormatError as error:
            raise Invalid.of("key", error.problem, error.fix) from None
    export.state, export.archive, export.fetched_at = State.FETCHED, None, timezone.now()
    export.save(update_fields=["state", "archive", "fetched_at"])
    secrets = "with its secrets" if export.has_secrets else "without secrets"
    told = "with all its secrets" if export.domain is not None else secrets
    sentence = f"{actor} fetched the export of {export.thing}, {told}."
    record(actor, "fetch_export", export, sentence, **_where(export))
    return archive


@transaction.atomic
def expire_exports(*, actor: Actor) -> int:
    """Forget the archives that nobody fetched in time; returns how many there were."""
    if not actor.system:
        raise Forbidden("Rookery does that by itself.")
    now = timezone.now()
    late = Export.objects.filter(state__in=Export.OPEN, expires_at__lte=now)
    rows = list(late.select_related("domain", "organization").order_by("pk")[:_AT_ONCE])
    for row in rows:
        lock(row)
        if row.state not in Export.OPEN or row.expires_at > now:
            continue
        row.state, row.archive = State.EXPIRED, None
        row.save(update_fields=["state", "archive"])
        record(actor, "expire_exports", row, f"Nobody fetched {row} in time.", **_where(row))
    Export.objects.exclude(state__in=Export.OPEN).filter(asked_at__lt=now - KEPT).delete()
    return len(rows)


final("Ask for a new export: that ends this one.", "ask_for_export", "ask_for_organization_export")
final("It was made; nothing else was changed.", "record_export")
final("What was fetched cannot be taken back. Change what is secret.", "fetch_export")
final("Ask for a new export.", "expire_exports")
