"""Deciding a request by the link in a decider's mail, without signing in. The link can do nothing else."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from tenants import limits, tokens
from tenants.actions.deciders import deciders_of
from tenants.actions.requests import approve_request, refuse_request
from tenants.actor import Actor, Via
from tenants.errors import Absent
from tenants.models import AddressRequest, DecisionLink


def find_decision_link(token: str) -> DecisionLink:
    """The link with this token, as long as it can decide.

    Absent for one that is unknown, was replaced by a newer mail or is too old, whose request was decided, or
    whose holder does not decide there any more: these are never told apart.
    """
    link = (
        DecisionLink.objects.select_related("account", "request__domain__organization")
        .filter(
            digest=tokens.digest(token),
            expires_at__gt=timezone.now(),
            request__status=AddressRequest.Status.CONFIRMED,
        )
        .first()
    )
    # The membership or role itself: an operator who left the team decides by signing in.
    if link is None or not deciders_of(link.request.domain).filter(pk=link.account_id).exists():
        raise Absent
    return link


def decide_by_link(*, actor: Actor, token: str, approve: bool, reason: str = "") -> AddressRequest:
    """Say yes, or no with a reason, as the member to whom the link was mailed. It is used up with that.

    `actor` is whoever pressed the button: only where they came from is kept.
    """
    # Counted before the transaction, so that it stays counted.
    limits.spend(limits.DECISIONS_PER_NETWORK, limits.network_of(actor.ip))
    return _decide(actor, token, approve, reason)


@transaction.atomic
def _decide(actor: Actor, token: str, approve: bool, reason: str) -> AddressRequest:
    link = find_decision_link(token)
    request = link.request
    decider = replace(
        actor,
        account=link.account,
        via=Via.LINK,
        name="",
        token="",
        organization_id=request.domain.organization_id,
        read_only=False,
        system=False,
    )
    if approve:
        approve_request(actor=decider, request=request)
    else:
        refuse_request(actor=decider, request=request, reason=reason)
    return request
