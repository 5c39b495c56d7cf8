"""Everything that Rookery knows about a person, as plain values for a file. No secrets: not even digests."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tenants import access
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.factors import factors_of
from tenants.models import AddressRequest, Event, Holding, Mailbox, Membership

# Of what happened, the latest; `complete` says whether that is all.
MOST_EVENTS = 5_000
MOST_ADDRESSES = 1_000


def account_export(actor: Actor) -> dict[str, Any]:
    """The actor's account, memberships, keys, requests, addresses and what happened to them.

    A program's token gets what it may see: what its scope leaves, and no other keys.
    """
    account = actor.account
    if account is None:
        raise Absent
    memberships = access.visible_to(actor, Membership).filter(account=account).select_related("organization")
    requests = AddressRequest.objects.filter(account=account).select_related("domain").order_by("pk")
    done = Event.objects.filter(actor=account)
    if actor.organization_id is not None:
        requests = requests.filter(domain__organization=actor.organization_id)
        done = done.filter(organization=actor.organization_id)
    if actor.domain_id is not None:
        requests, done = requests.filter(domain=actor.domain_id), done.filter(domain=actor.domain_id)
    held = _held(actor)
    theirs = Q(mailbox=OuterRef("mailbox")) | Q(mailbox__own_aliases=OuterRef("mailbox"))
    since_held = Holding.objects.filter(theirs, account=account, since__lte=OuterRef("at"))
    happened = Event.objects.filter(Exists(since_held), mailbox__in=[row.pk for row in held])
    if not access.knows(actor, access.Kind.REQUEST):
        requests = requests.none()
    if not access.knows(actor, access.Kind.EVENT):
        happened, done = happened.none(), done.none()
    return {
        "made_at": timezone.now(),
        "account": {
            "email": account.email,
            "name": account.name,
            "created_at": account.created_at,
            "is_operator": account.is_staff,
            "panel_password": "set" if account.has_usable_password() else "none",
            "second_factors": str(factors_of(account)),
        },
        "memberships": [
            {"organization": row.organization.name, "role": row.role, "since": row.created_at}
            for row in memberships.order_by("pk")
        ],
        "keys_for_programs": [] if actor.token else _keys(actor),
        "requests": [_request(row) for row in requests],
        "addresses": [_address(row, actor) for row in held],
        "what_happened_to_them": _events(happened),
        "done_by_you": _events(done),
    }


def _keys(actor: Actor) -> list[dict[str, Any]]:
    assert actor.account is not None  # noqa: S101 - checked by the caller
    columns = ("name", "hint", "read_only", "created_at", "expires_at", "last_used_at")
    return list(actor.account.tokens.order_by("pk").values(*columns))


def _request(row: AddressRequest) -> dict[str, Any]:
    return {
        "address": row.address,
        "target": row.target,
        "message": row.message,
        "status": row.status,
        "reason": row.reason,
        "asked_at": row.asked_at,
        "confirmed_at": row.confirmed_at,
        "decided_at": row.decided_at,
    }


def _held(actor: Actor) -> list[Mailbox]:
    rows = access.held_mailboxes(actor).select_related("domain").order_by("pk")
    return list(rows.prefetch_related("targets", "holdings__account")[:MOST_ADDRESSES])


def _address(row: Mailbox, actor: Actor) -> dict[str, Any]:
    holdings = sorted(row.holdings.all(), key=lambda each: (each.since, each.pk))
    mine = next(each for each in holdings if each.account == actor.account)
    return {
        "address": str(row),
        "kind": row.kind,
        "enabled": row.enabled,
        "passphrase": "set" if row.sealed_hash is not None else "none",
        "held_since": mine.since,
        "own_note": mine.note,
        "held_by": [each.account.email for each in holdings],
        "targets": [
            {"address": each.address, "asked_at": each.asked_at, "confirmed_at": each.confirmed_at}
            for each in sorted(row.targets.all(), key=lambda each: each.pk)
        ],
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def _events(rows: QuerySet[Event]) -> dict[str, Any]:
    """Sentences and who, not from where: the network of somebody else is not theirs to take along."""
    found = list(rows.order_by("-pk").values("at", "sentence", "actor_name", "via")[: MOST_EVENTS + 1])
    events = [
        {"at": row["at"], "what": row["sentence"], "by": row["actor_name"], "via": row["via"]}
        for row in found[:MOST_EVENTS]
    ]
    return {"complete": len(found) <= MOST_EVENTS, "events": events}
