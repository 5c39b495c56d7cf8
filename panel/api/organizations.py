"""Organizations, their quotas and their people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Number, PageQuery, Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import organizations as actions
from tenants.actions import own_account, suspension
from tenants.actions.locking import lock
from tenants.actions.quotas import change_quotas
from tenants.models import Membership, Organization
from tenants.quotas import MOST, THINGS, Quota, standings_of

# The class below has a method of that name.
Bodies = list[dict[str, Any]]
AROUND = "Quotas and counts are null for whoever has a part in one domain only."


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    name = serializers.CharField()
    domain_quota = serializers.IntegerField(allow_null=True, help_text=AROUND)
    domain_count = serializers.IntegerField(allow_null=True)
    mailbox_quota = serializers.IntegerField(allow_null=True)
    mailbox_count = serializers.IntegerField(allow_null=True)
    member_quota = serializers.IntegerField(allow_null=True, help_text="Of people.")
    member_count = serializers.IntegerField(allow_null=True)
    token_quota = serializers.IntegerField(allow_null=True, help_text="Of keys of its own.")
    token_count = serializers.IntegerField(allow_null=True)
    webhook_quota = serializers.IntegerField(allow_null=True)
    webhook_count = serializers.IntegerField(allow_null=True)
    second_factor_required = serializers.BooleanField(
        help_text="Whether its people get nowhere before they have a second factor."
    )
    suspended_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when its people may look and change nothing; its mail goes on."
    )
    suspended_because = serializers.CharField(help_text="The operators' reason; empty when not suspended.")
    created_at = serializers.DateTimeField()

    example = {
        "id": 7,
        "name": "Analytical Society",
        "domain_quota": 10,
        "domain_count": 1,
        "mailbox_quota": 1000,
        "mailbox_count": 14,
        "member_quota": 100,
        "member_count": 3,
        "token_quota": 100,
        "token_count": 1,
        "webhook_quota": 10,
        "webhook_count": 0,
        "second_factor_required": False,
        "suspended_at": None,
        "suspended_because": "",
        "created_at": "2026-11-21T09:12:00Z",
    }


class QuotaNumber(Number):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MOST, **options)


class NewOrganization(Shape):
    name = Text(max_length=400)
    domain_quota = QuotaNumber(required=False, default=10)
    mailbox_quota = QuotaNumber(required=False, default=1000)
    member_quota = QuotaNumber(required=False, default=100, help_text="Of people.")
    token_quota = QuotaNumber(required=False, default=100, help_text="Of keys of its own.")
    webhook_quota = QuotaNumber(required=False, default=10)

    example = {"name": "Analytical Society", "domain_quota": 3}


class OrganizationChange(Shape):
    domain_quota = QuotaNumber(required=False, help_text="Never below what there is.")
    mailbox_quota = QuotaNumber(required=False, help_text="Never below what there is.")
    member_quota = QuotaNumber(required=False, help_text="Never below what there is.")
    token_quota = QuotaNumber(required=False, help_text="Never below what there is.")
    webhook_quota = QuotaNumber(required=False, help_text="Never below what there is.")
    second_factor_required = Switch(required=False, help_text="Owners decide this.")

    example = {"mailbox_quota": 5000}


class Suspension(Shape):
    reason = Text(max_length=2000, help_text="Its people read it; owners get it by mail.")

    example = {"reason": "Unpaid since May."}


class MemberSerializer(serializers.Serializer[Membership]):
    email = serializers.EmailField(source="account.email")
    name = serializers.CharField(source="account.name")
    role = serializers.ChoiceField(choices=Membership.Role.choices)
    program = serializers.BooleanField(
        source="account.is_service", help_text="A program with a key of its own (see service tokens)."
    )
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
    reported = frozenset(f"{what}_count" for what in THINGS)

    def subject(self, organization_id: int) -> Subject:
        row = access.get(self.actor, Organization, pk=organization_id)
        return Subject([row], lambda: self._show(row))

    @operation("The organizations that you belong to; all for an operator", responses=OrganizationSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Organization)
        return self.page(rows, self._show_all)

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

    @operation(
        "Change its quotas (operators), or whether its people need a second factor",
        request=OrganizationChange,
        responses=OrganizationSerializer,
    )
    def partial_update(self, request: Request, organization_id: int) -> Response:
        given = self.body(OrganizationChange)
        required = given.pop("second_factor_required", None)
        if required is not None:
            self.require_fresh()
        row = access.get(self.actor, Organization, pk=organization_id)

        @transaction.atomic
        def change() -> Organization:
            access.require(self.actor, access.Verb.CHANGE, row)
            lock(row)
            if required is not None:
                actions.require_second_factor(actor=self.actor, organization=row, required=required)
            if given or required is None:
                change_quotas(actor=self.actor, organization=row, **given)
            return row

        return self.act(change, self._show)

    @operation(
        "Suspend it (operators): its people look and change nothing, its mail goes on",
        request=Suspension,
        responses=OrganizationSerializer,
    )
    def suspend(self, request: Request, organization_id: int) -> Response:
        given = self.body(Suspension)
        row = access.get(self.actor, Organization, pk=organization_id)
        return self.act(
            lambda: suspension.suspend_organization(actor=self.actor, organization=row, **given), self._show
        )

    @operation("Lift its suspension (operators)", responses=OrganizationSerializer)
    def lift(self, request: Request, organization_id: int) -> Response:
        row = access.get(self.actor, Organization, pk=organization_id)
        return self.act(lambda: suspension.lift_suspension(actor=self.actor, organization=row), self._show)

    def _show(self, row: Organization) -> dict[str, Any]:
        return self._show_all([row])[0]

    def _show_all(self, rows: Sequence[Organization]) -> Bodies:
        inside = access.seen_inside(self.actor, rows)
        found = standings_of([row for row in rows if row.pk in inside])
        return [_body(row, found.get(row.pk, {})) for row in rows]


def _body(row: Organization, quotas: Mapping[str, Quota]) -> dict[str, Any]:
    """Without quotas where they are not for whoever asked."""
    shown: dict[str, Any] = {
        str(name): getattr(row, str(name), None) for name in OrganizationSerializer().fields
    }
    for what in THINGS:
        has = quotas.get(what)
        shown |= {f"{what}_quota": has and has.quota, f"{what}_count": has and has.used}
    return dict(OrganizationSerializer(shown).data)


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
        self.require_fresh()
        organization = access.get(self.actor, Organization, pk=organization_id)
        return self.act(
            lambda: actions.add_member(actor=self.actor, organization=organization, email=email, role=role),
            self._show,
            status=status,
        )

    @staticmethod
    def _show(row: Membership) -> dict[str, Any]:
        return dict(MemberSerializer(row).data)
