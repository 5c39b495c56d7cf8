"""The end of one's own account, and leaving an organization by oneself."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from tenants import access
from tenants.actions.accounts import own_account
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.mailboxes import trash_mailbox
from tenants.actions.organizations import keep_an_owner
from tenants.actions.requests import withdraw_own_request
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.models import Account, AddressRequest, Mailbox, Membership


@dataclass(frozen=True)
class Leaving:
    """What goes with an account, and what keeps it from going (`obstacles` say what to do)."""

    alone: tuple[Mailbox, ...]
    shared: tuple[Mailbox, ...]
    memberships: tuple[Membership, ...]
    requests: tuple[AddressRequest, ...]
    obstacles: tuple[str, ...]


def what_leaves(account: Account) -> Leaving:
    """What `delete_account` would do now."""
    held = Mailbox.objects.filter(trashed_at=None, pk__in=account.holdings.values("mailbox_id"))
    held = held.select_related("domain__organization").annotate(people=Count("holdings")).order_by("pk")
    rows = list(held)
    memberships = tuple(account.memberships.select_related("organization").order_by("organization_id"))
    asked = AddressRequest.objects.filter(account=account, status__in=AddressRequest.OPEN)
    return Leaving(
        alone=tuple(row for row in rows if vars(row)["people"] == 1),
        shared=tuple(row for row in rows if vars(row)["people"] > 1),
        memberships=memberships,
        requests=tuple(asked.select_related("domain__organization").order_by("pk")),
        obstacles=(*_last_owner(account, memberships), *_last_operator(account)),
    )


def _last_owner(account: Account, memberships: tuple[Membership, ...]) -> list[str]:
    owned = [row for row in memberships if row.role == Membership.Role.OWNER]
    others = set(
        Membership.objects.filter(
            organization__in=[row.organization_id for row in owned],
            role=Membership.Role.OWNER,
            account__is_active=True,
            account__is_service=False,
        )
        .exclude(account=account)
        .values_list("organization_id", flat=True)
    )
    return [
        f"You are the last owner of {row.organization}. Make somebody else owner first."
        for row in owned
        if row.organization_id not in others
    ]


def _last_operator(account: Account) -> list[str]:
    others = Account.objects.filter(is_staff=True, is_active=True).exclude(pk=account.pk)
    if not account.is_staff or others.exists():
        return []
    return ["You are the last operator of this Rookery. Make another one at its command line first."]


@transaction.atomic
def delete_account(*, actor: Actor) -> str:
    """Delete the actor's own account; returns the sign-in that it had.

    Addresses that nobody else holds go into the trash, open requests are taken back, memberships, sessions
    and keys for programs end. Raises Conflict with the reason for the last owner of an organization and the
    last operator. The audit log keeps the names in what was done.
    """
    account = own_account(actor)
    leaving = what_leaves(account)
    # In the order of all locks; the account is the last, since rows that name it take it after their own.
    for request in leaving.requests:
        lock(request)
    for mailbox in (*leaving.alone, *leaving.shared):
        lock(mailbox)
    for membership in leaving.memberships:
        lock(membership.organization)
    if account.is_staff:
        list(Account.objects.select_for_update(no_key=True).filter(is_staff=True).order_by("pk"))
    lock(account)
    now = what_leaves(account)
    if now.obstacles:
        raise Conflict(" ".join(now.obstacles))
    if _keys(now) != _keys(leaving):
        raise Conflict("Something of yours was changed just now. Look at the list again, then delete.")
    for request in now.requests:
        withdraw_own_request(actor, request)
    for mailbox in now.alone:
        trash_mailbox(actor=actor, mailbox=mailbox)
    email = account.email
    record(
        actor,
        "delete_account",
        email,
        f"{email} deleted their account.",
        before={
            "addresses": [str(each) for each in now.alone],
            "shared_addresses": [str(each) for each in now.shared],
            "memberships": [f"{row.role} of {row.organization}" for row in now.memberships],
        },
    )
    for membership in now.memberships:
        _record_left(actor, membership)
    # Its keys, links, holdings and memberships go with the row; sessions find nobody.
    Account.objects.filter(pk=account.pk).delete()
    owe_mail(
        recipient=email,
        subject=_("Your account was deleted"),
        body=(
            _(
                "Hello,\n\nthe account of %(email)s was deleted, as you asked. Addresses that "
                "only you held get no mail any more. Nobody is signed in with it now, and its "
                "keys for programs are useless."
            )
            % {"email": email}
        ),
    )
    return email


def _keys(leaving: Leaving) -> tuple[list[int], ...]:
    parts = (leaving.requests, leaving.alone, leaving.shared, leaving.memberships)
    return tuple([row.pk for row in part] for part in parts)


@transaction.atomic
def leave_organization(*, actor: Actor, membership: Membership) -> None:
    """Leave an organization by oneself, whatever one's role in it. Its last owner stays."""
    access.require(actor, access.Verb.VIEW, membership)
    if actor.account is None or membership.account_id != actor.account.pk:
        raise Forbidden("You may leave for yourself only. Ask an owner to let somebody else go.")
    access.require_scope(actor, access.Verb.DELETE, access.Kind.MEMBERSHIP)
    lock(membership.organization)
    lock(membership)
    keep_an_owner(membership.organization, membership, "")
    membership.delete()
    _record_left(actor, membership)


def _record_left(actor: Actor, membership: Membership) -> None:
    record(
        actor,
        "leave_organization",
        membership.account.email,
        f"{membership.account.email} left {membership.organization}.",
        organization=membership.organization,
        before={"role": membership.role},
    )


final("The account is gone for good. A new one can be made by signing in again.", "delete_account")
final("An owner of the organization can add the person again.", "leave_organization")
