"""For people without an account: asking for an address, confirming, and following the request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Choice, Shape, Text
from panel.api.schema import operation
from tenants.actions import decision_links, invitations
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
    reminded_at = serializers.DateTimeField(allow_null=True, help_text="When those who decide were reminded.")
    decide_by = serializers.DateTimeField(allow_null=True, help_text="Undecided, it ends then; null: never.")
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
    password_hash = Text(
        max_length=400, write_only=True, help_text="BLAKE2b-512 of the passphrase, 128 hex digits."
    )
    message = Text(required=False, max_length=2000, help_text="For the owner of the domain.")

    example = {
        "local_part": "grace",
        "target": "grace@home.example",
        "password_hash": "0123456789abcdef" * 8,
        "message": "We met at the harbour.",
    }


class InvitedRequest(NewRequest):
    local_part = Text(
        required=False, default="", max_length=400, help_text="Left out where the invitation says it."
    )

    example = {**NewRequest.example, "local_part": "grace"}


class PublicInvitationSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField()
    organization = serializers.CharField(help_text="Who runs it.")
    local_part = serializers.CharField(help_text="The name to have; empty: you choose.")
    approved = serializers.BooleanField(help_text="Whether it is a yes beforehand.")
    expires_at = serializers.DateTimeField()


class DecidedRequestSerializer(serializers.Serializer[Any]):
    """A request, as far as the link in a decider's mail shows it."""

    address = serializers.CharField()
    target = serializers.CharField()
    message = serializers.CharField()
    waits_because = serializers.CharField(help_text="Why no rule said yes.")
    status = serializers.ChoiceField(choices=AddressRequest.Status.choices)
    reason = serializers.CharField()
    decide_by = serializers.DateTimeField(allow_null=True)


class MailedDecisionSerializer(DecidedRequestSerializer):
    decider = serializers.CharField(help_text="In whose name the link decides.")


class MailedDecision(Shape):
    decision = Choice(choices=(("approve", "yes"), ("refuse", "no")))
    reason = Text(required=False, default="", max_length=2000, help_text="Of a refusal; they read it.")

    example = {"decision": "refuse", "reason": "This name is kept for the society itself."}


class LinkFromMail(Shape):
    token = Text(max_length=200, write_only=True, help_text="The last part of the link in the mail.")

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
        "reminded_at": row.reminded_at,
        "decide_by": row.decide_by,
        "written": _written(row),
    }


class PublicView(ApiView):
    """No sign-in is asked for and none is used."""

    tag = "Public"
    keyed = False
    authentication_classes = []
    permission_classes = []


class Asking(PublicView):
    """What both doors answer to somebody who asks."""

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


class PublicDomainRequests(Asking):
    noun = "public_request"

    @operation("Ask for an address", request=NewRequest, responses={202: SubmittedSerializer})
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewRequest)
        home = actions.open_domain(domain)
        return self.act(
            lambda: actions.submit_request(actor=self.actor, domain=home, **given), self._show, status=202
        )


class PublicInvitations(Asking):
    noun = "public_invitation"

    @operation("What an invitation is to", responses=PublicInvitationSerializer)
    def retrieve(self, request: Request, token: str) -> Response:
        row = invitations.find_invitation(token)
        return Response(
            {
                "domain": row.domain.name,
                "organization": row.domain.organization.name,
                "local_part": row.local_part,
                "approved": row.approved,
                "expires_at": row.expires_at,
            }
        )

    @operation(
        "Ask for an address, with an invitation", request=InvitedRequest, responses={202: SubmittedSerializer}
    )
    def create(self, request: Request, token: str) -> Response:
        given = self.body(InvitedRequest)
        row = invitations.find_invitation(token)
        return self.act(
            lambda: actions.submit_request(
                actor=self.actor, domain=row.domain, invitation_token=token, **given
            ),
            self._show,
            status=202,
        )


class PublicDecisions(PublicView):
    noun = "public_decision"

    @operation("What the link in a decider's mail is about", responses=MailedDecisionSerializer)
    def retrieve(self, request: Request, token: str) -> Response:
        link = decision_links.find_decision_link(token)
        return Response({**_about(link.request), "decider": link.account.email})

    @operation(
        "Decide as the member to whom the link was mailed",
        request=MailedDecision,
        responses=DecidedRequestSerializer,
    )
    def decide(self, request: Request, token: str) -> Response:
        given = self.body(MailedDecision)
        return self.act(
            lambda: decision_links.decide_by_link(
                actor=self.actor,
                token=token,
                approve=given["decision"] == "approve",
                reason=given["reason"],
            ),
            _about,
        )


def _about(row: AddressRequest) -> dict[str, Any]:
    return {
        "address": row.address,
        "target": row.target,
        "message": row.message,
        "waits_because": row.waits_because,
        "status": row.status,
        "reason": row.reason,
        "decide_by": row.decide_by,
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
