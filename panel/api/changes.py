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


class ChangeSerializer(serializers.Serializer[Any]):
    observed = serializers.BooleanField(help_text="All of it was read back from outside.")
    over = serializers.BooleanField(
        help_text="Nothing more comes by itself: observed, or stopped until a person has looked."
    )
    places = serializers.IntegerField(help_text="How many sync targets the change was for.")
    places_observed = serializers.IntegerField()
    places_stopped = serializers.IntegerField()

    example = {"observed": True, "over": True, "places": 1, "places_observed": 1, "places_stopped": 0}


class Changes(ApiView):
    noun, tag = "change", "Changes"
    queries = {"retrieve": WaitQuery}

    @operation("How far your change is; its address is in Link of the write", responses=ChangeSerializer)
    def retrieve(self, request: Request, change: str) -> Response:
        progress = wait_for(read_change(self.actor, change), self.given.get("wait", 0))
        return Response(
            {
                "observed": progress.is_observed,
                "over": progress.is_over,
                "places": progress.total,
                "places_observed": progress.observed,
                "places_stopped": progress.stopped,
            }
        )
