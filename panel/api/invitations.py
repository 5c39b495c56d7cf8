"""Links with which somebody may ask for an address."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Number, Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import invitations as actions
from tenants.models import Domain, Invitation


class InvitationSerializer(serializers.Serializer[Invitation]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    domain = serializers.CharField(source="domain.name")
    note = serializers.CharField()
    email = serializers.CharField(source="recipient", help_text="Who was mailed the link; may be empty.")
    local_part = serializers.CharField(help_text="The name to have; empty: whoever asks chooses.")
    approved = serializers.BooleanField(help_text="Whether it is a yes beforehand.")
    uses = serializers.IntegerField(help_text="How many may ask with it.")
    uses_left = serializers.IntegerField()
    made_by = serializers.CharField(source="made_by.email", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class NewInvitationSerializer(InvitationSerializer):
    url = serializers.CharField(allow_null=True, help_text="Shown this once. Null in a dry run.")


class InvitationWish(Shape):
    note = Text(max_length=800, help_text="Whom it is for; for the team. May be empty.")
    email = Text(required=False, max_length=400, help_text="Mail the link there.")
    local_part = Text(required=False, max_length=400, help_text="The name to have, for one person.")
    approved = Switch(required=False, default=False, help_text="Say yes beforehand.")
    uses = Number(
        required=False,
        default=1,
        min_value=1,
        max_value=actions.MOST_USES,
        help_text="How many may ask with it.",
    )
    days = Number(
        required=False, default=14, min_value=1, max_value=actions.MOST_DAYS, help_text="How long it works."
    )

    example = {"note": "The new intern", "local_part": "intern", "approved": True}


class DomainInvitations(ApiView):
    noun, tag = "invitation", "Requests"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    shown_once = frozenset({"url"})

    @operation("The invitations of a domain, the newest first", responses=InvitationSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, Invitation).filter(domain=home)
        rows = rows.select_related("domain", "made_by")
        return self.page(rows, lambda found: [dict(InvitationSerializer(each).data) for each in found])

    @operation(
        "Invite somebody to ask for an address",
        request=InvitationWish,
        responses={201: NewInvitationSerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(InvitationWish)
        home = access.get(self.actor, Domain, name=domain)

        def show(made: actions.Invited) -> dict[str, Any]:
            unreal = {"id": None, "url": None} if self.dry else {"url": made.url}
            return {**InvitationSerializer(made.invitation).data, **unreal}

        return self.act(
            lambda: actions.make_invitation(actor=self.actor, domain=home, **given), show, status=201
        )


class Invitations(ApiView):
    noun, tag = "invitation", "Requests"
    reported = frozenset({"uses_left"})

    def subject(self, invitation_id: int) -> Subject:
        row = access.get(self.actor, Invitation, pk=invitation_id)
        return Subject([row], lambda: dict(InvitationSerializer(row).data))

    @operation("One invitation, without its link", responses=InvitationSerializer)
    def retrieve(self, request: Request, invitation_id: int) -> Response:
        return Response(self._subject().show())

    @operation("Withdraw it: its link opens nothing any more", responses=InvitationSerializer)
    def withdraw(self, request: Request, invitation_id: int) -> Response:
        row = access.get(self.actor, Invitation, pk=invitation_id)
        return self.act(
            lambda: actions.withdraw_invitation(actor=self.actor, invitation=row),
            lambda done: dict(InvitationSerializer(done).data),
        )
