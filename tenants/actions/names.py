"""Names that are held back: reserved for the domain's team, or never given again."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid, Problem
from tenants.formats.addresses import check_local_part
from tenants.formats.reserved_names import RESERVED_NAMES
from tenants.formats.text import check_text, printable
from tenants.models import Canary, Domain, HeldName, Mailbox

_AT_ONCE = 500


def held_among(domain: Domain, local_parts: Sequence[str]) -> dict[str, HeldName]:
    """Which of these names are held back, for whoever gives many at once; *never again* goes first."""
    found: dict[str, HeldName] = {}
    for start in range(0, len(local_parts), _AT_ONCE):
        rows = HeldName.objects.filter(domain=domain, local_part__in=local_parts[start : start + _AT_ONCE])
        for row in rows:
            if row.kind == HeldName.Kind.NEVER or row.local_part not in found:
                found[row.local_part] = row
    return found


def why_not_free(held: HeldName, actor: Actor) -> Problem | None:
    """What keeps `actor` from giving this name; nothing where it is reserved for people like the actor."""
    shown = f"“{held.local_part}”"
    if held.kind == HeldName.Kind.NEVER:
        reason = f": {held.reason.rstrip('.')}" if held.reason else ""
        return Problem(
            "local_part",
            f"{shown} is not given again. {held.by_name} said so on {held.since:%-d %B %Y}{reason}.",
            "Choose another name. An owner can take it off the list in the domain's settings.",
        )
    if access.may_create(actor, access.Kind.MAILBOX, held.domain):
        return None
    return Problem("local_part", f"{shown} is reserved for the domain's team.", "Choose another name.")


def require_free_name(domain: Domain, local_part: str, actor: Actor) -> None:
    """Raise Invalid for a name that is never given again, or reserved and not for this actor to give."""
    held = held_among(domain, [local_part]).get(local_part)
    problem = why_not_free(held, actor) if held is not None else None
    if problem is not None:
        raise Invalid([problem])


def insert_held_name(actor: Actor, domain: Domain, local_part: str, kind: str, reason: str) -> HeldName:
    """The row itself; one that is there stays as it is."""
    row, _ = HeldName.objects.get_or_create(
        domain=domain,
        local_part=local_part,
        kind=kind,
        defaults={
            "reason": reason,
            "since": timezone.now(),
            "by": actor.account,
            "by_name": str(actor)[:300],
        },
    )
    return row


def reserve_usual_names(domain: Domain) -> None:
    """What a new domain does not give to strangers, until somebody takes a name off the list."""
    now, kind = timezone.now(), HeldName.Kind.RESERVED
    HeldName.objects.bulk_create(
        HeldName(
            domain=domain,
            local_part=name,
            kind=kind,
            reason="a name that people and machines believe",
            since=now,
            by_name="Rookery",
        )
        for name in RESERVED_NAMES
    )


def check_reason(reason: str) -> str:
    return check_text(reason, field="reason", maximum=200) if reason else ""


@transaction.atomic
def hold_name(
    *, actor: Actor, domain: Domain, local_part: str, kind: str = HeldName.Kind.NEVER, reason: str = ""
) -> HeldName:
    """Keep a name back. One that is in use cannot be *never again*: deleting it offers that."""
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.HELD_NAME, domain)
    checks = Checks()
    with checks:
        local_part = check_local_part(local_part)
    with checks:
        reason = check_reason(reason)
    if kind not in HeldName.Kind.values:
        problem = f"“{printable(kind, 40)}” is no choice."
        checks.problems.append(Problem("kind", problem, "Choose reserved or never."))
    checks.finish()
    lock(domain)
    used = Mailbox.objects.filter(domain=domain, local_part=local_part, trashed_at=None)
    if kind == HeldName.Kind.NEVER and used.exists():
        raise Invalid.of(
            "local_part",
            f"{local_part}@{domain.name} is in use.",
            "Delete that address, and choose there that the name is not given again.",
        )
    if HeldName.objects.filter(domain=domain, local_part=local_part, kind=kind).exists():
        raise Conflict(f"“{local_part}” is on the list already.")
    held = insert_held_name(actor, domain, local_part, kind, reason)
    record(
        actor,
        "hold_name",
        held,
        f"{held} is {held.get_kind_display()} from now on.",
        domain=domain,
        after={"kind": kind, "reason": reason},
    )
    return held


@transaction.atomic
def release_name(*, actor: Actor, held: HeldName) -> None:
    """Take a name off the list: from now on it can be given like any other."""
    access.require(actor, access.Verb.DELETE, held)
    lock(held)
    if Canary.objects.filter(stack__domain=held.domain, local_part=held.local_part).exists():
        raise Conflict(f"{held} is the address of the mail stack's canary, as long as there is a stack.")
    record(
        actor,
        "release_name",
        held,
        f"{held} may be given again.",
        domain=held.domain,
        before={"kind": held.kind, "reason": held.reason},
    )
    held.delete()


final("The list of names is changed by hand.", "hold_name", "release_name")
