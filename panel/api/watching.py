"""What was seen of a unikernel: its console, measurements and ends."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import PageQuery, QueryNumber, Text
from panel.api.schema import operation
from tenants import access
from tenants.errors import Absent
from tenants.formats.exits import explain
from tenants.models import Unikernel, UnikernelExit
from tenants.watched import LONGEST_SEARCH, end_of


class ConsoleLineSerializer(serializers.Serializer[Any]):
    """One line, made harmless; secrets of its arguments are masked."""

    id = serializers.IntegerField(source="pk", help_text="Grows: ask for those after the last that you have.")
    at = serializers.DateTimeField(help_text="When it came, by the host's clock.")
    text = serializers.CharField()

    example = {"id": 7, "at": "2026-11-21T09:12:00.120Z", "text": "Solo5: Bindings version v0.12.1"}


class SampleSerializer(serializers.Serializer[Any]):
    """One measurement; counters begin anew when it is started again. Older than a day, one of ten minutes."""

    id = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField()
    cpu = serializers.IntegerField(help_text="Microseconds of CPU since its start.")
    memory = serializers.IntegerField(help_text="Bytes in use.")
    received = serializers.IntegerField(help_text="Bytes since its start, of all its network devices.")
    sent = serializers.IntegerField(help_text="Likewise.")

    example = {
        "id": 7,
        "at": "2026-11-21T09:12:00Z",
        "cpu": 1200000,
        "memory": 16777216,
        "received": 90210,
        "sent": 4711,
    }


class ExitSerializer(serializers.Serializer[Any]):
    """One end. With neither code nor signal it said no word."""

    id = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField(help_text="By the host's clock.")
    code = serializers.IntegerField(allow_null=True)
    signal = serializers.IntegerField(allow_null=True)
    restarted = serializers.BooleanField(help_text="Albatross starts it again after this.")
    words = serializers.CharField(help_text="What it said before.")
    explained = serializers.SerializerMethodField(help_text="What that means.")
    advice = serializers.SerializerMethodField(help_text="What to do; empty where nothing is.")

    example = {
        "id": 7,
        "at": "2026-11-21T09:12:00.120Z",
        "code": 64,
        "signal": None,
        "restarted": False,
        "words": "unknown option '--fast'",
        "explained": "exited with 64: wrong arguments",
        "advice": "Compare its arguments with those that its role takes; the console names the wrong one.",
    }

    def get_explained(self, row: UnikernelExit) -> str:
        return explain(end_of(row)).sentence

    def get_advice(self, row: UnikernelExit) -> str:
        return explain(end_of(row)).advice


class ConsoleQuery(PageQuery):
    q = Text(required=False, max_length=LONGEST_SEARCH, help_text="Lines that contain this, in any case.")
    after = QueryNumber(required=False, min_value=0, max_value=2**63 - 1, help_text="Lines after this id.")


class SeenView(ApiView):
    tag = "Unikernels"
    shape: type[serializers.Serializer[Any]]

    def _unikernel(self, unikernel_id: int) -> Unikernel:
        row = access.visible_to(self.actor, Unikernel).filter(pk=unikernel_id).first()
        if row is None:
            raise Absent
        return row

    def _shown(self, rows: QuerySet[Any]) -> Response:
        return self.page(rows, lambda found: [dict(self.shape(each).data) for each in found])


class ConsoleLines(SeenView):
    noun, plural = "console_line", "console_lines"
    queries = {"list": ConsoleQuery}
    shape = ConsoleLineSerializer

    @operation("The console of a unikernel, also of one that ended", responses=ConsoleLineSerializer)
    def list(self, request: Request, unikernel_id: int) -> Response:
        rows = self._unikernel(unikernel_id).lines.filter(pk__gt=self.given.get("after", 0))
        if self.given.get("q"):
            rows = rows.filter(text__icontains=self.given["q"])
        return self._shown(rows)


class Samples(SeenView):
    noun, plural = "sample", "samples"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    shape = SampleSerializer

    @operation("Measurements of a unikernel", responses=SampleSerializer)
    def list(self, request: Request, unikernel_id: int) -> Response:
        return self._shown(self._unikernel(unikernel_id).samples.all())


class Exits(SeenView):
    noun, plural = "exit", "exits"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    shape = ExitSerializer

    @operation("How a unikernel ended, each time", responses=ExitSerializer)
    def list(self, request: Request, unikernel_id: int) -> Response:
        return self._shown(self._unikernel(unikernel_id).exits.all())
