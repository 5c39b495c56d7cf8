"""Organizations, their quotas and their people."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Number, PageQuery, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import organizations as actions
from tenants.actions import own_account
from tenants.actions.locking import lock
from tenants.models import Membership, Organization


class OrganizationSerializer(serializers.Serializer[Organization]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    name = serializers.CharField()
    domain_quota = serializers.IntegerField()
    domain_count = serializers.IntegerField()
    mailbox_quota = serializers.IntegerField()
    mailbox_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()

    example = {
        "id": 7,
        "name": "Analytical Society",
        "domain_quota": 10,
        "domain_count": 1,
        "mailbox_quota": 1000,
        "mailbox_count": 14,
        "created_at": "2026-11-21T09:12:00Z",
    }


class NewOrganization(Shape):
    name = Text(max_length=400)
    domain_quota = Number(required=False, default=10, help_text="0 to 1,000,000.")
    mailbox_quota = Number(required=False, default=1000, help_text="0 to 1,000,000.")

    example = {"name": "Analytical Society", "domain_quota": 3}


class Quotas(Shape):
    domain_quota = Number(required=False, help_text="Never below what there is.")
    mailbox_quota = Number(required=False, help_text="Never below what there is.")

    example = {"mailbox_quota": 5000}


class MemberSerializer(serializers.Serializer[Membership]):
    email = serializers.EmailField(source="account.email")
    name = serializers.CharField(source="account.name")
    role = serializers.ChoiceField(choices=Membership.Role.choices)
    created_at = serializers.DateTimeField()


class NewMember(Shape):
    email = Text(max_length=400)
    role = Choice(choices=Membership.Role.choices)

    example = {"email": "bob@people.example", "role": "manager"}


class NewRole(Shape):
    role = Choice(choices=Membership.Role.choices)

    example = {"role": "viewer"}


class Organizations(ApiView):
    noun, tag = "organization", "Organizations"
    reported = frozenset({"domain_count", "mailbox_count"})

    def subject(self, organization_id: int) -> Subject:
        row = access.get(self.actor, Organization, pk=organization_id)
        return Subject([row], lambda: self._show(row))

    @operation("The organizations that you belong to; all for an operator", responses=OrganizationSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Organization)
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        "Make an organization (operators)", request=NewOrganization, responses={201: OrganizationSerializer}
    )
    def create(self, request: Request) -> Response:
        given = self.body(NewOrganization)
        return self.act(
            lambda: actions.create_organization(actor=self.actor, **given),
            lambda made: {**self._show(made), **({"id": None} if self.dry else {})},
            status=201,
            location=lambda made: reverse("api:organization", args=[made.pk]),
        )

    @operation("One organization", responses=OrganizationSerializer)
    def retrieve(self, request: Request, organization_id: int) -> Response:
        return Response(self._show(access.get(self.actor, Organization, pk=organization_id)))

    @operation("Change its quotas (operators)", request=Quotas, responses=OrganizationSerializer)
    def partial_update(self, request: Request, organization_id: int) -> Response:
        given = self.body(Quotas)
        row = access.get(self.actor, Organization, pk=organization_id)

        @transaction.atomic
        def change() -> Organization:
            access.require(self.actor, access.Verb.CHANGE, row)
            lock(row)
            wanted = {"domain_quota": row.domain_quota, "mailbox_quota": row.mailbox_quota} | given
            actions.change_quotas(actor=self.actor, organization=row, **wanted)
            return row

        return self.act(change, self._show)

    @staticmethod
    def _show(row: Organization) -> dict[str, Any]:
        return dict(OrganizationSerializer(row).data)


class MemberQuery(PageQuery):
    role = Choice(required=False, choices=Membership.Role.choices)


class Members(ApiView):
    noun, tag = "member", "Organizations"
    queries = {"list": MemberQuery}

    def subject(self, organization_id: int, email: str) -> Subject:
        organization = access.get(self.actor, Organization, pk=organization_id)
        row = self._find(organization, email)
        return Subject([organization, row], lambda: self._show(row))

    def _find(self, organization: Organization, email: str) -> Membership:
        return access.get(self.actor, Membership, organization=organization, account__email=email.lower())

    @operation("Who belongs to an organization", responses=MemberSerializer)
    def list(self, request: Request, organization_id: int) -> Response:
        organization = access.get(self.actor, Organization, pk=organization_id)
        rows = access.visible_to(self.actor, Membership).filter(organization=organization)
        if "role" in self.given:
            rows = rows.filter(role=self.given["role"])
        return self.page(rows.select_related("account"), lambda found: [self._show(each) for each in found])

    @operation("One member", responses=MemberSerializer)
    def retrieve(self, request: Request, organization_id: int, email: str) -> Response:
        return Response(self._subject().show())

    @operation(
        "Let a person in; they sign in with a link sent to this address",
        request=NewMember,
        responses={201: MemberSerializer},
    )
    def create(self, request: Request, organization_id: int) -> Response:
        return self._put(organization_id, status=201, **self.body(NewMember))

    @operation("Let a person in, or change their role", request=NewRole, responses=MemberSerializer)
    def update(self, request: Request, organization_id: int, email: str) -> Response:
        return self._put(organization_id, email=email, **self.body(NewRole))

    @operation(
        "Let a person go, or leave yourself",
        responses={200: MemberSerializer, 204: None},
    )
    def destroy(self, request: Request, organization_id: int, email: str) -> Response:
        organization = access.get(self.actor, Organization, pk=organization_id)
        row = self._find(organization, email)
        shown = self._show(row)
        leaves = self.actor.account is not None and row.account_id == self.actor.account.pk
        go = own_account.leave_organization if leaves else actions.remove_member
        return self.act(lambda: go(actor=self.actor, membership=row), lambda _: shown, status=204)

    def _put(self, organization_id: int, *, email: str, role: str, status: int = 200) -> Response:
        organization = access.get(self.actor, Organization, pk=organization_id)
        return self.act(
            lambda: actions.add_member(actor=self.actor, organization=organization, email=email, role=role),
            self._show,
            status=status,
        )

    @staticmethod
    def _show(row: Membership) -> dict[str, Any]:
        return dict(MemberSerializer(row).data)
