"""The zone of a domain: its record sets, how it is kept, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Identifier, Number, PageQuery, Shape, Switch, Text, Texts
from panel.api.schema import operation
from tenants import access
from tenants.actions import record_sets, zones
from tenants.actions.record_sets import MOST_CHANGES, MOST_RECORDS, RecordChange
from tenants.errors import Invalid
from tenants.models import Domain, RecordSet, Repository, SyncTarget, UpdateServer, Zone

MOST_PROBLEMS = 20


class OwnershipSerializer(serializers.Serializer[Any]):
    proved_at = serializers.DateTimeField(allow_null=True)
    proved_by = serializers.ChoiceField(choices=Zone.Proof.choices, allow_null=True)
    name = serializers.CharField(help_text="Where a TXT record proves it, while it is not proved.")
    text = serializers.CharField(help_text="What that record has to say.")
    problem = serializers.CharField(help_text="What was seen at the last look; empty before.")


class ZoneSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField()
    first_server = serializers.CharField(help_text="The SOA's first name server.")
    contact = serializers.CharField(help_text="A mail address; the SOA's mailbox.")
    refresh = serializers.IntegerField()
    retry = serializers.IntegerField()
    expire = serializers.IntegerField()
    minimum = serializers.IntegerField(help_text="Also the usual TTL. All times are in seconds.")
    frozen = serializers.BooleanField(help_text="Rookery writes nothing into it.")
    ownership = OwnershipSerializer()
    served_serial = serializers.IntegerField(allow_null=True, help_text="What the primary last answered.")
    served_at = serializers.DateTimeField(allow_null=True)
    generation = serializers.IntegerField(
        help_text="Of its sync target; the last change is proved when the target has observed it."
    )
    observed = serializers.BooleanField(help_text="The last change was proved to be served.")
    standing = serializers.ChoiceField(
        choices=Zone.Standing.choices, help_text="Does Rookery keep it? Set by …/standing/."
    )
    drift_mode = serializers.ChoiceField(
        choices=SyncTarget.DriftMode.choices,
        help_text="What happens when others change its record sets; set on its sync target.",
    )
    repository = serializers.IntegerField(allow_null=True)
    server = serializers.IntegerField(
        allow_null=True, help_text="The name server to which it is sent by dynamic updates."
    )
    target = serializers.IntegerField()


class NewZone(Shape):
    repository = Identifier(required=False, help_text="A zone repository of the organization.")
    server = Identifier(
        required=False, help_text="Instead: a name server that takes dynamic updates and has the zone."
    )
    first_server = Text(required=False, max_length=400, help_text="Left out: ns1 of the domain.")
    address = Text(required=False, max_length=100, help_text="Its address. Left out: the primary's own.")
    contact = Text(required=False, max_length=400, help_text="Left out: hostmaster of the domain.")

    example = {"repository": 3, "first_server": "ns1.example.org", "address": "192.0.2.53"}


class ZonePatch(Shape):
    first_server = Text(required=False, max_length=400)
    contact = Text(required=False, max_length=400)
    refresh = Number(required=False, min_value=0)
    retry = Number(required=False, min_value=0)
    expire = Number(required=False, min_value=0)
    minimum = Number(required=False, min_value=0)

    example = {"minimum": 3600}


class Freezing(Shape):
    frozen = Switch()

    example = {"frozen": True}


def show_zone(zone: Zone) -> dict[str, Any]:
    proved = zone.owned_at is not None
    ownership = {
        "proved_at": zone.owned_at,
        "proved_by": zone.owned_by or None,
        "name": "" if proved else f"{zones.CHALLENGE_LABEL}.{zone.name}",
        "text": "" if proved else zone.challenge,
        "problem": "" if proved else zone.look_problem,
    }
    return {
        "domain": zone.name,
        **{name: getattr(zone, name) for name in zones.SOA_FIELDS},
        "frozen": zone.frozen,
        "standing": zone.standing,
        "drift_mode": zone.target.drift_mode,
        "ownership": ownership,
        "served_serial": zone.served_serial,
        "served_at": zone.served_at,
        "generation": zone.generation,
        "observed": proved and zone.target.observed_generation >= zone.generation,
        "repository": zone.target.repository_id,
        "server": zone.target.update_server_id,
        "target": zone.target_id,
    }


class OfDomain(ApiView):
    """What all views of a domain's zone have in common."""

    tag = "Zones"

    def find_zone(self, domain: str, *, ended: bool = False) -> Zone:
        """The domain's zone; one that was removed or let go only where that is looked for."""
        home = access.get(self.actor, Domain, name=domain)
        seen = access.visible_to(self.actor, Zone).select_related(
            "domain__organization", "target__repository__primary"
        )
        if not ended:
            seen = seen.filter(standing__in=Zone.KEPT)
        return access.get(self.actor, Zone, pk=seen.filter(domain=home).values_list("pk", flat=True).first())


class Zones(OfDomain):
    noun, plural = "zone", "zones"
    reported = frozenset({"ownership", "served_serial", "served_at", "observed", "drift_mode"})

    def subject(self, domain: str) -> Subject:
        zone = self.find_zone(domain, ended=True)
        return Subject([zone], lambda: show_zone(self.find_zone(domain, ended=True)))

    @operation("How the zone of a domain is kept, and what is served", responses=ZoneSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(show_zone(self.find_zone(domain, ended=True)))

    @operation("Begin the zone of a domain", request=NewZone, responses={201: ZoneSerializer})
    def create_zone(self, request: Request, domain: str) -> Response:
        given = self.body(NewZone)
        home = access.get(self.actor, Domain, name=domain)
        if "repository" in given:
            given["repository"] = _repository(self, given["repository"])
        if "server" in given:
            given["server"] = _server(self, given["server"])
        return self.act(
            lambda: zones.create_zone(actor=self.actor, domain=home, **given),
            show_zone,
            status=201,
            location=lambda _: reverse("api:zone", args=[domain]),
        )

    @operation("Change how it is kept", request=ZonePatch, responses=ZoneSerializer)
    def change_soa(self, request: Request, domain: str) -> Response:
        given = self.body(ZonePatch)
        zone = self.find_zone(domain)
        return self.act(lambda: zones.change_soa(actor=self.actor, zone=zone, **given), show_zone)

    @operation("Write nothing into it, or go on", request=Freezing, responses=ZoneSerializer)
    def freeze_zone(self, request: Request, domain: str) -> Response:
        given = self.body(Freezing)
        zone = self.find_zone(domain)
        return self.act(
            lambda: zones.freeze_zone(actor=self.actor, zone=zone, frozen=given["frozen"]), show_zone
        )

    @operation("Look now whether the domain is its owner's", responses={202: ZoneSerializer})
    def look_for_ownership(self, request: Request, domain: str) -> Response:
        zone = self.find_zone(domain)
        return self.act(
            lambda: zones.look_for_ownership(actor=self.actor, zone=zone),
            lambda _: show_zone(zone),
            status=202,
        )


def _repository(view: ApiView, repository_id: int) -> Repository:
    """Named in a body: one that is not there is a problem of that field."""
    seen = access.visible_to(view.actor, Repository).filter(pk=repository_id, kind=Repository.Kind.ZONE)
    found = seen.select_related("primary", "sync_target").first()
    if found is None:
        raise Invalid.of(
            "repository", "There is no such zone repository.", "Send the id of one that you see."
        )
    return found


def _server(view: ApiView, server_id: int) -> UpdateServer:
    seen = access.visible_to(view.actor, UpdateServer).filter(pk=server_id)
    found = seen.select_related("sync_target").first()
    if found is None:
        raise Invalid.of("server", "There is no such name server.", "Send the id of one that you see.")
    return found


class RecordSetSerializer(serializers.Serializer[RecordSet]):
    owner = serializers.CharField(help_text="The full name without its last dot.")
    type = serializers.CharField()
    ttl = serializers.IntegerField()
    records = serializers.ListField(source="data", child=serializers.CharField())
    holder = serializers.ChoiceField(choices=RecordSet.Holder.choices, help_text="Who writes it.")
    absent = serializers.BooleanField(help_text="It is being removed.")
    changed_at = serializers.DateTimeField()

    example = {
        "owner": "example.org",
        "type": "MX",
        "ttl": 3600,
        "records": ["10 mail.example.org."],
        "holder": "managed",
        "absent": False,
        "changed_at": "2026-11-21T09:12:00Z",
    }


class RecordSetQuery(PageQuery):
    owner = Text(required=False, max_length=260, help_text="Only of this name, in full.")


class RecordSetChange(Shape):
    owner = Text(max_length=260, help_text="A name within the zone (www, @), or in full with its last dot.")
    type = Text(max_length=20)
    records = Texts(
        required=False,
        child=Text(max_length=70_000),
        max_length=MOST_RECORDS,
        help_text="The records; empty or left out: the set is removed.",
    )
    ttl = Number(required=False, min_value=0, help_text="In seconds; left out: as usual in this zone.")
    take_over = Switch(required=False, help_text="Of a set that others wrote: it is Rookery's from now on.")


class Changes(serializers.ListField):
    """A list of objects; of many wrong ones, the first are told."""

    def run_child_validation(self, data: Any) -> Any:
        found: list[Any] = []
        problems: dict[Any, Any] = {}
        for index, each in enumerate(data):
            try:
                found.append(self.child.run_validation(each))
            except serializers.ValidationError as error:
                problems[index] = error.detail
            if len(problems) >= MOST_PROBLEMS:
                break
        if problems:
            raise serializers.ValidationError(problems)
        return found


class RecordSetChanges(Shape):
    changes = Changes(
        allow_empty=False,
        child=RecordSetChange(),
        max_length=MOST_CHANGES,
        error_messages={
            "required": "This field is missing.\nSend it.",
            "null": "This is null.\nSend a list.",
            "not_a_list": "This is not a list.\nSend a JSON array of objects.",
            "max_length": "There are more than {max_length} here.\nSend fewer.",
        },
        help_text="Made together, or not at all.",
    )

    example = {
        "changes": [
            {"owner": "@", "type": "MX", "records": ["10 mail"]},
            {"owner": "mail", "type": "A", "records": ["192.0.2.25"], "ttl": 300},
        ]
    }


class RecordFreezing(Shape):
    owner = Text(max_length=260)
    type = Text(max_length=20)
    frozen = Switch()

    example = {"owner": "www", "type": "A", "frozen": True}


class ChangedSerializer(serializers.Serializer[Any]):
    record_sets = RecordSetSerializer(many=True)
    generation = serializers.IntegerField(help_text="Of the zone's sync target; wait until it is observed.")


def show_record_set(row: RecordSet) -> dict[str, Any]:
    return dict(RecordSetSerializer(row).data)


class RecordSets(OfDomain):
    noun, plural = "record_set", "record_sets"
    queries = {"list": RecordSetQuery}

    @operation("Record sets of a zone, those of others too", responses=RecordSetSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = self.find_zone(domain).record_sets.all()
        if "owner" in self.given:
            rows = rows.filter(owner=self.given["owner"].lower().removesuffix("."))
        return self.page(rows, lambda found: [show_record_set(each) for each in found])

    @operation(
        "Set and remove record sets, all of them or none",
        request=RecordSetChanges,
        responses=ChangedSerializer,
    )
    def change_record_sets(self, request: Request, domain: str) -> Response:
        given = self.body(RecordSetChanges)
        zone = self.find_zone(domain)
        changes = [
            RecordChange(
                each["owner"],
                each["type"],
                tuple(each.get("records", ())),
                each.get("ttl"),
                each.get("take_over", False),
            )
            for each in given["changes"]
        ]

        def change() -> Sequence[RecordSet]:
            try:
                return record_sets.change_record_sets(actor=self.actor, zone=zone, changes=changes)
            except Invalid as error:
                # Of a single change, the action names the fields alone.
                place = "changes[0]." if len(changes) == 1 else ""
                raise Invalid(replace(each, field=place + each.field) for each in error.problems) from error

        return self.act(
            change,
            lambda rows: {
                "record_sets": [show_record_set(each) for each in rows],
                "generation": zone.generation,
            },
        )

    @operation(
        "Leave a set of yours as it is outside, or write it again",
        request=RecordFreezing,
        responses=RecordSetSerializer,
    )
    def freeze_record_set(self, request: Request, domain: str) -> Response:
        given = self.body(RecordFreezing)
        zone = self.find_zone(domain)
        return self.act(
            lambda: record_sets.freeze_record_set(
                actor=self.actor,
                zone=zone,
                owner=given["owner"],
                record_type=given["type"],
                frozen=given["frozen"],
            ),
            show_record_set,
        )
