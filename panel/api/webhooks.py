"""Webhooks: programs that are told of events, and what was sent to them and answered."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import (
    Choice,
    Identifier,
    Moment,
    PageQuery,
    QueryIdentifier,
    Shape,
    Switch,
    Text,
    Texts,
)
from panel.api.schema import operation
from tenants import access
from tenants.actions import webhook_deliveries as deliveries
from tenants.actions import webhooks as actions
from tenants.errors import Absent, Invalid
from tenants.formats.webhook_address import LONGEST
from tenants.models import Domain, Organization, Webhook, WebhookDelivery


class WebhookSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    organization = serializers.IntegerField()
    domain = serializers.CharField(allow_null=True, help_text="Only its events are told; null: all.")
    name = serializers.CharField()
    url = serializers.CharField()
    types = serializers.ListField(
        child=serializers.CharField(), help_text="Types of events, or sets of them; empty: all."
    )
    enabled = serializers.BooleanField()
    stopped = serializers.ChoiceField(
        choices=Webhook.Stopped.choices, allow_blank=True, help_text="Why it is off; empty: it is on."
    )
    former_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before this one signs as well."
    )
    failing_since = serializers.DateTimeField(allow_null=True)
    succeeded_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)


class NewWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(allow_null=True, help_text="Shown this once. Null in a dry run.")


class WebhookSecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(allow_null=True, help_text="Shown this once. Null in a dry run.")
    former_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before signs as well."
    )


class AttemptSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="Of the request.")
    status = serializers.IntegerField(allow_null=True, help_text="Null where no answer came.")
    answer_headers = serializers.CharField()
    answer = serializers.CharField(help_text="The beginning of the answer's body, made harmless.")
    milliseconds = serializers.IntegerField()
    problem = serializers.CharField()


class DeliverySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    webhook = serializers.IntegerField()
    message_id = serializers.CharField(help_text="As `webhook-id`; the same for every try.")
    event = serializers.IntegerField(allow_null=True, help_text="Null for a test.")
    type = serializers.CharField()
    body = serializers.CharField(help_text="Word for word as it is sent.")
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)
    tries = serializers.IntegerField()
    problem = serializers.CharField()
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="Null when it is over.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class DeliveryWithTriesSerializer(DeliverySerializer):
    attempts = AttemptSerializer(many=True, help_text="The last ones, the newest first.")


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


_TYPES_HELP = "Such as `mailbox.created`, `mailbox.*` or `*.observed`; none: all."


class NewWebhook(Shape):
    organization = Identifier()
    name = Text(max_length=400)
    url = Text(max_length=LONGEST * 2)
    types = Texts(required=False, default=list, help_text=_TYPES_HELP)
    domain = Text(
        required=False, allow_null=True, default=None, max_length=400, help_text="Tell of its events only."
    )

    example = {
        "organization": 1,
        "name": "Chat",
        "url": "https://hooks.example.org/rookery",
        "types": ["mailbox.*"],
    }


class WebhookChange(Shape):
    name = Text(required=False, max_length=400)
    url = Text(required=False, max_length=LONGEST * 2)
    types = Texts(required=False, help_text=_TYPES_HELP)

    example = {"types": ["mailbox.created", "*.observed"]}


class WebhookSwitch(Shape):
    enabled = Switch()

    example = {"enabled": False}


class ReplaySince(Shape):
    since = Moment(allow_null=True, help_text="Of deliveries made since then; null: of all that are kept.")

    example = {"since": "2026-05-01T00:00:00Z"}


class WebhookQuery(PageQuery):
    organization = QueryIdentifier()


class DeliveryQuery(PageQuery):
    state = Choice(required=False, choices=WebhookDelivery.State.choices)


class OfWebhooks(ApiView):
    noun, tag = "webhook", "Webhooks"

    def _find(self, webhook_id: int) -> Webhook:
        rows = access.visible_to(self.actor, Webhook).select_related("organization", "domain")
        row = rows.filter(pk=webhook_id).first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: Webhook) -> dict[str, Any]:
        new = self.dry and self.action == "create"
        fields = ("name", "url", "types", "enabled", "stopped", "failing_since", "succeeded_at")
        return {
            "id": None if new else row.pk,
            "organization": row.organization_id,
            "domain": row.domain.name if row.domain is not None else None,
            **{name: getattr(row, name) for name in fields},
            "former_secret_until": row.former_until,
            "created_at": None if new else row.created_at,
        }


class WebhookSecrets(OfWebhooks):
    """What tells a secret: that stands alone, and not among several operations."""

    queries = {"list": WebhookQuery}
    shown_once = frozenset({"secret"})

    @operation("Webhooks", responses=WebhookSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Webhook).select_related("domain")
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation("Add one; its secret is shown once", request=NewWebhook, responses={201: NewWebhookSerializer})
    def create(self, request: Request) -> Response:
        given = self.body(NewWebhook)
        home = access.get(self.actor, Organization, pk=given.pop("organization"))
        domain = self._domain(given.pop("domain"))
        return self.act(
            lambda: actions.add_webhook(actor=self.actor, organization=home, domain=domain, **given),
            lambda made: {**self._show(made[0]), "secret": None if self.dry else made[1]},
            status=201,
            location=lambda made: reverse("api:webhook", args=[made[0].pk]),
        )

    def _domain(self, name: str | None) -> Domain | None:
        if name is None:
            return None
        seen = access.visible_to(self.actor, Domain)
        row = seen.filter(name=name.lower()).first() if name.isascii() and name.isprintable() else None
        if row is None:
            raise Invalid.of("domain", "There is no such domain here.", "Name one of its own, or none.")
        return row

    @operation("Give it a new secret, which is shown once", responses=WebhookSecretSerializer)
    def rotate(self, request: Request, webhook_id: int) -> Response:
        row = self._find(webhook_id)
        return self.act(
            lambda: actions.rotate_webhook_secret(actor=self.actor, webhook=row),
            lambda secret: {
                "secret": None if self.dry else secret,
                "former_secret_until": row.former_until,
            },
            tagged=False,
        )


class Webhooks(OfWebhooks):
    """One webhook and what is done with it."""

    reported = frozenset({"enabled", "stopped", "failing_since", "succeeded_at", "former_secret_until"})

    def subject(self, webhook_id: int) -> Subject:
        row = self._find(webhook_id)
        return Subject([row], lambda: self._show(self._find(webhook_id)))

    @operation("One of them", responses=WebhookSerializer)
    def retrieve(self, request: Request, webhook_id: int) -> Response:
        return Response(self._show(self._find(webhook_id)))

    @operation("Change it", request=WebhookChange, responses=WebhookSerializer)
    def partial_update(self, request: Request, webhook_id: int) -> Response:
        given, row = self.body(WebhookChange), self._find(webhook_id)
        return self.act(lambda: actions.change_webhook(actor=self.actor, webhook=row, **given), self._show)

    @operation("Remove it, with its log", responses={200: WebhookSerializer, 204: None})
    def destroy(self, request: Request, webhook_id: int) -> Response:
        row = self._find(webhook_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.remove_webhook(actor=self.actor, webhook=row), lambda _: shown, status=204
        )

    @operation(
        "Switch it on or off; what waits when it goes off is not sent",
        request=WebhookSwitch,
        responses=WebhookSerializer,
    )
    def switch_webhook(self, request: Request, webhook_id: int) -> Response:
        given, row = self.body(WebhookSwitch), self._find(webhook_id)
        return self.act(lambda: actions.switch_webhook(actor=self.actor, webhook=row, **given), self._show)

    @operation("Send a test", responses={202: DeliverySerializer})
    def test(self, request: Request, webhook_id: int) -> Response:
        row = self._find(webhook_id)
        return self.act(
            lambda: deliveries.send_webhook_test(actor=self.actor, webhook=row),
            lambda made: {**show_delivery(made), **({"id": None} if self.dry else {})},
            status=202,
            location=lambda made: reverse("api:webhook-delivery", args=[made.pk]),
            tagged=False,
        )

    @operation("Replay all that failed", request=ReplaySince, responses={202: ReplayedSerializer})
    def replay(self, request: Request, webhook_id: int) -> Response:
        given, row = self.body(ReplaySince), self._find(webhook_id)
        return self.act(
            lambda: deliveries.replay_deliveries(actor=self.actor, webhook=row, **given),
            lambda count: {"replayed": count},
            status=202,
            tagged=False,
        )


def show_delivery(row: WebhookDelivery) -> dict[str, Any]:
    fields = ("message_id", "event", "type", "body", "state", "tries", "problem", "created_at", "finished_at")
    waits = row.state == WebhookDelivery.State.WAITING
    return {
        "id": row.pk,
        "webhook": row.webhook_id,
        **{name: getattr(row, name) for name in fields},
        "next_try_at": row.next_try_at if waits else None,
    }


class WebhookDeliveries(ApiView):
    noun, plural, tag = "webhook_delivery", "webhook_deliveries", "Webhooks"
    queries = {"list": DeliveryQuery}
    reported = frozenset({"state", "tries", "problem", "next_try_at", "finished_at", "attempts"})

    def subject(self, delivery_id: int) -> Subject:
        row = self._find(delivery_id)
        return Subject([row], lambda: self._show(self._find(delivery_id)))

    def _find(self, delivery_id: int) -> WebhookDelivery:
        rows = access.visible_to(self.actor, WebhookDelivery)
        row = rows.select_related("webhook__organization", "webhook__domain").filter(pk=delivery_id).first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: WebhookDelivery) -> dict[str, Any]:
        fields = ("at", "headers", "status", "answer_headers", "answer", "milliseconds", "problem")
        tries = row.attempts.order_by("-pk")
        return {
            **show_delivery(row),
            "attempts": [{name: getattr(each, name) for name in fields} for each in tries],
        }

    @operation("What was sent to one, the newest of 14 days", responses=DeliverySerializer)
    def list(self, request: Request, webhook_id: int) -> Response:
        home = access.get(self.actor, Webhook, pk=webhook_id)
        rows = access.visible_to(self.actor, WebhookDelivery).filter(webhook=home)
        if "state" in self.given:
            rows = rows.filter(state=self.given["state"])
        return self.page(rows, lambda found: [show_delivery(each) for each in found])

    @operation("One delivery with its tries", responses=DeliveryWithTriesSerializer)
    def retrieve(self, request: Request, delivery_id: int) -> Response:
        return Response(self._show(self._find(delivery_id)))

    @operation("Send it again, under the same id", responses={202: DeliveryWithTriesSerializer})
    def replay(self, request: Request, delivery_id: int) -> Response:
        row = self._find(delivery_id)
        return self.act(
            lambda: deliveries.replay_delivery(actor=self.actor, delivery=row), self._show, status=202
        )
