"""Quotas of organizations: set by operators, taken by what is made, and given back.

Domains and addresses are counted beside their quota, so that one conditional update decides. The others are
counted while the organization is locked, by `require_room`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from tenants import access
from tenants.actions import gathering
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import undoable
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.models import Domain, Organization
from tenants.quotas import FIELDS, MOST, THINGS, Quota, standing_of, standings_of


@transaction.atomic
def change_quotas(*, actor: Actor, organization: Organization, **quotas: int) -> None:
    """Set how much an organization may have, never below what it has; what is not given stays. For operators.

    They are domain_quota, mailbox_quota, member_quota, token_quota and webhook_quota.
    """
    access.require(actor, access.Verb.VIEW, organization)
    if not actor.is_operator:
        raise Forbidden("Quotas are set by the operators of this Rookery. Ask one of them.")
    access.require(actor, access.Verb.CHANGE, organization)
    lock(organization)
    checks = Checks()
    checks.problems += quota_problems(quotas)
    checks.finish()
    has = standings_of([organization])[organization.pk]
    checks.problems += [
        Problem(
            f"{what}_quota",
            f"It has {each.used:,} {THINGS[what].one if each.used == 1 else THINGS[what].many}.",
            "Choose at least as many.",
        )
        for what, each in has.items()
        if each.used > quotas.get(f"{what}_quota", each.used)
    ]
    checks.finish()
    after = {field: value for field, value in quotas.items() if value != getattr(organization, field)}
    if not after:
        return
    before = {field: getattr(organization, field) for field in after}
    for field, value in after.items():
        setattr(organization, field, value)
    organization.save(update_fields=list(after))
    record(
        actor,
        "change_quotas",
        organization,
        f"The quotas of {organization} were changed.",
        organization=organization,
        before=before,
        after=after,
    )


def quota_problems(quotas: Mapping[str, int]) -> list[Problem]:
    """What is wrong with these quotas in themselves."""
    unknown = quotas.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"no quotas: {', '.join(sorted(unknown))}")
    return [
        Problem(field, f"{value} is not possible.", f"Choose 0 to {MOST:,}.")
        for field, value in quotas.items()
        if not 0 <= value <= MOST
    ]


def require_room(organization: Organization, what: str) -> None:
    """Raise Invalid unless the organization may have one more. The caller has locked it, and makes that one
    before it lets go: then two at the same time cannot both have the last."""
    _require(organization, standing_of(organization, what), 1)


def take_quota(organization: Organization, what: str, count: int = 1) -> None:
    """Use up `count` of the organization's quota of `what` (domain or mailbox) by one conditional update."""
    used, quota = f"{what}_count", f"{what}_quota"
    changed = Organization.objects.filter(pk=organization.pk, **{f"{used}__lte": F(quota) - count}).update(
        **{used: F(used) + count}
    )
    if not changed:
        require_quota(organization, what, count)
        raise Conflict(f"The quota of {organization} was changed just now. Try again.")


def require_quota(organization: Organization, what: str, count: int) -> None:
    """Raise Invalid unless the organization may have `count` more, as far as it is known now."""
    organization.refresh_from_db()
    _require(organization, standing_of(organization, what), count)


def _require(organization: Organization, has: Quota, count: int) -> None:
    if count <= has.left:
        return
    thing = THINGS[has.what]
    more = f" and this needs {count:,} more" if count > 1 else ""
    raise Invalid.of(
        "organization",
        f"{organization} has {has.used:,} of {has.quota:,} {thing.many}{more}.",
        f"{thing.free_some}, or ask an operator for more.",
    )


def give_quota_back(organization: Organization, what: str, count: int = 1) -> None:
    used = f"{what}_count"
    Organization.objects.filter(pk=organization.pk, **{f"{used}__gte": count}).update(
        **{used: F(used) - count}
    )


def take_addresses(domain: Domain, count: int = 1) -> None:
    """Use up the quota of addresses of whoever has the domain; Absent where it was handed over meanwhile."""
    take_quota(domain.organization, "mailbox", count)
    _require_still(domain)


def give_addresses_back(domain: Domain, count: int = 1) -> None:
    """The other way; of a set of addresses, together at its end."""
    gathered = gathering.current()
    if gathered is not None:
        gathered.given_back.extend([domain] * count)
        return
    give_quota_back(domain.organization, "mailbox", count)
    _require_still(domain)


def give_back_gathered(gathered: gathering.Gathered) -> None:
    for domain, count in sorted(
        Counter(gathered.given_back).items(), key=lambda each: each[0].organization_id
    ):
        give_quota_back(domain.organization, "mailbox", count)
        _require_still(domain)


def _require_still(domain: Domain) -> None:
    """Whoever changed its quota holds the organization, and so does a hand-over until its end. What is
    counted at one that has the domain no more would be wrong there for good."""
    gathered = gathering.current()
    if gathered is not None and domain.pk in gathered.still_theirs:
        return
    if not Domain.objects.filter(pk=domain.pk, organization=domain.organization_id).exists():
        raise Absent
    if gathered is not None:
        gathered.still_theirs.append(domain.pk)


undoable(
    "change_quotas",
    find=lambda event: event.organization,
    present=lambda organization, event: {name: getattr(organization, name) for name in event.after},
    restore=lambda actor, organization, event: change_quotas(
        actor=actor, organization=organization, **event.before
    ),
    told=lambda organization, event: f"{organization} gets the quotas that it had before.",
    needs=access.Verb.MANAGE,  # operators only
)
