"""Address requests, as those see them who decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import MOST_PARTS, ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, PageQuery, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import requests as actions
from tenants.errors import Absent
from tenants.models import AddressRequest, Domain


class RequestSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    address = serializers.CharField(help_text="The address that is asked for.")
    domain = serializers.CharField()
    target = serializers.CharField(help_text="Where its mail shall go; who asks has to confirm it.")
    message = serializers.CharField()
    status = serializers.ChoiceField(choices=AddressRequest.Status.choices)
    reason = serializers.CharField(help_text="Why it was refused.")
    decided_by = serializers.CharField(allow_null=True, help_text="The sign-in of who decided.")
    mailbox = serializers.CharField(allow_null=True, help_text="The address that was made of it.")
    asked_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class RequestQuery(PageQuery):
    status = Choice(required=False, choices=AddressRequest.Status.choices)
    domain = Text(required=False, max_length=253)


class Refusal(Shape):
    reason = Text(max_length=2000, help_text="The person who asked reads it.")

    example = {"reason": "This name is kept for the society itself."}


def show_request(row: AddressRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "address": f"{row.local_part}@{row.domain.name}",
        "domain": row.domain.name,
        "target": row.target,
        "message": row.message,
        "status": row.status,
        "reason": row.reason,
        "decided_by": row.decided_by.email if row.decided_by else None,
        "mailbox": str(row.mailbox) if row.mailbox else None,
        "asked_at": row.asked_at,
        "confirmed_at": row.confirmed_at,
        "decided_at": row.decided_at,
    }


def _shown(rows: Sequence[AddressRequest]) -> list[dict[str, Any]]:
    return [show_request(each) for each in rows]


class Requests(ApiView):
    noun, tag = "request", "Requests"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": RequestQuery}

    def subject(self, request_id: int) -> Subject:
        return Subject([self._find(request_id)], lambda: show_request(self._find(request_id)))

    def _visible(self) -> QuerySet[AddressRequest]:
        rows = access.visible_to(self.actor, AddressRequest)
        return rows.select_related("domain__organization", "decided_by", "mailbox__domain")

    def _find(self, request_id: int) -> AddressRequest:
        row = self._visible().filter(pk=request_id).first()
        if row is None:
            raise Absent
        return row

    @operation("Who asked for what, the newest first", responses=RequestSerializer)
    def list(self, request: Request) -> Response:
        rows = self._visible()
        if "status" in self.given:
            rows = rows.filter(status=self.given["status"])
        domains = access.visible_to(self.actor, Domain).order_by("pk").values_list("pk", flat=True)
        if "domain" in self.given:
            domains = domains.filter(name=self.given["domain"].lower())
            rows = rows.filter(domain__in=list(domains))
        elif self.actor.is_operator:
            return self.page(rows, _shown)
        some = list(domains[: MOST_PARTS + 1])
        parts = [rows.filter(domain=each) for each in some] if len(some) <= MOST_PARTS else []
        return self.page(rows, _shown, parts)

    @operation("One request", responses=RequestSerializer)
    def retrieve(self, request: Request, request_id: int) -> Response:
        return Response(show_request(self._find(request_id)))

    @operation("Say yes: the address is made and written outside", responses=RequestSerializer)
    def approve(self, request: Request, request_id: int) -> Response:
        row = self._find(request_id)
        return self.act(
            lambda: actions.approve_request(actor=self.actor, request=row),
            lambda _: show_request(self._find(request_id)),
        )

    @operation("Say no, with a reason", request=Refusal, responses=RequestSerializer)
    def refuse(self, request: Request, request_id: int) -> Response:
        given = self.body(Refusal)
        row = self._find(request_id)
        return self.act(
            lambda: actions.refuse_request(actor=self.actor, request=row, **given),
            lambda _: show_request(self._find(request_id)),
        )
