"""Roles on one domain: given to people who need not belong to its organization, and taken back."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import access
from tenants.actions.accounts import account_for, first_link
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import undoable
from tenants.actions.sessions import rotate_sessions
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import printable
from tenants.models import Account, Domain, DomainRole, Event

Role = DomainRole.Role
MOST_ROLES = 200

MAY = {
    Role.DECIDER: gettext_lazy("You may decide who gets an address there."),
    Role.POSTMASTER: gettext_lazy("You may make, change and delete its addresses."),
    Role.ZONE_KEEPER: gettext_lazy("You may change its DNS records."),
    Role.OBSERVER: gettext_lazy("You may look at everything of it and change nothing."),
}


@transaction.atomic
def give_domain_role(*, actor: Actor, domain: Domain, email: str, role: str) -> DomainRole:
    """Give somebody a role on one domain; who is new gets a link to sign in by mail.

    A person may have several roles, and a role may be given to several people.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.DOMAIN_ROLE, domain)
    checks = Checks()
    if role not in Role.values:
        fix = f"Choose one of {', '.join(Role.values)}."
        checks.problems.append(Problem("role", f"“{printable(role, 40)}” is no role on a domain.", fix))
    with checks:
        email = check_target(email, field="email")
    checks.finish()
    account = account_for(email)
    lock(domain)
    lock(account)
    before = _roles_of(domain, account.email)
    if role in before:
        raise Invalid.of(
            "email", f"{account.email} {Role(role).label} here already.", "Choose another role or person."
        )
    if domain.roles.count() >= MOST_ROLES:
        raise Conflict(f"{MOST_ROLES} roles are given on {domain}. Take one back first.")
    try:
        with transaction.atomic():
            row = DomainRole.objects.create(domain=domain, account=account, role=role)
    except IntegrityError as error:
        raise Conflict(f"{account.email} was given that by somebody else just now.") from error
    if account != actor.account:
        rotate_sessions(account)
        _welcome(actor, row)
    record(
        actor,
        "give_domain_role",
        account.email,
        f"{account.email} {row.get_role_display()} of {domain}.",
        domain=domain,
        before={"roles": before},
        after={"roles": sorted([*before, role])},
    )
    return row


@transaction.atomic
def take_domain_role(*, actor: Actor, role: DomainRole) -> None:
    """Take a role on a domain back, at once. Who has it may lay it down by themselves."""
    domain, account = role.domain, role.account
    if actor.account is None or actor.account.pk != role.account_id or actor.token:
        access.require(actor, access.Verb.DELETE, role)
    lock(domain)
    lock(account)
    if not domain.roles.filter(pk=role.pk).exists():
        raise Absent
    before = _roles_of(domain, account.email)
    end_domain_role(role)
    record(
        actor,
        "take_domain_role",
        account.email,
        f"{account.email} no longer {role.get_role_display()} of {domain}.",
        domain=domain,
        before={"roles": before},
        after={"roles": [each for each in before if each != role.role]},
    )


def end_domain_role(role: DomainRole) -> None:
    """Remove the row; whoever had it gets new keys for their sessions."""
    role.delete()
    rotate_sessions(role.account)


def _roles_of(domain: Domain, email: str) -> list[str]:
    return sorted(domain.roles.filter(account__email=email).values_list("role", flat=True))


def _welcome(actor: Actor, row: DomainRole) -> None:
    account: Account = row.account
    owe_mail(
        recipient=account.email,
        subject=_("You have a part in %(domain)s") % {"domain": row.domain},
        body=(
            _(
                "Hello,\n\n%(actor)s gave you a part in running %(domain)s. %(may)s Open this "
                "page and press the button to sign in:\n\n%(link)s\n\nThe link works once, for "
                "a day. Later, ask for another one:\n\n%(panel)s/sign-in"
            )
            % {
                "actor": actor,
                "domain": row.domain,
                "may": MAY[Role(row.role)],
                "link": first_link(account),
                "panel": settings.BASE_URL,
            }
        ),
    )


# Undoing ---------------------------------------------------------------------------------------------


def _now(domain: Domain, event: Event) -> dict[str, list[str]]:
    return {"roles": _roles_of(domain, event.subject)}


def _restore(actor: Actor, domain: Domain, event: Event) -> None:
    wanted, now = set(event.before["roles"]), set(_roles_of(domain, event.subject))
    for role in sorted(wanted - now):
        give_domain_role(actor=actor, domain=domain, email=event.subject, role=role)
    for row in domain.roles.filter(account__email=event.subject, role__in=now - wanted):
        take_domain_role(actor=actor, role=row)


def _told(domain: Domain, event: Event) -> str:
    roles = " and ".join(Role(role).label for role in event.before["roles"])
    return f"{event.subject} {roles or 'has no role'} of {domain} again."


for _verb in ("give_domain_role", "take_domain_role"):
    undoable(_verb, find=lambda event: event.domain, present=_now, restore=_restore, told=_told)
