"""Organizations and their people."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import access
from tenants.actions.accounts import account_for, first_link
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.quotas import quota_problems, require_room
from tenants.actions.reversals import final, undoable
from tenants.actions.sessions import rotate_sessions
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import check_name, printable
from tenants.models import Account, Event, Membership, Organization
from tenants.quotas import quotas_of

Role = Membership.Role


@transaction.atomic
def create_organization(*, actor: Actor, name: str, **quotas: int) -> Organization:
    """Make an organization; the operator who makes it becomes its first owner.

    `quotas` are those of `change_quotas`; what is not given is as usual.
    """
    access.require_create(actor, access.Kind.ORGANIZATION, None)
    checks = Checks()
    with checks:
        name = check_name(name, field="name", maximum=100)
    checks.problems += quota_problems(quotas)
    checks.finish()
    if Organization.objects.filter(name__iexact=name).exists():
        raise Invalid.of("name", f"There is an organization “{name}” already.", "Choose another name.")
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, **quotas)
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
        after=quotas_of(organization),
    )
    return organization


@transaction.atomic
def require_second_factor(*, actor: Actor, organization: Organization, required: bool) -> None:
    """Let nobody of this organization go on without a second factor, or let them again. Owners decide."""
    access.require(actor, access.Verb.VIEW, organization)
    access.require(actor, access.Verb.CHANGE, organization)
    lock(organization)
    if organization.second_factor_required == required:
        return
    organization.second_factor_required = required
    organization.save(update_fields=["second_factor_required"])
    told = "needs a second factor from its people" if required else "needs no second factor any more"
    record(
        actor,
        "require_second_factor",
        organization,
        f"{organization} {told}.",
        organization=organization,
        before={"required": not required},
        after={"required": required},
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
        require_room(organization, "member")
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
    if account != actor.account:
        rotate_sessions(account)
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
    Role.OWNER: gettext_lazy("You may do everything in it."),
    Role.MANAGER: gettext_lazy("You may make and change its addresses and decide requests."),
    Role.VIEWER: gettext_lazy("You may look at everything in it and change nothing."),
}


def _welcome(actor: Actor, organization: Organization, account: Account, role: str) -> None:
    if account == actor.account:
        return
    owe_mail(
        recipient=account.email,
        subject=_("You are %(role)s of %(organization)s") % {"role": role, "organization": organization},
        body=(
            _(
                "Hello,\n\n%(actor)s made you %(role)s of %(organization)s. %(may)s Open this "
                "page and press the button to sign in:\n\n%(link)s\n\nThe link works once, for "
                "a day. Later, ask for another one:\n\n%(panel)s/sign-in\n\nIf you do not want "
                "this, leave the organization on the page of your account."
            )
            % {
                "actor": actor,
                "role": role,
                "organization": organization,
                "may": _MAY[Role(role)],
                "link": first_link(account),
                "panel": settings.BASE_URL,
            }
        ),
    )


@transaction.atomic
def remove_member(*, actor: Actor, membership: Membership) -> None:
    """Let a person go. The last owner stays."""
    access.require(actor, access.Verb.DELETE, membership)
    if membership.account.is_service:
        raise Conflict(f"“{membership.account}” is a program. Revoke its key instead.")
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
    people = organization.memberships.filter(account__is_active=True, account__is_service=False)
    others = people.filter(~Q(pk=membership.pk), role=Role.OWNER)
    if membership.role == Role.OWNER and new_role != Role.OWNER and not others.exists():
        raise Invalid.of(
            "role", f"{membership.account.email} is the last owner.", "Make somebody else owner first."
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
    "require_second_factor",
    find=lambda event: event.organization,
    present=lambda organization, event: {"required": organization.second_factor_required},
    restore=lambda actor, organization, event: require_second_factor(
        actor=actor, organization=organization, required=bool(event.before["required"])
    ),
    told=lambda organization, event: (
        f"{organization} "
        + ("needs a second factor again." if event.before["required"] else "needs no second factor again.")
    ),
)
final("An organization cannot be deleted here. Suspend it instead.", "create_organization")
