"""Findings: what stands outside otherwise than Rookery has it, and deciding what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Choice, Flag, PageQuery, Shape, Texts
from panel.api.schema import operation
from tenants import access
from tenants.actions import adoption
from tenants.guards import Guards
from tenants.models import Finding, SyncTarget


class FindingSerializer(serializers.Serializer[Finding]):
    unit = serializers.CharField(help_text="The entry's name.")
    kind = serializers.ChoiceField(choices=Finding.Kind.choices)
    sentence = serializers.CharField()
    outside = serializers.CharField(allow_null=True, help_text="What is there, secrets masked.")
    ours = serializers.CharField(allow_null=True, help_text="What Rookery has, secrets masked.")
    outside_id = serializers.CharField(help_text="Identifies the exact bytes there.")
    takeable = serializers.BooleanField(help_text="Rookery could hold what is outside.")
    repairable = serializers.BooleanField(help_text="Rookery could write what it has.")
    decision = serializers.ChoiceField(
        choices=Finding.Decision.choices,
        allow_blank=True,
        help_text="What a worker is about to do; else empty.",
    )
    since = serializers.DateTimeField()
    told = serializers.ListField(
        child=serializers.CharField(), help_text="What the DNS says about the domains that it leads to."
    )


class FindingQuery(PageQuery):
    kind = Choice(required=False, choices=Finding.Kind.choices)
    takeable = Flag(
        required=False, help_text="Only those that Rookery could hold, or those that it could not."
    )


class Decision(Shape):
    decision = Choice(choices=Finding.Decision.choices)
    units = Texts(
        required=False,
        max_length=500,
        help_text="Names, 500 at most; left out: all for which the decision is possible.",
    )

    example = {"decision": "adopt", "units": ["ada"]}


class DecidedSerializer(serializers.Serializer[None]):
    count = serializers.IntegerField(help_text="How many a worker will see to.")


class Findings(ApiView):
    noun, tag = "finding", "Sync targets"
    orders = {"unit": ("unit",), "-unit": ("-unit",)}
    queries = {"list": FindingQuery}

    @operation("What is outside otherwise than Rookery has it", responses=FindingSerializer)
    def list(self, request: Request, target_id: int) -> Response:
        target = access.get(self.actor, SyncTarget, pk=target_id)
        rows = target.findings.all()
        if "kind" in self.given:
            rows = rows.filter(kind=self.given["kind"])
        if "takeable" in self.given:
            rows = rows.filter(takeable=self.given["takeable"])
        parts = [rows.filter(kind=kind) for kind in Finding.Kind] if "takeable" in self.given else []
        return self.page(rows, lambda found: _shown(found, target.organization_id), parts)

    @operation(
        "Decide what becomes of findings; a worker does it if they are still as seen",
        request=Decision,
        responses={202: DecidedSerializer},
    )
    def decide(self, request: Request, target_id: int) -> Response:
        given = self.body(Decision)
        target = access.get(self.actor, SyncTarget, pk=target_id)
        return self.act(
            lambda: adoption.decide_findings(
                actor=self.actor, target=target, decision=given["decision"], units=given.get("units")
            ),
            lambda count: {"count": count},
            status=202,
        )


def _shown(rows: Sequence[Finding], organization_id: int) -> list[dict[str, Any]]:
    guards = Guards.about({host for row in rows for host in row.hosts.split()}, organization_id)
    for row in rows:
        row.told = guards.told(row.hosts.split())  # type: ignore[attr-defined]
    return [dict(FindingSerializer(row).data) for row in rows]
