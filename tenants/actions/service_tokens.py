"""Keys of an organization itself: for programs that go on when the person who set them up leaves.

Each has an account of its own, which nobody can sign in to and no mail is sent to, and a role in its
organization; so what it may do, and what the audit log says it did, needs no rule of its own.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext as _

from tenants import access
from tenants.actions import token_rows
from tenants.actions.accounts import own_account, warn
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.quotas import require_room
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.factors import require_enough_factors
from tenants.formats.text import printable
from tenants.models import Account, ApiToken, Membership, Organization


@transaction.atomic
def create_service_token(
    *, actor: Actor, organization: Organization, role: str, wish: token_rows.Wish
) -> tuple[ApiToken, str]:
    """Make a key that acts as a program of the organization, with a role in it; returns its row and the key.

    Owners do, in a browser: a token makes no tokens. Whoever made it is told by mail.
    """
    access.require(actor, access.Verb.VIEW, organization)
    person = own_account(actor)
    require_enough_factors(person)
    access.require_create(actor, access.Kind.MEMBERSHIP, organization)
    if role not in Membership.Role.values:
        choices = ", ".join(Membership.Role.values)
        raise Invalid.of("role", f"“{printable(role, 40)}” is no role.", f"Choose one of {choices}.")
    wish = token_rows.checked(actor, replace(wish, organization=organization))
    if wish.domain is not None:
        lock(wish.domain)
    lock(organization)
    require_room(organization, "token")
    email = f"program-{secrets.token_hex(6)}@{Account.SERVICES}"
    account = Account(email=email, name=wish.name, is_service=True)
    account.set_unusable_password()
    account.save()
    Membership.objects.create(organization=organization, account=account, role=role)
    row, key = token_rows.make(account, wish)
    record(
        actor,
        "create_service_token",
        row.name,
        f"{person.email} made the key “{row.name}” of {organization}, as {role}.",
        organization=organization,
        after={**token_rows.told(row), "role": role},
    )
    warn(
        actor,
        person,
        _("A key of an organization was made"),
        _(
            "you made the key “%(name)s” of %(organization)s. A program that has it is "
            "%(role)s there, and may %(may_what)s"
        )
        % {
            "name": row.name,
            "organization": organization,
            "role": role,
            "may_what": token_rows.may_what(wish),
        },
    )
    return row, key


@transaction.atomic
def revoke_service_token(*, actor: Actor, membership: Membership) -> None:
    """Make a key of an organization useless, at once; its account goes with it."""
    access.require(actor, access.Verb.DELETE, membership)
    own_account(actor)
    lock(membership.organization)
    lock(membership)
    account = membership.account
    if not account.is_service:
        raise Conflict(f"{account} is a person. Remove them from {membership.organization} instead.")
    before = {"role": membership.role, **(token_rows.told(row) if (row := account.tokens.first()) else {})}
    Account.objects.filter(pk=account.pk).delete()
    record(
        actor,
        "revoke_service_token",
        account.name,
        f"The key “{account.name}” of {membership.organization} was revoked.",
        organization=membership.organization,
        before=before,
    )


final("The key was shown and may be in use. Revoke it instead.", "create_service_token")
final("A key that was revoked stays useless. Make a new one.", "revoke_service_token")
