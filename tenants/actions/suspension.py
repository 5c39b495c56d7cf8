"""Suspended organizations: their people look and change nothing, and their mail goes on.

What was asked for before stays desired: workers keep proving it, repair it, and renew certificates. An
operator suspends, and undoes it; operators may change what must be changed meanwhile.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden
from tenants.formats.text import check_text
from tenants.models import Account, Event, Organization
from tenants.notices import SUSPENSION


@transaction.atomic
def suspend_organization(*, actor: Actor, organization: Organization, reason: str) -> Organization:
    """Let its people look at everything and change nothing, until this is lifted. Operators only.

    Mail goes on as it did; nobody can ask for an address. Every owner is told the reason by mail.
    """
    _require_operator(actor, organization)
    with Checks() as checks:
        reason = check_text(reason, field="reason", maximum=500)
    checks.finish()
    lock(organization)
    if organization.suspended_at is not None:
        raise Conflict(f"{organization} is suspended already.")
    _set(organization, reason)
    record(
        actor,
        "suspend_organization",
        organization,
        f"{organization} was suspended.",
        organization=organization,
        before={"suspended": ""},
        after={"suspended": reason},
        reason=reason,
    )
    _tell_owners(
        organization,
        _("%(organization)s was suspended") % {"organization": organization},
        _(
            "An operator of Rookery suspended %(organization)s, and gave this "
            "reason:\n\n%(reason)s\n\nIts mail goes on as before. Its people can look at "
            "everything, and can change nothing until this is lifted."
        )
        % {"organization": organization, "reason": reason},
    )
    return organization


@transaction.atomic
def lift_suspension(*, actor: Actor, organization: Organization) -> Organization:
    """Let the people of a suspended organization do again what they may. Operators only."""
    _require_operator(actor, organization)
    lock(organization)
    if organization.suspended_at is None:
        return organization
    reason = organization.suspended_because
    _set(organization, "")
    record(
        actor,
        "lift_suspension",
        organization,
        f"{organization} is not suspended any more.",
        organization=organization,
        before={"suspended": reason},
        after={"suspended": ""},
    )
    _tell_owners(
        organization,
        _("%(organization)s is not suspended any more") % {"organization": organization},
        _("The suspension of %(organization)s was lifted: its people may do again what they could before.")
        % {"organization": organization},
    )
    return organization


def _require_operator(actor: Actor, organization: Organization) -> None:
    access.require(actor, access.Verb.VIEW, organization)
    if not actor.is_operator:
        raise Forbidden("Organizations are suspended by the operators of this Rookery. Ask one of them.")
    access.require(actor, access.Verb.MANAGE, organization)


def _set(organization: Organization, reason: str) -> None:
    organization.suspended_because = reason
    organization.suspended_at = timezone.now() if reason else None
    organization.save(update_fields=["suspended_because", "suspended_at"])


def _tell_owners(organization: Organization, subject: str, what: str) -> None:
    def mail(_account: Account) -> Letter:
        page = f"{settings.BASE_URL}/o/{organization.pk}"
        return Letter(subject, _("Hello,\n\n%(what)s\n\n%(page)s") % {"what": what, "page": page})

    about = About(f"/o/{organization.pk}", thing=organization, organization=organization)
    notify(SUSPENSION, about, line=lambda: subject, mail=mail)


# Undoing ---------------------------------------------------------------------------------------------


def _restore(actor: Actor, organization: Organization, event: Event) -> None:
    reason = event.before["suspended"]
    if reason:
        suspend_organization(actor=actor, organization=organization, reason=reason)
    else:
        lift_suspension(actor=actor, organization=organization)


for _verb in ("suspend_organization", "lift_suspension"):
    undoable(
        _verb,
        find=lambda event: event.organization,
        present=lambda organization, event: {"suspended": organization.suspended_because},
        restore=_restore,
        told=lambda organization, event: (
            f"{organization} is suspended again." if event.before["suspended"] else f"{organization} goes on."
        ),
        needs=access.Verb.MANAGE,  # operators only
    )
