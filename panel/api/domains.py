"""Mail domains."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Identifier, Number, PageQuery, QueryIdentifier, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import domains as actions
from tenants.actions.trash import change_trash_days
from tenants.actor import Actor
from tenants.models import Domain, Organization


class DomainSerializer(serializers.Serializer[Domain]):
    name = serializers.CharField()
    organization = serializers.IntegerField(source="organization_id")
    requests = serializers.ChoiceField(
        choices=Domain.Requests.choices, help_text="Who may ask for an address on the public page."
    )
    submission_host = serializers.CharField(help_text="Empty: the usual name.")
    mail_program_host = serializers.CharField(help_text="What mail programs connect to, port 465.")
    trash_days = serializers.IntegerField(help_text="How long an address stays in the trash.")
    created_at = serializers.DateTimeField()
    target = serializers.IntegerField(
        allow_null=True, help_text="The sync target of its relay repository; null before one is connected."
    )
    in_agreement = serializers.BooleanField(
        allow_null=True, help_text="Whether the outside was last proved to be as asked; null without target."
    )


class DomainQuery(PageQuery):
    organization = QueryIdentifier()
    requests = Choice(required=False, choices=Domain.Requests.choices)


class NewDomain(Shape):
    organization = Identifier(help_text="The id of the organization that it shall belong to.")
    name = Text(max_length=400)

    example = {"organization": 7, "name": "example.org"}


class DomainSettings(Shape):
    requests = Choice(required=False, choices=Domain.Requests.choices)
    submission_host = Text(required=False, max_length=400, help_text="Empty: the usual name.")
    trash_days = Number(
        required=False, min_value=1, max_value=366, help_text="How many days an address stays in the trash."
    )

    example = {"requests": "moderated"}


def show_domain(row: Domain) -> dict[str, Any]:
    target = getattr(getattr(row, "relay", None), "sync_target", None)
    row.target = target.pk if target else None  # type: ignore[attr-defined]
    row.in_agreement = target.in_agreement if target else None  # type: ignore[attr-defined]
    return dict(DomainSerializer(row).data)


def visible_domains(actor: Actor) -> QuerySet[Domain]:
    return access.visible_to(actor, Domain).select_related("relay__sync_target")


class Domains(ApiView):
    noun, tag = "domain", "Domains"
    orders = {"name": ("name",), "-name": ("-name",), "id": ("pk",), "-id": ("-pk",)}
    queries = {"list": DomainQuery}
    reported = frozenset({"target", "in_agreement"})

    def subject(self, domain: str) -> Subject:
        row = access.get(self.actor, Domain, name=domain)
        return Subject([row], lambda: show_domain(visible_domains(self.actor).get(pk=row.pk)))

    @operation("The domains that you may see", responses=DomainSerializer)
    def list(self, request: Request) -> Response:
        rows = visible_domains(self.actor)
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        if "requests" in self.given:
            rows = rows.filter(requests=self.given["requests"])
        return self.page(rows, lambda found: [show_domain(each) for each in found])

    @operation("Add a domain to an organization", request=NewDomain, responses={201: DomainSerializer})
    def create(self, request: Request) -> Response:
        given = self.body(NewDomain)
        organization = access.get(self.actor, Organization, pk=given["organization"])
        return self.act(
            lambda: actions.create_domain(actor=self.actor, organization=organization, name=given["name"]),
            show_domain,
            status=201,
            location=lambda made: reverse("api:domain", args=[made.name]),
        )

    @operation("One domain", responses=DomainSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(show_domain(access.get(self.actor, Domain, name=domain)))

    @operation("Change its settings", request=DomainSettings, responses=DomainSerializer)
    def partial_update(self, request: Request, domain: str) -> Response:
        given = self.body(DomainSettings)
        row = access.get(self.actor, Domain, name=domain)
        days = given.pop("trash_days", None)

        @transaction.atomic
        def change() -> Domain:
            if days is not None:
                change_trash_days(actor=self.actor, domain=row, days=days)
            return actions.change_domain(actor=self.actor, domain=row, **given)

        return self.act(change, show_domain)
