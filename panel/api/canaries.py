"""The canary of a mail stack: whether the domain's mail arrives, and for how much of the time it did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.etags import Subject
from panel.api.fields import Choice, PageQuery
from panel.api.schema import operation
from panel.api.stacks import StackView
from tenants.actions.canaries import make_canary
from tenants.formats.canary import Length, Way, is_late, share
from tenants.models import Canary, CanarySpan, CanaryWay, Stack

WAYS = [each.value for each in Way]
STANDINGS = ["new", "works", "failing"]
_DAYS = (("day", 1, Length.HOUR), ("month", 30, Length.DAY))


class CanaryWaySerializer(serializers.Serializer[Any]):
    way = serializers.ChoiceField(choices=WAYS, help_text="Into the domain, or out of it.")
    standing = serializers.ChoiceField(choices=STANDINGS)
    since = serializers.DateTimeField(help_text="Of the standing.")
    late = serializers.BooleanField(help_text="Nothing was found out lately: the standing is old news.")
    judged_at = serializers.DateTimeField(allow_null=True, help_text="When something was found out last.")
    proved_at = serializers.DateTimeField(allow_null=True, help_text="When a message arrived last.")
    latency = serializers.IntegerField(allow_null=True, help_text="Of that message, in milliseconds.")
    problem = serializers.CharField(help_text="Of the last message, if it was lost; else empty.")
    day = serializers.FloatField(
        allow_null=True, help_text="Per cent of the watched time of the last 24 hours in which it worked."
    )
    month = serializers.FloatField(allow_null=True, help_text="The same, of the last 30 days.")


class CanarySerializer(serializers.Serializer[Any]):
    address = serializers.CharField(allow_null=True, help_text="Null: the stack has no canary.")
    ways = CanaryWaySerializer(many=True)


class CanarySpanSerializer(serializers.Serializer[Any]):
    way = serializers.ChoiceField(choices=WAYS)
    length = serializers.ChoiceField(choices=[each.value for each in Length])
    begins_at = serializers.DateTimeField()
    proved = serializers.FloatField(help_text="Seconds in which it was proved to work.")
    failed = serializers.FloatField(help_text="Seconds in which it failed.")
    rounds = serializers.IntegerField(help_text="Messages.")
    lost = serializers.IntegerField(help_text="Of those, how many did not arrive.")
    slowest = serializers.IntegerField(allow_null=True, help_text="In milliseconds.")


class SpanQuery(PageQuery):
    way = Choice(required=False, choices=WAYS)
    length = Choice(required=False, choices=[each.value for each in Length])


class Canaries(StackView):
    noun, plural = "canary", "canaries"
    reported = frozenset({"ways"})
    orders = {"-begins_at": ("-begins_at", "-pk"), "begins_at": ("begins_at", "pk")}
    queries = {"list": SpanQuery}

    def subject(self, domain: str) -> Subject:
        row = self._find(domain)
        return Subject([row], lambda: _shown(row))

    @operation("Whether the domain's mail arrives", responses=CanarySerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(_shown(self._find(domain)))

    @operation("Give a stack that has none its canary", request=None, responses={201: CanarySerializer})
    def make_canary(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.act(
            lambda: make_canary(actor=self.actor, stack=row), lambda made: _shown(row), status=201
        )

    @operation("Its hours and days, the newest first", responses=CanarySpanSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = CanarySpan.objects.filter(canary__stack=self._find(domain))
        for name in ("way", "length"):
            if name in self.given:
                rows = rows.filter(**{name: self.given[name]})
        return self.page(rows, lambda found: [dict(CanarySpanSerializer(each).data) for each in found])


def _shown(stack: Stack) -> dict[str, Any]:
    canary = Canary.objects.filter(stack=stack).first()
    if canary is None:
        return {"address": None, "ways": []}
    return {
        "address": f"{canary.local_part}@{stack.domain.name}",
        "ways": [_way(each) for each in _ways(canary)],
    }


def _ways(canary: Canary) -> list[CanaryWay]:
    return sorted(canary.ways.all(), key=lambda each: each.way)


def _way(row: CanaryWay) -> dict[str, Any]:
    now = timezone.now()
    found = {name: getattr(row, name) for name in ("way", "standing", "latency", "problem")}
    times = {name: getattr(row, name) for name in ("since", "judged_at", "proved_at")}
    shares = {}
    for name, days, length in _DAYS:
        spans = CanarySpan.objects.filter(
            canary=row.canary_id, way=row.way, length=length, begins_at__gt=now - timedelta(days=days)
        )
        pairs = list(spans.values_list("proved", "failed"))
        shares[name] = share(sum(each[0] for each in pairs), sum(each[1] for each in pairs))
    told = {name: at.isoformat() if at else None for name, at in times.items()}
    return {**found, **told, "late": is_late(row.judged_at, now), **shares}
