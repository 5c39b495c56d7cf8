"""Importing an organization's file in two steps, for people: read what it would do, then do exactly that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.locking import lock
from tenants.actions.moving_in import CHANGED, NEW, MovedIn
from tenants.actions.organization_files import import_organization
from tenants.actions.previews import forget_late, require_maker
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid
from tenants.formats.organization_file import has_secrets, is_sealed, read_file
from tenants.formats.text import printable
from tenants.models import Organization, OrganizationImport

KEPT = timedelta(hours=24)
# Earlier previews of the same person for the same organization go.
KEPT_EACH = 2


def require_may_import(actor: Actor, organization: Organization) -> None:
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.DOMAIN, organization)


@transaction.atomic
def preview_organization_import(
    *,
    actor: Actor,
    organization: Organization,
    content: bytes,
    key: str = "",
    name: str = "",
    vouched: bool = False,
    people: bool = False,
) -> OrganizationImport:
    """Keep a file, as it came, with what it would do now. Nothing is changed, and the key is not kept.

    Raises Invalid (field `file` or `key`) for what is no such file, for a key that does not open it, and for
    secrets in the clear: those would be kept then.
    """
    require_may_import(actor, organization)
    with Checks() as checks:
        file = read_file(content, key)
    checks.finish()
    if not is_sealed(content) and has_secrets(file):
        raise Invalid.of(
            "file", "It has secrets that are not sealed, and would lie here.", "Send the sealed file."
        )
    shown = import_organization(
        actor=actor,
        organization=organization,
        content=content,
        key=key,
        vouched=vouched,
        people=people,
        rehearse=True,
    )
    now = timezone.now()
    kept = OrganizationImport.objects.create(
        organization=organization,
        account=actor.account,
        name=printable(name, 100),
        content=content,
        closed=is_sealed(content),
        vouched=vouched,
        people=people,
        created_at=now,
        expires_at=now + KEPT,
        **_columns(shown),
    )
    mine = OrganizationImport.objects.filter(organization=organization, account=actor.account)
    late = list(mine.order_by("-pk").values_list("pk", flat=True)[KEPT_EACH:])
    OrganizationImport.objects.filter(pk__in=late).delete()
    return kept


def _columns(shown: MovedIn) -> dict[str, object]:
    return {
        "lines": [[each.verdict, each.thing, each.why] for each in shown.lines],
        "counts": shown.counts,
        "digest": shown.digest,
    }


def find_organization_import(actor: Actor, organization: Organization, import_id: int) -> OrganizationImport:
    """A preview of this person, not yet forgotten, without its content; Absent for every other."""
    require_may_import(actor, organization)
    mine = OrganizationImport.objects.filter(organization=organization, account=actor.account)
    row = mine.filter(pk=import_id, expires_at__gt=timezone.now()).defer("content").first()
    if row is None:
        raise Absent
    row.organization = organization
    return row


def _require_own(actor: Actor, preview: OrganizationImport) -> None:
    require_may_import(actor, preview.organization)
    require_maker(actor, preview)


def apply_organization_import(
    *,
    actor: Actor,
    preview: OrganizationImport,
    digest: str,
    key: str = "",
    leave_out_refused: bool = False,
) -> OrganizationImport:
    """Do exactly what a preview showed, in one transaction; `digest` names what was seen.

    If something changed since, nothing is done, the preview is made again, and Conflict says so.
    """
    _require_own(actor, preview)
    with transaction.atomic():
        now = _apply(actor, preview, digest, key, leave_out_refused=leave_out_refused)
    if now is None:
        return preview
    OrganizationImport.objects.filter(pk=preview.pk, applied_at=None).update(**_columns(now))
    raise Conflict("Something changed since this preview. It was made again: read it once more.")


def _apply(
    actor: Actor, preview: OrganizationImport, digest: str, key: str, *, leave_out_refused: bool
) -> MovedIn | None:
    """Nothing when it was done; else what it would come to now."""
    lock(preview)
    if preview.applied_at is not None or preview.content is None:
        raise Conflict("This import was done already.")
    if preview.digest != digest:
        raise Conflict("The preview has changed since you read it. Read it again.")
    if not preview.counts.get(NEW, 0) + preview.counts.get(CHANGED, 0):
        raise Conflict("There is nothing to do.")
    given: dict[str, Any] = {
        "actor": actor,
        "organization": preview.organization,
        "content": bytes(preview.content),
        "key": key,
        "vouched": preview.vouched,
        "people": preview.people,
    }
    try:
        with transaction.atomic():
            import_organization(**given, digest=digest, leave_out_refused=leave_out_refused)
    except Conflict:
        return import_organization(**given, rehearse=True)
    preview.applied_at, preview.content = timezone.now(), None
    preview.save(update_fields=["applied_at", "content"])
    return None


@transaction.atomic
def discard_organization_import(*, actor: Actor, preview: OrganizationImport) -> None:
    """Forget a preview and its file; nothing of it was done."""
    _require_own(actor, preview)
    preview.delete()


def forget_organization_imports(*, actor: Actor) -> int:
    """Forget previews whose time is over, with their files."""
    return forget_late(actor, OrganizationImport)
