"""Taking a whole domain along, secrets included."""

from __future__ import annotations

import base64
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import exports as actions
from tenants.actions.exports import AskedExport
from tenants.models import Domain, Export


class DomainExportSerializer(serializers.Serializer[Export]):
    id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=Export.State.choices)
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="Until then it can be fetched, once.")
    files = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Of the archive, in bytes.")
    problem = serializers.CharField(help_text="Why it could not be made; else empty.")


class AskedExportSerializer(DomainExportSerializer):
    key = serializers.CharField(allow_null=True, help_text="Opens it. Told once; null in a dry run.")


class FetchedExportSerializer(DomainExportSerializer):
    archive = serializers.CharField(allow_null=True, help_text="A tar.gz in base64; null in a dry run.")


class ExportKey(Shape):
    key = Text(max_length=200, write_only=True, help_text="That was told when the export was asked for.")

    example = {"key": "43 characters"}


def _show(row: Export) -> dict[str, Any]:
    return dict(DomainExportSerializer(row).data)


class DomainExports(ApiView):
    noun, plural, tag = "domain_export", "domain_exports", "Domains"
    shown_once = frozenset({"key"})

    @operation("Exports of a domain, as they ended", responses=DomainExportSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, Export).filter(domain=home).defer("archive")
        return self.page(rows, lambda found: [_show(each) for each in found])

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
            self._show_asked,
            status=201,
            location=lambda asked: reverse("api:domain-export", args=[domain, asked.row.pk]),
        )

    def _show_asked(self, asked: AskedExport) -> dict[str, Any]:
        unreal = {"id": None, "key": None} if self.dry else {"key": asked.key}
        return {**_show(asked.row), **unreal}


class OneDomainExport(ApiView):
    noun, plural, tag = "domain_export", "domain_exports", "Domains"
    shown_once = frozenset({"archive"})

    @operation("One of them", responses=DomainExportSerializer)
    def retrieve(self, request: Request, domain: str, export_id: int) -> Response:
        return Response(_show(self._find(domain, export_id)))

    @operation(
        "Fetch it with its key; Rookery forgets it then", request=ExportKey, responses=FetchedExportSerializer
    )
    def fetch(self, request: Request, domain: str, export_id: int) -> Response:
        self.require_fresh()
        given = self.body(ExportKey)
        row = self._find(domain, export_id)
        return self.act(
            lambda: actions.fetch_export(actor=self.actor, export=row, key=given["key"]),
            lambda archive: {
                **_show(row),
                "archive": None if self.dry else base64.b64encode(archive).decode("ascii"),
            },
        )

    def _find(self, domain: str, export_id: int) -> Export:
        return access.get(self.actor, Export, domain__name=domain, pk=export_id)
