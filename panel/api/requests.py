"""Address requests, as those see them who decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import MOST_PARTS, ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Identifiers, PageQuery, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import requests as actions
from tenants.errors import Absent
from tenants.lists import matching_requests
from tenants.models import AddressRequest, Domain


class RequestSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    address = serializers.CharField(help_text="The address that is asked for.")
    domain = serializers.CharField()
    target = serializers.CharField(help_text="Where its mail shall go; who asks has to confirm it.")
    invitation = serializers.IntegerField(allow_null=True, help_text="With which invitation.")
    message = serializers.CharField()
    status = serializers.ChoiceField(choices=AddressRequest.Status.choices)
    reason = serializers.CharField(help_text="Why it was refused.")
    waits_because = serializers.CharField(
        help_text="Why no rule said yes, or why the address cannot be had; the person who asked is not told."
    )
    automatic = serializers.BooleanField(help_text="Whether the domain's rule said yes.")
    decided_by = serializers.CharField(allow_null=True, help_text="The sign-in of who decided.")
    mailbox = serializers.CharField(allow_null=True, help_text="The address that was made of it.")
    asked_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reminded_at = serializers.DateTimeField(allow_null=True, help_text="When deciders were reminded last.")
    decide_by = serializers.DateTimeField(allow_null=True, help_text="When it lapses; null: never.")


class RequestQuery(PageQuery):
    status = Choice(required=False, choices=AddressRequest.Status.choices)
    domain = Text(required=False, max_length=253)
    q = Text(required=False, max_length=100, help_text="How the name or the target begins.")


class Refusal(Shape):
    reason = Text(max_length=2000, help_text="The person who asked reads it.")

    example: ClassVar[dict[str, Any]] = {"reason": "This name is kept for the society itself."}


class Refusals(Refusal):
    requests = Identifiers(allow_empty=False, max_length=actions.MOST_AT_ONCE, help_text="Their ids.")

    example = {"requests": [4, 7], "reason": "These names are kept for the society itself."}


class RefusedSerializer(serializers.Serializer[Any]):
    refused = serializers.IntegerField(help_text="How many.")


def show_request(row: AddressRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "address": f"{row.local_part}@{row.domain.name}",
        "domain": row.domain.name,
        "target": row.target,
        "invitation": row.invitation_id,
        "message": row.message,
        "status": row.status,
        "reason": row.reason,
        "waits_because": row.waits_because,
        "automatic": bool(row.given_to),
        "decided_by": row.decided_by.email if row.decided_by else None,
        "mailbox": str(row.mailbox) if row.mailbox else None,
        "asked_at": row.asked_at,
        "confirmed_at": row.confirmed_at,
        "decided_at": row.decided_at,
        "reminded_at": row.reminded_at,
        "decide_by": row.decide_by,
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
            return self.page(self._matching(rows, ()), _shown)
        some = list(domains[: MOST_PARTS + 1])
        rows = self._matching(rows, some)
        parts = [rows.filter(domain=each) for each in some] if len(some) <= MOST_PARTS else []
        return self.page(rows, _shown, parts)

    def _matching(self, rows: QuerySet[AddressRequest], domains: Sequence[int]) -> QuerySet[AddressRequest]:
        words = self.given.get("q", "").replace("\0", "").strip()
        return matching_requests(rows, words, domains)

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

    @operation(
        "Say no to several, for one reason: to all of them or to none",
        request=Refusals,
        responses=RefusedSerializer,
    )
    def refuse_requests(self, request: Request) -> Response:
        given = self.body(Refusals)
        wanted = set(given["requests"])
        rows = list(self._visible().filter(pk__in=wanted))
        if len(rows) != len(wanted):
            raise Absent
        return self.act(
            lambda: actions.refuse_requests(actor=self.actor, requests=rows, reason=given["reason"]),
            lambda count: {"refused": count},
        )
