"""Who may read which part of the audit log."""

from __future__ import annotations

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from tenants import access
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import Event, Holding, Mailbox, Run, SyncTarget

_FOR_THE_TEAM = frozenset({"note"})

# What people call the fields of events; others are called by their own name.
LABELS = {
    "targets": "Who gets the mail",
    "target": "Who gets the mail",
    "enabled": "Switched on",
    "trashed": "In the trash",
    "kind": "Kind",
    "requests": "Who may ask for an address",
    "submission_host": "Name of the mail server",
    "trash_days": "Days in the trash",
    "drift_mode": "Entries that others change",
    "login": "Can log in",
}


def label(name: str) -> str:
    """A field of an event, for people."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def events_of(actor: Actor, mailbox_id: int) -> QuerySet[Event]:
    """Everything about an address that the actor runs; of one that they hold, all since they hold it.

    What happened before is about whoever held the address then: their targets are nobody else's business.
    """
    mailbox = access.visible_to(actor, Mailbox).filter(pk=mailbox_id).select_related("domain").first()
    if mailbox is None or not access.knows(actor, access.Kind.EVENT):
        return Event.objects.none()
    events = Event.objects.filter(mailbox=mailbox_id)
    if access.may(
        actor,
        access.Verb.VIEW,
        Event(organization_id=mailbox.domain.organization_id, domain_id=mailbox.domain_id),
    ):
        # Of a domain that was handed over, those before are the other organization's.
        return events if actor.is_operator else events.filter(organization=mailbox.domain.organization_id)
    theirs = Q(mailbox=mailbox_id) | Q(mailbox__own_aliases=mailbox_id)
    since = Holding.objects.filter(theirs, account=actor.account).aggregate(since=Min("since"))["since"]
    return events.filter(at__gte=since) if since else Event.objects.none()


def with_runs(events: QuerySet[Event]) -> QuerySet[Event]:
    """Annotate `observed_by`: the id of the run that proved each event outside, or nothing."""
    runs = _proving(OuterRef("sync_target"))
    return events.annotate(observed_by=Subquery(runs.values("pk")[:1]))


def proved_by(mailboxes: QuerySet[Mailbox], target: SyncTarget | None) -> QuerySet[Mailbox]:
    """Annotate `proved_by` and `proved_at`: the run of `target` that proved the last change of each."""
    runs = _proving(target)
    return mailboxes.annotate(
        proved_by=Subquery(runs.values("pk")[:1]), proved_at=Subquery(runs.values("finished_at")[:1])
    )


def _proving(target: OuterRef | SyncTarget | None) -> QuerySet[Run]:
    """Runs that proved the generation of the outer row, the first of them first."""
    runs = Run.objects.filter(
        target=target,
        mode=Run.Mode.APPLY,
        state=Run.State.SUCCEEDED,
        generation__gte=OuterRef("generation"),
    )
    return runs.order_by("generation", "pk")


def hidden_fields(*, is_team: bool) -> frozenset[str]:
    """What of an event's `before` and `after` is not for the holder of the address: the team's note."""
    return frozenset() if is_team else _FOR_THE_TEAM


def is_team(actor: Actor, event: Event) -> bool:
    """May the actor see everything that the event tells, or only what is about their own address?"""
    return access.may(actor, access.Verb.VIEW, event)


def find_event(actor: Actor, event_id: int) -> Event:
    """One event with what it is about; Absent when it does not exist for `actor`."""
    rows = Event.objects.select_related(
        "mailbox__domain__organization", "domain__organization", "organization", "sync_target__repository"
    )
    event = rows.filter(pk=event_id).first()
    if event is None or not (is_team(actor, event) or _is_about_theirs(actor, event)):
        raise Absent
    return event


def _is_about_theirs(actor: Actor, event: Event) -> bool:
    return event.mailbox is not None and events_of(actor, event.mailbox.pk).exists()
