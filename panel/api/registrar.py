"""What to enter at the registrar of a domain, and what its name servers answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.schema import operation
from panel.api.zones import OfDomain
from tenants import access
from tenants.models import Domain, ServerAnswer, Zone
from tenants.models.server_answers import AGREEMENTS
from tenants.name_servers import advice
from tenants.registrar import registrar_of


class EntrySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    there = serializers.BooleanField(allow_null=True, help_text="The zone above has it; null: not known.")


class GlueSerializer(EntrySerializer):
    address = serializers.CharField()


class StrangeGlueSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    address = serializers.CharField()


class RegistrarSerializer(serializers.Serializer[Any]):
    kept = serializers.BooleanField(help_text="Rookery keeps a zone of the domain; else nothing is wanted.")
    name_servers = EntrySerializer(many=True, help_text="All that are to be entered.")
    glue = GlueSerializer(many=True, help_text="Addresses of those that lie in the domain.")
    ds = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="What the zone above has; null: not known."
    )
    strangers = serializers.ListField(
        child=serializers.CharField(), help_text="Name servers that the zone above has and should not have."
    )
    strange_glue = StrangeGlueSerializer(many=True, help_text="Addresses that it has and should not have.")
    without_address = serializers.ListField(
        child=serializers.CharField(), help_text="Name servers in the domain whose address the zone lacks."
    )
    right = serializers.BooleanField(
        allow_null=True, help_text="The zone above says exactly this; null: not known."
    )
    looked_at = serializers.DateTimeField(allow_null=True, help_text="When the zone above was asked.")


class Registrars(ApiView):
    noun, tag = "registrar", "Zones"

    @operation("What to enter at the registrar, and what is there", responses=RegistrarSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        thing = access.get(self.actor, Domain, name=domain)
        zone = access.visible_to(self.actor, Zone).filter(domain=thing, standing__in=Zone.KEPT)
        found, parent, _ = registrar_of(thing, zone.select_related("domain").first())
        told = {
            "kept": found is not None,
            "name_servers": found.servers if found else (),
            "glue": found.glue if found else (),
            "ds": parent.ds,
            "strangers": found.strangers if found else (),
            "strange_glue": found.strange_glue if found else (),
            "without_address": found.lost if found else (),
            "right": found.is_right if found else None,
            "looked_at": parent.at,
        }
        return Response(RegistrarSerializer(told).data)


class ServerAnswerSerializer(serializers.Serializer[Any]):
    host = serializers.CharField(help_text="Empty: a primary that the zone does not name.")
    address = serializers.CharField()
    primary = serializers.BooleanField()
    agreement = serializers.ChoiceField(choices=AGREEMENTS)
    serial = serializers.IntegerField(allow_null=True)
    behind = serializers.IntegerField(help_text="By how much its serial lies behind the primary's.")
    problem = serializers.CharField(help_text="Why it did not answer.")
    since = serializers.DateTimeField(help_text="Since when it is so.")
    asked_at = serializers.DateTimeField()
    advice = serializers.CharField(help_text="What to do, in a sentence; empty where it agrees.")


_COLUMNS = ("host", "address", "primary", "agreement", "serial", "behind", "problem", "since", "asked_at")


class ServerAnswers(OfDomain):
    noun, plural = "name_server_answer", "name_server_answers"

    @operation("What each name server of a zone has", responses=ServerAnswerSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = ServerAnswer.objects.filter(zone=self.find_zone(domain))
        return self.page(rows, lambda found: [_show(each) for each in found])


def _show(row: ServerAnswer) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS} | {"advice": advice(row)}
