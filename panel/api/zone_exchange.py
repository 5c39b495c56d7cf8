"""Zones as text: importing what another server wrote, and taking a zone along."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.fields import Choice, Shape, Switch, Text
from panel.api.schema import operation
from panel.api.zones import OfDomain, RecordSetSerializer, show_record_set
from tenants.actions.zone_imports import ZoneText, import_zone
from tenants.formats.zones.bind.importing import Outcome
from tenants.formats.zones.stored import owner_text
from tenants.models import RecordSet, Zone
from tenants.zone_exports import EXPORTS, exported_zone

MOST_CHARACTERS = 900_000


class ZoneImport(Shape):
    text = Text(
        max_length=MOST_CHARACTERS,
        help_text="A BIND zone. Its SOA and its own name servers are not taken.",
    )
    remove_others = Switch(
        required=False, help_text="It is the whole zone: what Rookery writes and it does not mention goes."
    )
    leave_out_refused = Switch(
        required=False, help_text="Do the rest when lines are refused; else nothing is done."
    )

    example = {"text": "$TTL 1h\nwww A 192.0.2.80\n"}


class LineSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(help_text="Its number, from 1.")
    last = serializers.IntegerField(help_text="Where it ends, of one in parentheses.")
    text = serializers.CharField(help_text="Its beginning.")
    outcome = serializers.ChoiceField(choices=[each.value for each in Outcome])
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What was changed, or why not.")
    owner = serializers.CharField(help_text="Of the record set that it is about; else empty.")
    type = serializers.CharField()


class ZoneImportedSerializer(serializers.Serializer[Any]):
    lines = LineSerializer(many=True)
    record_sets = RecordSetSerializer(many=True, help_text="Those that changed.")
    generation = serializers.IntegerField(help_text="Of the zone's sync target; wait until it is observed.")


class ZoneImports(OfDomain):
    noun = "zone_import"

    @operation(
        "Import a BIND zone: all of it, or nothing; a dry run says what each line would do",
        request=ZoneImport,
        responses=ZoneImportedSerializer,
    )
    def import_zone(self, request: Request, domain: str) -> Response:
        given = self.body(ZoneImport)
        zone = self.find_zone(domain)
        return self.act(
            lambda: import_zone(
                actor=self.actor,
                zone=zone,
                text=given["text"],
                remove_others=given.get("remove_others", False),
                leave_out_refused=given.get("leave_out_refused", False),
            ),
            lambda done: _imported(zone, *done),
        )


def _imported(zone: Zone, read: ZoneText, rows: list[RecordSet]) -> dict[str, Any]:
    return {
        "lines": [
            {
                "first": line.first,
                "last": line.last,
                "text": line.text,
                "outcome": line.outcome.value,
                "reasons": list(line.reasons),
                "owner": owner_text(line.key[0]) if line.key else "",
                "type": line.key[1] if line.key else "",
            }
            for line in read.lines
        ],
        "record_sets": [show_record_set(row) for row in rows],
        "generation": zone.generation,
    }


class ExportQuery(Shape):
    form = Choice(
        choices=[(name, name) for name in EXPORTS],
        required=False,
        help_text="bind (also when left out); nsupdate: what that program reads; git: a shell script.",
    )


class ZoneExportSerializer(serializers.Serializer[Any]):
    file = serializers.CharField(help_text="A name for it.")
    text = serializers.CharField()

    example = {"file": "example.org.zone", "text": "$ORIGIN example.org.\n"}


class ZoneExports(OfDomain):
    noun = "zone_export"
    queries = {"export_zone": ExportQuery}

    @operation("The zone as text, with what others wrote", responses=ZoneExportSerializer)
    def export_zone(self, request: Request, domain: str) -> Response:
        form = self.given.get("form", "bind")
        zone = self.find_zone(domain)
        return Response({"file": f"{zone.name}.{EXPORTS[form]}", "text": exported_zone(zone, form)})
