"""Public addresses of a host: given to an organization by those who run it, for one domain's mail each."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.fields import Shape, Text
from panel.api.hosts import HostView
from panel.api.schema import operation
from tenants.actions import public_addresses as actions
from tenants.errors import Absent
from tenants.models import PublicAddress


class PublicAddressSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run.")
    address = serializers.CharField(help_text="As the host itself has it.")
    domain = serializers.CharField(allow_null=True, help_text="Whose mail stack uses it.")


class NewPublicAddress(Shape):
    address = Text(max_length=400, help_text="IPv4, as the host itself has it.")

    example = {"address": "192.0.2.25"}


class HostPublicAddresses(HostView):
    noun, plural = "public_address", "public_addresses"

    @operation("Its public addresses, and whose mail uses them", responses=PublicAddressSerializer)
    def list(self, request: Request, share_id: int) -> Response:
        return self.page(self._of(share_id), lambda found: [self._line(each) for each in found])

    @operation(
        "Give it an address at which the Internet reaches the host",
        request=NewPublicAddress,
        responses={201: PublicAddressSerializer},
    )
    def create(self, request: Request, share_id: int) -> Response:
        given, share = self.body(NewPublicAddress), self._find(share_id)
        return self.act(
            lambda: actions.add_public_address(actor=self.actor, share=share, **given),
            self._line,
            status=201,
        )

    @operation(
        "Take back an address that no mail stack uses", responses={200: PublicAddressSerializer, 204: None}
    )
    def destroy(self, request: Request, share_id: int, public_id: int) -> Response:
        row = self._of(share_id).filter(pk=public_id).first()
        if row is None:
            raise Absent
        row.share = self._find(share_id)
        shown = self._line(row)
        return self.act(
            lambda: actions.remove_public_address(actor=self.actor, public=row),
            lambda _: shown,
            status=204,
        )

    def _of(self, share_id: int) -> QuerySet[PublicAddress]:
        return self._find(share_id).public_addresses.select_related("stack__domain")

    def _line(self, row: PublicAddress) -> dict[str, Any]:
        stack = getattr(row, "stack", None)
        unreal = self.dry and self.action == "create"
        return {
            "id": None if unreal else row.pk,
            "address": row.address,
            "domain": stack.domain.name if stack is not None else None,
        }
