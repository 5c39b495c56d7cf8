"""Whether Rookery keeps the zone of a domain: what its removal would do, ending it, bringing it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.etags import Subject
from panel.api.fields import Choice, Shape, Text
from panel.api.schema import operation
from panel.api.zones import OfDomain, ZoneSerializer, show_zone
from tenants.actions import zone_endings
from tenants.models import Zone

KEPT, REMOVED, LET_GO = "kept", "removed", "let_go"


class EndingSerializer(serializers.Serializer[Any]):
    standing = serializers.ChoiceField(choices=Zone.Standing.choices)
    ended_at = serializers.DateTimeField(allow_null=True)
    record_sets = serializers.IntegerField(help_text="That disappear when it is removed.")
    others = serializers.IntegerField(help_text="Of these, the ones that others wrote.")
    keys = serializers.ListField(child=serializers.CharField(), help_text="That are withdrawn, at most 20.")
    secondaries = serializers.ListField(
        child=serializers.CharField(), help_text="That keep the zone until it expires there, at most 20."
    )
    cautions = serializers.ListField(child=serializers.CharField(), help_text="Sentences, the worst first.")
    removable = serializers.CharField(help_text="Why it can only be let go; empty when it can be removed.")


class NewStanding(Shape):
    standing = Choice(
        choices=[(KEPT, "bring it back"), (REMOVED, "remove it"), (LET_GO, "let it go")],
        help_text="removed: nothing answers for it any more. let_go: nothing changes outside.",
    )
    name = Text(
        required=False, max_length=300, help_text="The zone's name: it must be there for removing it."
    )

    example = {"standing": "removed", "name": "example.org"}


class ZoneStandings(OfDomain):
    noun = "zone_standing"
    reported = frozenset(EndingSerializer().fields) - {"standing"}

    def subject(self, domain: str) -> Subject:
        return Subject([self.find_zone(domain, ended=True)], lambda: self._show(domain))

    def _show(self, domain: str) -> dict[str, Any]:
        zone = self.find_zone(domain, ended=True)
        told = asdict(zone_endings.preview_ending(self.actor, zone))
        return {"standing": zone.standing, "ended_at": zone.ended_at, **told}

    @operation("What removing it would do, and how far that is", responses=EndingSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(self._show(domain))

    @operation(
        "Remove it, let it go, or bring it back; wait for the generation as for any change",
        request=NewStanding,
        responses=ZoneSerializer,
    )
    def set_zone_standing(self, request: Request, domain: str) -> Response:
        given = self.body(NewStanding)
        zone = self.find_zone(domain, ended=True)
        return self.act(lambda: self._set(zone, given["standing"], given.get("name", "")), show_zone)

    def _set(self, zone: Zone, standing: str, name: str) -> Zone:
        if standing == KEPT:
            return zone_endings.bring_zone_back(actor=self.actor, zone=zone)
        if standing == LET_GO:
            return zone_endings.let_go_zone(actor=self.actor, zone=zone, name=name)
        return zone_endings.remove_zone(actor=self.actor, zone=zone, name=name)
