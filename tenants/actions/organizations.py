"""Organizations, their people and quotas."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from tenants import access
from tenants.actions import gathering
from tenants.actions.accounts import account_for, first_link
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import check_name, printable
from tenants.models import Account, Event, Membership, Organization

Role = Membership.Role


@transaction.atomic
def create_organization(
    *, actor: Actor, name: str, domain_quota: int = 10, mailbox_quota: int = 1000
) -> Organization:
    """Make an organization; the operator who makes it becomes its first owner."""
    access.require_create(actor, access.Kind.ORGANIZATION, None)
    checks = Checks()
    with checks:
        name = check_name(name, field="name", maximum=100)
    checks.problems += _quota_problems(domain_quota=domain_quota, mailbox_quota=mailbox_quota)
    checks.finish()
    if Organization.objects.filter(name__iexact=name).exists():
        raise Invalid.of("name", f"There is an organization “{name}” already.", "Choose another name.")
    try:
        with transaction.atomic():
            organization = Organization.objects.create(
                name=name, domain_quota=domain_quota, mailbox_quota=mailbox_quota
            )
    except IntegrityError as error:
        raise Conflict(f"An organization “{name}” was made by somebody else just now.") from error
    if actor.account is not None:
        Membership.objects.create(organization=organization, account=actor.account, role=Role.OWNER)
    record(
        actor,
        "create_organization",
        name,
        f"The organization {name} was made.",
        organization=organization,
        after={"domain_quota": domain_quota, "mailbox_quota": mailbox_quota},
    )
    return organization


@transaction.atomic
def change_quotas(*, actor: Actor, organization: Organization, domain_quota: int, mailbox_quota: int) -> None:
    """Set how much an organization may have. Only operators; never below what it has."""
    access.require(actor, access.Verb.VIEW, organization)
    if not actor.is_operator:
        raise Forbidden("Quotas are set by the operators of this Rookery. Ask one of them.")
    access.require(actor, access.Verb.CHANGE, organization)
    lock(organization)
    checks = Checks()
    checks.problems += _quota_problems(domain_quota=domain_quota, mailbox_quota=mailbox_quota)
    checks.finish()
    before = {"domain_quota": organization.domain_quota, "mailbox_quota": organization.mailbox_quota}
    after = {"domain_quota": domain_quota, "mailbox_quota": mailbox_quota}
    if organization.domain_count > domain_quota or organization.mailbox_count > mailbox_quota:
        raise Invalid.of(
            "domain_quota" if organization.domain_count > domain_quota else "mailbox_quota",
            f"It has {organization.domain_count} domains and {organization.mailbox_count} addresses.",
            "Choose at least as many.",
        )
    if after == before:
        return
    organization.domain_quota, organization.mailbox_quota = domain_quota, mailbox_quota
    organization.save(update_fields=["domain_quota", "mailbox_quota"])
    record(
        actor,
        "change_quotas",
        organization,
        f"The quotas of {organization} were changed.",
        organization=organization,
        before=before,
        after=after,
    )


@transaction.atomic
def add_member(*, actor: Actor, organization: Organization, email: str, role: str) -> Membership:
    """Let a person into an organization, or change their role; who is new gets a link to sign in by mail."""
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.MEMBERSHIP, organization)
    checks = Checks()
    if role not in Role.values:
        choices = ", ".join(Role.values)
        checks.problems.append(
            Problem("role", f"“{printable(role, 40)}” is no role.", f"Choose one of {choices}.")
        )
    with checks:
        email = check_target(email, field="email")
    checks.finish()
    account = account_for(email)
    lock(organization)
    lock(account)
    row = Membership.objects.filter(organization=organization, account=account).first()
    before = {"role": row.role if row else ""}
    if row is not None and row.role == role:
        return row
    if row is None:
        try:
            with transaction.atomic():
                row = Membership.objects.create(organization=organization, account=account, role=role)
        except IntegrityError as error:
            raise Conflict(f"{account.email} was added by somebody else just now.") from error
        _welcome(actor, organization, account, role)
    else:
        keep_an_owner(organization, row, role)
        row.role = role
        row.save(update_fields=["role"])
    record(
        actor,
        "add_member",
        account.email,
        f"{account.email} is {role} of {organization}.",
        organization=organization,
        before=before,
        after={"role": role},
    )
    return row


_MAY = {
    Role.OWNER: "You may do everything in it.",
    Role.MANAGER: "You may make and change its addresses and decide requests.",
    Role.VIEWER: "You may look at everything in it and change nothing.",
}


def _welcome(actor: Actor, organization: Organization, account: Account, role: str) -> None:
    if account == actor.account:
        return
    owe_mail(
        recipient=account.email,
        subject=f"You are {role} of {organization}",
        body=(
            f"Hello,\n\n{actor} made you {role} of {organization}. {_MAY[Role(role)]}"
            f" Open this page and press the button to sign in:\n\n{first_link(account)}\n\n"
            "The link works once, for a day. Later, ask for another one:\n\n"
            f"{settings.BASE_URL}/sign-in\n\n"
            "If you do not want this, leave the organization on the page of your account."
        ),
    )


@transaction.atomic
def remove_member(*, actor: Actor, membership: Membership) -> None:
    """Let a person go. The last owner stays."""
    access.require(actor, access.Verb.DELETE, membership)
    organization = membership.organization
    lock(organization)
    lock(membership)
    keep_an_owner(organization, membership, "")
    email, role = membership.account.email, membership.role
    membership.delete()
    record(
        actor,
        "remove_member",
        email,
        f"{email} left {organization}.",
        organization=organization,
        before={"role": role},
        after={"role": ""},
    )


def keep_an_owner(organization: Organization, membership: Membership, new_role: str) -> None:
    """Refuse that the last owner leaves or steps down; the caller holds the organization."""
    others = organization.memberships.filter(~Q(pk=membership.pk), role=Role.OWNER, account__is_active=True)
    if membership.role == Role.OWNER and new_role != Role.OWNER and not others.exists():
        raise Invalid.of(
            "role", f"{membership.account.email} is the last owner.", "Make somebody else owner first."
        )


def _quota_problems(**quotas: int) -> list[Problem]:
    return [
        Problem(field, f"{value} is not possible.", "Choose 0 to 1,000,000.")
        for field, value in quotas.items()
        if not 0 <= value <= 1_000_000
    ]


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
    used, quota = getattr(organization, f"{what}_count"), getattr(organization, f"{what}_quota")
    if used + count <= quota:
        return
    word = "addresses" if what == "mailbox" else "domains"
    more = f" and this needs {count:,} more" if count > 1 else ""
    raise Invalid.of(
        "organization",
        f"{organization} has {used:,} of {quota:,} {word}{more}.",
        f"Delete {word} that nobody needs, or ask an operator for more.",
    )


def give_quota_back(organization: Organization, what: str, count: int = 1) -> None:
    """Of a set of addresses, together at its end."""
    gathered = gathering.current()
    if gathered is not None:
        gathered.given_back.extend([(organization.pk, what)] * count)
        return
    _give_back(organization.pk, what, count)


def give_back_gathered(gathered: gathering.Gathered) -> None:
    for (organization_id, what), count in sorted(Counter(gathered.given_back).items()):
        _give_back(organization_id, what, count)


def _give_back(organization_id: int, what: str, count: int) -> None:
    used = f"{what}_count"
    Organization.objects.filter(pk=organization_id, **{f"{used}__gte": count}).update(
        **{used: F(used) - count}
    )


# Undoing ---------------------------------------------------------------------------------------------


def _role_now(organization: Organization, event: Event) -> dict[str, str]:
    row = organization.memberships.filter(account__email=event.subject).first()
    return {"role": row.role} if row is not None else {"role": ""}


def _role_before(actor: Actor, organization: Organization, event: Event) -> None:
    role = event.before.get("role", "")
    if role:
        add_member(actor=actor, organization=organization, email=event.subject, role=role)
        return
    membership = organization.memberships.select_related("account").get(account__email=event.subject)
    remove_member(actor=actor, membership=membership)


def _told_role(organization: Organization, event: Event) -> str:
    role = event.before.get("role", "")
    return f"{event.subject} is {role} of {organization} again." if role else f"{event.subject} leaves."


for _verb in ("add_member", "remove_member"):
    undoable(
        _verb,
        find=lambda event: event.organization,
        present=_role_now,
        restore=_role_before,
        told=_told_role,
    )
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
final("An organization cannot be deleted here. Set its quotas to 0 to close it.", "create_organization")
