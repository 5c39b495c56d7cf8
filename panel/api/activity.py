"""The audit log."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import PageQuery, QueryIdentifier, Text
from panel.api.schema import operation
from tenants import access
from tenants.models import Domain, Event, Mailbox


def _first(rows: QuerySet[Any]) -> int:
    """The id of the row; of none, one that no row has."""
    return rows.values_list("pk", flat=True).first() or 0


class EventSerializer(serializers.Serializer[Event]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    verb = serializers.CharField(help_text="For programs, e.g. create_mailbox.")
    subject = serializers.CharField(help_text="What it was done to, by name.")
    sentence = serializers.CharField(help_text="For people.")
    before = serializers.DictField()
    after = serializers.DictField()
    reason = serializers.CharField()
    actor = serializers.CharField(source="actor_name")
    via = serializers.CharField(help_text="web, api, command or worker.")
    token = serializers.CharField(help_text="The name of the API token; else empty.")
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    organization = serializers.IntegerField(source="organization_id", allow_null=True)
    domain = serializers.CharField(allow_null=True)
    mailbox = serializers.CharField(allow_null=True)
    target = serializers.IntegerField(source="sync_target_id", allow_null=True)
    generation = serializers.IntegerField(help_text="Of the sync target, when this marked it; else 0.")


class EventQuery(PageQuery):
    organization = QueryIdentifier()
    domain = Text(required=False, max_length=253)
    mailbox = Text(required=False, max_length=320, help_text="An address.")
    target = QueryIdentifier()
    verb = Text(required=False, max_length=60)


class Events(ApiView):
    noun, tag = "event", "Activity"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": EventQuery}

    @operation("Who did what to what, the newest first", responses=EventSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Event).select_related("domain", "mailbox__domain")
        given = self.given
        filters: dict[str, Any] = {}
        if "organization" in given:
            filters["organization"] = given["organization"]
        # Ids first: with a name in the question, databases sort all events of the thing that has it.
        if "domain" in given:
            filters["domain"] = _first(Domain.objects.filter(name=given["domain"].lower()))
        if "mailbox" in given:
            local_part, _, domain = given["mailbox"].rpartition("@")
            found = Mailbox.objects.filter(local_part=local_part, domain__name=domain.lower())
            filters["mailbox"] = _first(found)
        if "target" in given:
            filters["sync_target"] = given["target"]
        if "verb" in given:
            filters["verb"] = given["verb"]
        rows = rows.filter(**filters)
        parts = [] if {"domain", "mailbox", "sync_target"} & filters.keys() else self.by_organization(rows)
        return self.page(rows, lambda found: [self._show(each) for each in found], parts)

    @staticmethod
    def _show(row: Event) -> dict[str, Any]:
        shown = dict(EventSerializer(row).data)
        return {
            **shown,
            "domain": str(row.domain) if row.domain else None,
            "mailbox": str(row.mailbox) if row.mailbox else None,
        }
