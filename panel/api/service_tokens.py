"""Keys of an organization itself: for programs that go on when a person leaves."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.account import NewTokenSerializer, TokenSerializer, TokenWish, known_domain, made_token
from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice
from panel.api.schema import operation
from tenants import access
from tenants.actions.service_tokens import create_service_token, revoke_service_token
from tenants.actions.token_rows import Wish
from tenants.errors import Absent
from tenants.models import ApiToken, Membership, Organization


class ServiceTokenSerializer(TokenSerializer):
    role = serializers.ChoiceField(choices=Membership.Role.choices, help_text="What it is there.")


class NewServiceTokenSerializer(NewTokenSerializer):
    role = serializers.ChoiceField(choices=Membership.Role.choices, help_text="What it is there.")


class ServiceTokenWish(TokenWish):
    organization = None  # type: ignore[assignment]  # it is in the address
    role = Choice(choices=Membership.Role.choices, help_text="What it is in the organization.")

    example = {"name": "nightly import", "role": "manager", "kinds": ["mailbox"], "idle_days": 30}


class ServiceTokens(ApiView):
    noun, tag = "service_token", "Organizations"
    shown_once = frozenset({"key"})
    reported = frozenset({"last_used_at"})

    def subject(self, organization_id: int, token_id: int) -> Subject:
        row = self._rows(organization_id).filter(pk=token_id).first()
        if row is None:
            raise Absent
        return Subject([row], lambda: self._show(row))

    def _rows(self, organization_id: int) -> QuerySet[ApiToken]:
        organization = access.get(self.actor, Organization, pk=organization_id)
        members = access.visible_to(self.actor, Membership).filter(
            organization=organization, account__is_service=True
        )
        rows = ApiToken.objects.filter(account__in=members.values("account_id"))
        return rows.select_related("account", "domain").prefetch_related("account__memberships")

    @operation("The keys of an organization itself, without their secrets", responses=ServiceTokenSerializer)
    def list(self, request: Request, organization_id: int) -> Response:
        rows = self._rows(organization_id)
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        "Make a key of an organization (its owners, in a browser only: tokens make no tokens)",
        request=ServiceTokenWish,
        responses={201: NewServiceTokenSerializer},
    )
    def create(self, request: Request, organization_id: int) -> Response:
        self.require_fresh()
        given = self.body(ServiceTokenWish)
        organization = access.get(self.actor, Organization, pk=organization_id)
        role = given.pop("role")
        wish = Wish(**{**given, "domain": known_domain(self.actor, given.pop("domain", None))})
        return self.act(
            lambda: create_service_token(actor=self.actor, organization=organization, role=role, wish=wish),
            lambda made: made_token(self._show(made[0]), made[1], self.dry),
            status=201,
        )

    @operation("One key of an organization", responses=ServiceTokenSerializer)
    def retrieve(self, request: Request, organization_id: int, token_id: int) -> Response:
        return Response(self._subject().show())

    @operation(
        "Revoke a key of an organization (in a browser only)",
        responses={200: ServiceTokenSerializer, 204: None},
    )
    def destroy(self, request: Request, organization_id: int, token_id: int) -> Response:
        shown = self._subject().show()
        row = self._rows(organization_id).get(pk=token_id)
        membership = access.get(self.actor, Membership, organization=organization_id, account=row.account_id)
        return self.act(
            lambda: revoke_service_token(actor=self.actor, membership=membership),
            lambda _: shown,
            status=204,
        )

    @staticmethod
    def _show(row: ApiToken) -> dict[str, Any]:
        [membership] = row.account.memberships.all()
        return {**TokenSerializer(row).data, "role": membership.role}
