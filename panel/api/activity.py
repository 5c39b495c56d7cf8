"""The audit log: who did what, what it was before and after, and undoing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Moment, PageQuery, QueryIdentifier, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions.undo import UndoPreview, preview_undo, undo_event
from tenants.actor import Via
from tenants.history import events_of, find_event, hidden_fields, with_runs
from tenants.models import Domain, Event, Mailbox

# The class below has a method of that name.
Shown = list[dict[str, Any]]


def _first(rows: QuerySet[Any]) -> int:
    """The id of the row; of none, one that no row has."""
    return rows.values_list("pk", flat=True).first() or 0


class EventSerializer(serializers.Serializer[Event]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    at = serializers.DateTimeField()
    verb = serializers.CharField(help_text="For programs, e.g. create_mailbox.")
    subject = serializers.CharField(help_text="What it was done to, by name.")
    sentence = serializers.CharField(help_text="For people.")
    before = serializers.DictField()
    after = serializers.DictField()
    reason = serializers.CharField()
    actor = serializers.CharField(source="actor_name")
    via = serializers.CharField(help_text="web, api, link, command or worker.")
    token = serializers.CharField(help_text="The name of the API token; else empty.")
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    organization = serializers.IntegerField(source="organization_id", allow_null=True)
    domain = serializers.CharField(allow_null=True)
    mailbox = serializers.CharField(allow_null=True)
    target = serializers.IntegerField(source="sync_target_id", allow_null=True)
    generation = serializers.IntegerField(help_text="Of the sync target, when this marked it; else 0.")
    run = serializers.IntegerField(
        source="observed_by", allow_null=True, help_text="The run that proved it outside; null before that."
    )
    undoes = serializers.IntegerField(
        source="undoes_id", allow_null=True, help_text="The event that this one set back."
    )
    undone_by = serializers.IntegerField(
        source="undone_id", allow_null=True, help_text="The event that set this one back."
    )


class EventQuery(PageQuery):
    organization = QueryIdentifier()
    domain = Text(required=False, max_length=253)
    mailbox = Text(required=False, max_length=320, help_text="An address; also one that you hold.")
    target = QueryIdentifier()
    verb = Text(required=False, max_length=60, help_text="What was done, e.g. create_mailbox.")
    actor = Text(required=False, max_length=300, help_text="The whole name of who did it.")
    via = Choice(required=False, choices=[way.value for way in Via])
    since = Moment(required=False, help_text="At this moment or later.")
    until = Moment(required=False, help_text="Before this moment.")


class FieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True, help_text="What undoing brings back.")
    after = serializers.JSONField(allow_null=True, help_text="What the event made of it.")
    now = serializers.JSONField(allow_null=True, help_text="What it is now.")
    changed_since = serializers.BooleanField(help_text="Then it cannot be undone.")


class UndoSerializer(serializers.Serializer[UndoPreview]):
    """What undoing an event would do."""

    possible = serializers.BooleanField()
    sentence = serializers.CharField(help_text="What it does, for people.")
    reason = serializers.CharField(help_text="Why it is not possible, and what to do instead; else empty.")
    differences = FieldSerializer(many=True, source="fields", help_text="Field by field.")


class Events(ApiView):
    noun, tag = "event", "Activity"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": EventQuery}
    reported = frozenset({"run"})

    def subject(self, event_id: int) -> Subject:
        return Subject([find_event(self.actor, event_id)], lambda: self._one(event_id))

    @operation("Who did what to what, the newest first", responses=EventSerializer)
    def list(self, request: Request) -> Response:
        given = self.given
        filters: dict[str, Any] = {}
        rows = access.visible_to(self.actor, Event)
        if "organization" in given:
            filters["organization"] = given["organization"]
        # Ids first: with a name in the question, databases sort all events of the thing that has it.
        if "domain" in given:
            filters["domain"] = _first(Domain.objects.filter(name=given["domain"].lower()))
        if "mailbox" in given:
            local_part, _, domain = given["mailbox"].rpartition("@")
            held = access.visible_to(self.actor, Mailbox)
            found = _first(held.filter(local_part=local_part, domain__name=domain.lower()))
            filters["mailbox"] = found
            rows = events_of(self.actor, found)
        if "target" in given:
            filters["sync_target"] = given["target"]
        if "verb" in given:
            filters["verb"] = given["verb"]
        if "actor" in given:
            filters["actor_name"] = given["actor"]
        if "via" in given:
            filters["via"] = given["via"]
        if "since" in given:
            filters["at__gte"] = given["since"]
        if "until" in given:
            filters["at__lt"] = given["until"]
        rows = rows.filter(**filters)
        parts = [] if {"domain", "mailbox", "sync_target"} & filters.keys() else self.by_organization(rows)
        return self.page(_with_all(rows), self._show_all, parts)

    @operation("One event", responses=EventSerializer)
    def retrieve(self, request: Request, event_id: int) -> Response:
        return Response(self._one(event_id))

    @operation("What undoing it would set back, or why that is not possible", responses=UndoSerializer)
    def preview_undo(self, request: Request, event_id: int) -> Response:
        event = find_event(self.actor, event_id)
        return Response(dict(UndoSerializer(preview_undo(self.actor, event)).data))

    @operation(
        "Undo it by an ordinary change; undoing the answer's event does it again",
        responses={201: EventSerializer},
    )
    def undo_event(self, request: Request, event_id: int) -> Response:
        event = find_event(self.actor, event_id)
        return self.act(
            lambda: undo_event(actor=self.actor, event=event),
            lambda done: {**self._one(done.pk), **({"id": None} if self.dry else {})},
            status=201,
            location=lambda done: reverse("api:event", args=[done.pk]),
            tagged=False,
        )

    def _one(self, event_id: int) -> dict[str, Any]:
        found = find_event(self.actor, event_id)
        return self._show_all([_with_all(Event.objects.filter(pk=found.pk)).get()])[0]

    def _show_all(self, rows: Sequence[Event]) -> Shown:
        team = access.visible_to(self.actor, Event).filter(pk__in=[row.pk for row in rows])
        mine = set(team.values_list("pk", flat=True))
        return [_show(row, is_team=row.pk in mine) for row in rows]


def _with_all(rows: QuerySet[Event]) -> QuerySet[Event]:
    return with_runs(rows).select_related("domain", "mailbox__domain", "undone_by")


def _show(row: Event, *, is_team: bool) -> dict[str, Any]:
    undone = getattr(row, "undone_by", None)
    row.undone_id = undone.pk if undone is not None else None  # type: ignore[attr-defined]
    shown = dict(EventSerializer(row).data)
    hidden = hidden_fields(is_team=is_team)
    for side in ("before", "after"):
        shown[side] = {name: value for name, value in shown[side].items() if name not in hidden}
    return {
        **shown,
        "ip": shown["ip"] if is_team else None,
        "domain": str(row.domain) if row.domain else None,
        "mailbox": str(row.mailbox) if row.mailbox else None,
    }
