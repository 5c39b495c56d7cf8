"""Taking a domain along, secrets included; and a whole organization, with its secrets or without."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import exports as actions
from tenants.actions.exports import AskedExport
from tenants.models import Domain, Export, Organization


class ExportStandingSerializer(serializers.Serializer[Export]):
    id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=Export.State.choices)
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="Until then it can be fetched, once.")
    with_secrets = serializers.BooleanField(source="has_secrets", help_text="Whether it is sealed to a key.")
    files = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Of the archive, in bytes.")
    problem = serializers.CharField(help_text="Why it could not be made; else empty.")


class AskedExportSerializer(ExportStandingSerializer):
    key = serializers.CharField(
        allow_null=True, help_text="Opens it. Told once; null in a dry run and without secrets."
    )


class FetchedExportSerializer(ExportStandingSerializer):
    archive = serializers.CharField(allow_null=True, help_text="The file in base64; null in a dry run.")


class ExportWish(Shape):
    with_secrets = Switch(help_text="With its secrets; the file is sealed to a key then.")

    example = {"with_secrets": True}


class ExportKey(Shape):
    key = Text(max_length=200, write_only=True, help_text="That was told when the export was asked for.")

    example = {"key": "43 characters"}


def _show(row: Export) -> dict[str, Any]:
    return dict(ExportStandingSerializer(row).data)


def _show_all(found: Sequence[Export]) -> list[dict[str, Any]]:
    return [_show(each) for each in found]


class _Exports(ApiView):
    """What exports of a domain and of an organization have in common."""

    shown_once = frozenset({"key", "archive"})

    def show_asked(self, asked: AskedExport) -> dict[str, Any]:
        unreal = {"id": None, "key": None} if self.dry else {"key": asked.key or None}
        return {**_show(asked.row), **unreal}

    def take(self, row: Export, key: str = "") -> Response:
        return self.act(
            lambda: actions.fetch_export(actor=self.actor, export=row, key=key),
            lambda archive: {
                **_show(row),
                "archive": None if self.dry else base64.b64encode(archive).decode("ascii"),
            },
        )


class DomainExports(_Exports):
    noun, plural, tag = "domain_export", "domain_exports", "Domains"

    @operation("Exports of a domain, as they ended", responses=ExportStandingSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, Export).filter(domain=home).defer("archive")
        return self.page(rows, _show_all)

    @operation(
        "Ask for everything of a domain, secrets included; its key is told once",
        request=None,
        responses={201: AskedExportSerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        self.require_fresh()
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: actions.ask_for_export(actor=self.actor, domain=home),
            self.show_asked,
            status=201,
            location=lambda asked: reverse("api:domain-export", args=[domain, asked.row.pk]),
        )


class OneDomainExport(_Exports):
    noun, plural, tag = "domain_export", "domain_exports", "Domains"

    @operation("One of them", responses=ExportStandingSerializer)
    def retrieve(self, request: Request, domain: str, export_id: int) -> Response:
        return Response(_show(self._find(domain, export_id)))

    @operation(
        "Fetch it with its key; Rookery forgets it then", request=ExportKey, responses=FetchedExportSerializer
    )
    def fetch(self, request: Request, domain: str, export_id: int) -> Response:
        self.require_fresh()
        given = self.body(ExportKey)
        return self.take(self._find(domain, export_id), given["key"])

    def _find(self, domain: str, export_id: int) -> Export:
        return access.get(self.actor, Export, domain__name=domain, pk=export_id)


class OrganizationExports(_Exports):
    noun, plural, tag = "organization_export", "organization_exports", "Organizations"

    @operation("Exports of an organization, as they ended", responses=ExportStandingSerializer)
    def list(self, request: Request, organization_id: int) -> Response:
        home = access.get(self.actor, Organization, pk=organization_id)
        rows = access.visible_to(self.actor, Export).filter(organization=home, domain=None)
        return self.page(rows.defer("archive"), _show_all)

    @operation(
        "Ask for a whole organization as one file; with secrets its key is told once",
        request=ExportWish,
        responses={201: AskedExportSerializer},
    )
    def create(self, request: Request, organization_id: int) -> Response:
        self.require_fresh()
        given = self.body(ExportWish)
        home = access.get(self.actor, Organization, pk=organization_id)
        return self.act(
            lambda: actions.ask_for_organization_export(
                actor=self.actor, organization=home, secrets=given["with_secrets"]
            ),
            self.show_asked,
            status=201,
            location=lambda asked: reverse("api:organization-export", args=[organization_id, asked.row.pk]),
        )


class OneOrganizationExport(_Exports):
    noun, plural, tag = "organization_export", "organization_exports", "Organizations"

    @operation("One of them", responses=ExportStandingSerializer)
    def retrieve(self, request: Request, organization_id: int, export_id: int) -> Response:
        return Response(_show(self._find(organization_id, export_id)))

    @operation(
        "Fetch the file, sealed if it has secrets; Rookery forgets it then",
        request=None,
        responses=FetchedExportSerializer,
    )
    def fetch(self, request: Request, organization_id: int, export_id: int) -> Response:
        self.require_fresh()
        return self.take(self._find(organization_id, export_id))

    def _find(self, organization_id: int, export_id: int) -> Export:
        return access.get(self.actor, Export, organization_id=organization_id, domain=None, pk=export_id)
