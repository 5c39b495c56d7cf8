"""What every key of a program is made of, whoever it belongs to: its scope is checked, its row is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, token_scopes, tokens
from tenants.actor import Actor
from tenants.errors import Checks, Invalid, Problem
from tenants.formats.text import check_name
from tenants.models import Account, ApiToken, Domain, Organization

# A last use is noted at most this often: reading must not cost a write each time.
NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Wish:
    """What a key shall be called, and what narrows it; nothing given narrows nothing.

    `days` is how long it works, `idle_days` how long it may lie unused; None for ever.
    """

    name: str
    organization: Organization | None = None
    domain: Domain | None = None
    kinds: Sequence[str] = ()
    verbs: Sequence[str] = ()
    networks: Sequence[str] = ()
    read_only: bool = False
    days: int | None = 90
    idle_days: int | None = None


def checked(actor: Actor, wish: Wish) -> Wish:
    """The wish in its usual form; raises Invalid with every problem, Absent for places not to be seen."""
    checks = Checks()
    name, networks = wish.name, list(wish.networks)
    with checks:
        name = check_name(wish.name, field="name", maximum=100)
    for field, days in (("days", wish.days), ("idle_days", wish.idle_days)):
        if days is not None and not 1 <= days <= token_scopes.LONGEST_DAYS:
            longest = token_scopes.LONGEST_DAYS
            checks.problems.append(
                Problem(field, f"{days} days is not possible.", f"Choose 1 to {longest}, or none.")
            )
    checks.problems += token_scopes.problems_of(kinds=wish.kinds, verbs=wish.verbs)
    with checks:
        networks = token_scopes.check_networks(wish.networks)
    checks.finish()
    _check_place(actor, wish)
    kinds, verbs = sorted(set(wish.kinds)), sorted(set(wish.verbs))
    return replace(wish, name=name, networks=networks, kinds=kinds, verbs=verbs)


def _check_place(actor: Actor, wish: Wish) -> None:
    if wish.organization is not None:
        access.require(actor, access.Verb.VIEW, wish.organization)
    if wish.domain is not None:
        access.require(actor, access.Verb.VIEW, wish.domain)
        if wish.organization is not None and wish.domain.organization_id != wish.organization.pk:
            raise Invalid.of(
                "domain", f"{wish.domain} is not in {wish.organization}.", "Name the domain alone."
            )


def make(account: Account, wish: Wish) -> tuple[ApiToken, str]:
    """Write the row of a checked wish; returns it and the key, which is shown once."""
    key = tokens.new_token(ApiToken.PREFIX)
    row = ApiToken.objects.create(
        account=account,
        organization=wish.organization,
        domain=wish.domain,
        kinds=list(wish.kinds),
        verbs=list(wish.verbs),
        networks=list(wish.networks),
        name=wish.name,
        digest=tokens.digest(key),
        hint=key[:8],
        read_only=wish.read_only,
        expires_at=timezone.now() + timedelta(days=wish.days) if wish.days else None,
        idle_days=wish.idle_days,
    )
    return row, key


def told(row: ApiToken) -> dict[str, Any]:
    """What the audit log may know of a key."""
    return {
        "hint": row.hint,
        "read_only": row.read_only,
        "domain": str(row.domain) if row.domain else None,
        "kinds": row.kinds,
        "verbs": row.verbs,
        "networks": row.networks,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "idle_days": row.idle_days,
    }


def may_what(wish: Wish) -> str:
    """What a program with such a key may do, in words."""
    where = (
        _("in %(value)s") % {"value": wish.domain or wish.organization}
        if wish.domain or wish.organization
        else _("everywhere")
    )
    what = _("read") if wish.read_only else _("read and write")
    if wish.kinds:
        what += f" {', '.join(token_scopes.MANY[kind] for kind in wish.kinds)}"
    return f"{what} {where}"


def is_live(row: ApiToken, now: datetime) -> bool:
    """Neither expired nor unused for too long."""
    ends = (row.expires_at, row.idle_ends_at)
    return all(end is None or end > now for end in ends)


def find_token(key: str, ip: str | None = None) -> ApiToken | None:
    """The live token with this key, or nothing: also where it is used from elsewhere than it may.

    The two look the same to whoever asks, so that a stolen key says nothing of where it would work.
    """
    now = timezone.now()
    row = (
        ApiToken.objects.select_related("account")
        .filter(digest=tokens.digest(key), account__is_active=True)
        .first()
    )
    if row is None or not is_live(row, now) or not token_scopes.is_allowed_from(row.networks, ip):
        return None
    if row.last_used_at is None or now - row.last_used_at > NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row
