"""Name servers that take dynamic updates, of an organization."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import HIGHEST_PORT, Number, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import update_servers, zone_places
from tenants.models import Organization, TsigKey, UpdateServer


class UpdateServerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    address = serializers.CharField()
    port = serializers.IntegerField()
    key_name = serializers.CharField(help_text="Of the key that Rookery signs with.")
    algorithm = serializers.ChoiceField(choices=TsigKey.Algorithm.choices)
    key_since = serializers.DateTimeField()
    target = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


def _key_text() -> Text:
    return Text(
        max_length=2000,
        write_only=True,
        help_text="One that may change and transfer the zones, as name:SHA256:secret; never shown again.",
    )


class UpdateServerPlace(Shape):
    name = Text(max_length=100, help_text="What people call it.")
    address = Text(max_length=100, help_text="Of the primary itself.")
    port = Number(required=False, default=53, min_value=1, max_value=HIGHEST_PORT)

    example = {"name": "ns1", "address": "192.0.2.53"}


class NewUpdateServer(UpdateServerPlace):
    key = _key_text()

    example = {"name": "ns1", "address": "192.0.2.53", "key": "rookery.example.org:SHA256:c2VjcmV0…"}


class UpdateKey(Shape):
    key = _key_text()

    example = {"key": "rookery-2.example.org:SHA256:c2VjcmV0…"}


def _show(row: UpdateServer) -> dict[str, Any]:
    fields = ("name", "address", "port", "key_name", "algorithm", "key_since", "created_at")
    return {"id": row.pk, **{name: getattr(row, name) for name in fields}, "target": row.sync_target.pk}


class UpdateServers(ApiView):
    noun, plural, tag = "update_server", "update_servers", "Zones"

    def subject(self, organization_id: int, name_server_id: int) -> Subject:
        row = self._find(organization_id, name_server_id)
        return Subject([row], lambda: _show(self._find(organization_id, name_server_id)))

    @operation("Name servers that take dynamic updates", responses=UpdateServerSerializer)
    def list(self, request: Request, organization_id: int) -> Response:
        home = access.get(self.actor, Organization, pk=organization_id)
        rows = access.visible_to(self.actor, UpdateServer).filter(organization=home)
        return self.page(rows.select_related("sync_target"), lambda found: [_show(each) for each in found])

    @operation("Connect one", request=NewUpdateServer, responses={201: UpdateServerSerializer})
    def create(self, request: Request, organization_id: int) -> Response:
        given = self.body(NewUpdateServer)
        home = access.get(self.actor, Organization, pk=organization_id)

        def show(made: UpdateServer) -> dict[str, Any]:
            return {**_show(made), **({"id": None, "target": None} if self.dry else {})}

        return self.act(
            lambda: update_servers.connect_update_server(actor=self.actor, organization=home, **given),
            show,
            status=201,
        )

    def _find(self, organization_id: int, name_server_id: int) -> UpdateServer:
        home = access.get(self.actor, Organization, pk=organization_id)
        return access.get(self.actor, UpdateServer, organization=home, pk=name_server_id)

    @operation("One of them", responses=UpdateServerSerializer)
    def retrieve(self, request: Request, organization_id: int, name_server_id: int) -> Response:
        return Response(_show(self._find(organization_id, name_server_id)))

    @operation("Correct where it is", request=UpdateServerPlace, responses=UpdateServerSerializer)
    def change_update_server(self, request: Request, organization_id: int, name_server_id: int) -> Response:
        given = self.body(UpdateServerPlace)
        row = self._find(organization_id, name_server_id)
        return self.act(
            lambda: update_servers.change_update_server(actor=self.actor, server=row, **given), _show
        )

    @operation("Disconnect one that holds no zone", responses={200: UpdateServerSerializer, 204: None})
    def destroy(self, request: Request, organization_id: int, name_server_id: int) -> Response:
        row = self._find(organization_id, name_server_id)
        shown = _show(row)
        return self.act(
            lambda: zone_places.disconnect_update_server(actor=self.actor, server=row),
            lambda _: shown,
            status=204,
        )

    @operation("Sign with another key from now on", request=UpdateKey, responses=UpdateServerSerializer)
    def change_update_key(self, request: Request, organization_id: int, name_server_id: int) -> Response:
        given = self.body(UpdateKey)
        row = self._find(organization_id, name_server_id)
        return self.act(
            lambda: update_servers.change_update_key(actor=self.actor, server=row, **given), _show
        )
