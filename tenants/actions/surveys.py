"""Looking at a mail installation that somebody else made; nothing outside is changed by it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.firewalls import manage_firewall
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden
from tenants.models import Domain, Host, HostShare, Survey, SurveyLook, SyncTarget
from tenants.survey_places import targets_of


@transaction.atomic
def look_at_installation(*, actor: Actor, domain: Domain, share: HostShare) -> Survey:
    """Have workers read what runs in this part of a host, the host's rules, and the domain's repositories.

    Where Rookery has no place of its own for it yet, one is made that only reports: the firewall of the
    host, for operators. Repositories are connected on their pages, where their keys are compared.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require(actor, access.Verb.VIEW, share)
    access.require(actor, access.Verb.CHANGE, domain)
    if share.organization_id != domain.organization_id:
        raise Absent
    host = share.host
    if host.transport == Host.Transport.SSH and access.may_create(
        actor, access.Kind.FIREWALL, host.organization
    ):
        manage_firewall(actor=actor, host=host)
    lock(domain)
    row = Survey.objects.filter(domain=domain).first()
    moved = row is not None and row.share_id != share.pk
    if row is None:
        row = Survey(domain=domain)
    row.share, row.asked_at = share, timezone.now()
    row.save()
    if moved:
        row.looks.filter(place__in=(SurveyLook.Place.HOST, SurveyLook.Place.RULES)).delete()
    for place in targets_of(row):
        if place.target is not None:
            outbox.look_again(place.target)
    record(
        actor,
        "look_at_installation",
        domain,
        f"{actor} wants the installation of {domain} on {share.host} explained.",
        domain=domain,
        target=share.sync_target,
        after={"share": share.pk},
    )
    return row


@transaction.atomic
def record_look(
    *, actor: Actor, survey: Survey, place: str, target: SyncTarget, seen: dict[str, Any], at: datetime
) -> None:
    """Keep what a worker read at one place, without any secret."""
    if not actor.system:
        raise Forbidden("Only Rookery's workers read the outside.")
    SurveyLook.objects.update_or_create(
        survey=survey, place=place, defaults={"target": target, "seen": seen, "seen_at": at}
    )


final("It changed nothing outside, so there is nothing to take back.", "look_at_installation")
final("It notes what a worker read; nothing was changed.", "record_look")
