"""Roles on one domain: who decides its requests, runs its addresses, edits its DNS, or looks."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, PageQuery, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import domain_roles as actions
from tenants.models import Domain, DomainRole


class DomainRoleSerializer(serializers.Serializer[DomainRole]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    domain = serializers.CharField(source="domain.name")
    email = serializers.EmailField(source="account.email")
    name = serializers.CharField(source="account.name")
    role = serializers.ChoiceField(choices=DomainRole.Role.choices)
    created_at = serializers.DateTimeField()


class DomainRoleQuery(PageQuery):
    role = Choice(required=False, choices=DomainRole.Role.choices)


class NewDomainRole(Shape):
    email = Text(max_length=400)
    role = Choice(choices=DomainRole.Role.choices)

    example = {"email": "bob@people.example", "role": "decider"}


def _show(row: DomainRole) -> dict[str, Any]:
    return dict(DomainRoleSerializer(row).data)


class DomainRoles(ApiView):
    noun, plural, tag = "role", "roles", "Domains"
    queries = {"list": DomainRoleQuery}

    def subject(self, domain: str, role_id: int) -> Subject:
        row = self._find(domain, role_id)
        return Subject([row], lambda: _show(row))

    def _find(self, domain: str, role_id: int) -> DomainRole:
        return access.get(self.actor, DomainRole, pk=role_id, domain__name=domain)

    @operation("Who has a role on a domain, beside its organization's people", responses=DomainRoleSerializer)
    def list(self, request: Request, domain: str) -> Response:
        thing = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, DomainRole).filter(domain=thing)
        if "role" in self.given:
            rows = rows.filter(role=self.given["role"])
        return self.page(
            rows.select_related("account", "domain"), lambda found: [_show(each) for each in found]
        )

    @operation(
        "Give somebody a role on this domain alone; they sign in with a link sent to this address",
        request=NewDomainRole,
        responses={201: DomainRoleSerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        self.require_fresh()
        given = self.body(NewDomainRole)
        thing = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: actions.give_domain_role(actor=self.actor, domain=thing, **given),
            lambda made: {**_show(made), **({"id": None} if self.dry else {})},
            status=201,
            location=lambda made: reverse("api:domain-role", args=[domain, made.pk]),
        )

    @operation("One role", responses=DomainRoleSerializer)
    def retrieve(self, request: Request, domain: str, role_id: int) -> Response:
        return Response(self._subject().show())

    @operation("Take the role back, at once", responses={200: DomainRoleSerializer, 204: None})
    def destroy(self, request: Request, domain: str, role_id: int) -> Response:
        row = self._find(domain, role_id)
        shown = _show(row)
        return self.act(
            lambda: actions.take_domain_role(actor=self.actor, role=row), lambda _: shown, status=204
        )
