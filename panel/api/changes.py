"""Waiting for the proof of a change that was made."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import WaitQuery
from panel.api.schema import operation
from panel.api.waiting import read_change, wait_for
from tenants import access
from tenants.models import SyncTarget

MOST_PROOFS = 100


class ProofSerializer(serializers.Serializer[SyncTarget]):
    target = serializers.IntegerField(source="pk", help_text="The id of the sync target.")
    kind = serializers.ChoiceField(choices=SyncTarget.Kind.choices)
    generation = serializers.IntegerField(help_text="Counts what was asked for.")
    observed_generation = serializers.IntegerField(help_text="What was last proved to be there.")
    observed_at = serializers.DateTimeField(allow_null=True)
    stop_code = serializers.CharField(help_text="Why a person is needed; else empty.")
    proof = serializers.DictField(help_text="What was last proved outside, e.g. commit and tree.")


class ChangeSerializer(serializers.Serializer[Any]):
    observed = serializers.BooleanField(help_text="All of it was read back from outside.")
    over = serializers.BooleanField(
        help_text="Nothing more comes by itself: observed, or stopped until a person has looked."
    )
    places = serializers.IntegerField(help_text="How many sync targets the change was for.")
    places_observed = serializers.IntegerField()
    places_stopped = serializers.IntegerField()
    proofs = ProofSerializer(many=True, help_text="Of the places that you may see, 100 at most.")

    example = {
        "observed": True,
        "over": True,
        "places": 1,
        "places_observed": 1,
        "places_stopped": 0,
        "proofs": [
            {
                "target": 7,
                "kind": "relay_repository",
                "generation": 12,
                "observed_generation": 12,
                "observed_at": "2026-11-21T09:12:03Z",
                "stop_code": "",
                "proof": {"commit": "4f2c1de0"},
            }
        ],
    }


class Changes(ApiView):
    noun, tag = "change", "Changes"
    queries = {"retrieve": WaitQuery}

    @operation("How far your change is; its address is in Link of the write", responses=ChangeSerializer)
    def retrieve(self, request: Request, change: str) -> Response:
        marks = read_change(self.actor, change)
        progress = wait_for(marks, self.given.get("wait", 0))
        rows = access.visible_to(self.actor, SyncTarget).filter(pk__in=list(marks)).order_by("pk")
        return Response(
            {
                "observed": progress.is_observed,
                "over": progress.is_over,
                "places": progress.total,
                "places_observed": progress.observed,
                "places_stopped": progress.stopped,
                "proofs": [dict(ProofSerializer(row).data) for row in rows[:MOST_PROOFS]],
            }
        )
