"""Where a zone is kept, and keeping it elsewhere."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.etags import Subject
from panel.api.fields import Identifier, Shape, Switch
from panel.api.schema import operation
from panel.api.zones import OfDomain
from tenants import access
from tenants.actions import zone_places
from tenants.errors import Invalid
from tenants.models import SyncTarget, Zone


class ZonePlaceSerializer(serializers.Serializer[Any]):
    target = serializers.IntegerField(help_text="The sync target that keeps the zone.")
    repository = serializers.IntegerField(allow_null=True)
    server = serializers.IntegerField(allow_null=True)
    waits = serializers.BooleanField(help_text="The last change was not proved there yet.")
    stays = serializers.ListField(
        child=serializers.CharField(), help_text="What would not be moved along, in sentences."
    )


class NewPlace(Shape):
    target = Identifier(help_text="The sync target of a zone repository or of a name server.")
    take_along = Switch(
        required=False, default=True, help_text="What others wrote becomes Rookery's, and is written there."
    )
    even_so = Switch(required=False, default=False, help_text="Although the last change was not proved.")

    example = {"target": 7, "take_along": True}


def _show(zone: Zone) -> dict[str, Any]:
    return {
        "target": zone.target_id,
        "repository": zone.target.repository_id,
        "server": zone.target.update_server_id,
        "waits": zone_places.waits(zone),
        "stays": zone_places.what_stays(zone),
    }


class ZonePlaces(OfDomain):
    noun = "zone_place"
    reported = frozenset({"waits", "stays"})

    def subject(self, domain: str) -> Subject:
        zone = self.find_zone(domain)
        return Subject([zone], lambda: _show(self.find_zone(domain)))

    @operation("Where the zone is kept, and what would stay there", responses=ZonePlaceSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(_show(self.find_zone(domain)))

    @operation("Keep it elsewhere", request=NewPlace, responses=ZonePlaceSerializer)
    def move_zone(self, request: Request, domain: str) -> Response:
        given = self.body(NewPlace)
        zone = self.find_zone(domain)
        place = self._place(zone, given.pop("target"))
        return self.act(
            lambda: zone_places.move_zone(
                actor=self.actor,
                zone=zone,
                repository=place.repository,
                server=place.update_server,
                **given,
            ),
            _show,
        )

    def _place(self, zone: Zone, target_id: int) -> SyncTarget:
        kinds = (SyncTarget.Kind.ZONE_REPOSITORY, SyncTarget.Kind.DYNAMIC_UPDATE)
        seen = access.visible_to(self.actor, SyncTarget).filter(
            kind__in=kinds, organization=zone.domain.organization_id, pk=target_id
        )
        found = seen.select_related("repository__primary", "update_server").first()
        if found is None:
            raise Invalid.of(
                "target", "No zone can be kept there.", "Send the target of a place that you see."
            )
        return found
