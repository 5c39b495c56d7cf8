"""For people without an account: asking for an address, confirming, and following the request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Shape, Text
from panel.api.schema import operation
from tenants.actions import requests as actions
from tenants.actions import targets as target_actions
from tenants.models import AddressRequest, SyncTarget, TargetAddress


class OwnRequestSerializer(serializers.Serializer[Any]):
    """A request, as far as its requester may know."""

    address = serializers.CharField()
    target = serializers.CharField()
    status = serializers.ChoiceField(choices=AddressRequest.Status.choices)
    reason = serializers.CharField(help_text="Why it was refused.")
    asked_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    written = serializers.BooleanField(help_text="Whether the address was read back from the mail server.")


class SubmittedSerializer(serializers.Serializer[Any]):
    """What was asked. The links are told here and nowhere else; null in a dry run."""

    address = serializers.CharField()
    target = serializers.CharField()
    status = serializers.ChoiceField(choices=AddressRequest.Status.choices)
    timeline_url = serializers.CharField(allow_null=True, help_text="The page that follows the request.")
    status_url = serializers.CharField(allow_null=True, help_text="The same for programs.")


class NewRequest(Shape):
    local_part = Text(max_length=400)
    target = Text(max_length=400, help_text="A mail there asks to confirm. Nothing happens before.")
    password_hash = Text(max_length=400, help_text="BLAKE2b-512 of the passphrase, 128 hex digits.")
    message = Text(required=False, max_length=2000, help_text="For the owner of the domain.")

    example = {
        "local_part": "grace",
        "target": "grace@home.example",
        "password_hash": "0123456789abcdef" * 8,
        "message": "We met at the harbour.",
    }


class LinkFromMail(Shape):
    token = Text(max_length=200, help_text="The last part of the link in the mail.")

    example = {"token": "3q2-7wAAbQ2kq0b5Qe0Jm1mQm1y7c0a8pJ6tq5cW2gE"}


class ConfirmedSerializer(serializers.Serializer[Any]):
    mailbox = serializers.CharField()
    address = serializers.CharField()
    confirmed_at = serializers.DateTimeField()


def _written(row: AddressRequest) -> bool:
    if row.mailbox is None:
        return False
    target = SyncTarget.objects.filter(repository__domain=row.domain_id).first()
    return target is not None and target.observed_generation >= max(row.mailbox.generation, 1)


def show_own(row: AddressRequest) -> dict[str, Any]:
    return {
        "address": f"{row.local_part}@{row.domain.name}",
        "target": row.target,
        "status": row.status,
        "reason": row.reason,
        "asked_at": row.asked_at,
        "confirmed_at": row.confirmed_at,
        "decided_at": row.decided_at,
        "written": _written(row),
    }


class PublicView(ApiView):
    """No sign-in is asked for and none is used."""

    tag = "Public"
    keyed = False
    authentication_classes = []
    permission_classes = []


class PublicDomainRequests(PublicView):
    noun = "public_request"

    @operation("Ask for an address", request=NewRequest, responses={202: SubmittedSerializer})
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewRequest)
        home = actions.open_domain(domain)
        return self.act(
            lambda: actions.submit_request(actor=self.actor, domain=home, **given), self._show, status=202
        )

    def _show(self, done: actions.Submitted) -> dict[str, Any]:
        row, token = done.request, done.page_token
        return {
            "address": f"{row.local_part}@{row.domain.name}",
            "target": row.target,
            "status": row.status,
            "timeline_url": None if self.dry else f"{settings.BASE_URL}/asked/{token}",
            "status_url": None
            if self.dry
            else settings.BASE_URL + reverse("api:public-request", args=[token]),
        }


class PublicRequests(PublicView):
    noun = "public_request"

    @operation("How your request stands", responses=OwnRequestSerializer)
    def retrieve(self, request: Request, page_token: str) -> Response:
        return Response(show_own(actions.find_by_page(page_token)))

    @operation(
        "Press the button of the mail: yes, it was you", request=LinkFromMail, responses=OwnRequestSerializer
    )
    def confirm(self, request: Request) -> Response:
        given = self.body(LinkFromMail)
        return self.act(
            lambda: actions.confirm_request(actor=self.actor, confirm_token=given["token"]), show_own
        )

    @operation("Take your request back", responses=OwnRequestSerializer)
    def withdraw(self, request: Request, page_token: str) -> Response:
        return self.act(lambda: actions.withdraw_request(actor=self.actor, page_token=page_token), show_own)


class PublicTargets(PublicView):
    noun = "public_target"

    @operation(
        "Press the button of the mail: yes, send me that address's mail",
        request=LinkFromMail,
        responses=ConfirmedSerializer,
    )
    def confirm(self, request: Request) -> Response:
        given = self.body(LinkFromMail)

        def show(row: TargetAddress) -> dict[str, Any]:
            return {
                "mailbox": str(row.mailbox),
                "address": row.address,
                "confirmed_at": row.confirmed_at,
            }

        return self.act(lambda: target_actions.confirm_target(actor=self.actor, token=given["token"]), show)
