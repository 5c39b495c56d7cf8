"""Runs: one pass of the controller each, with its steps and its evidence."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, PageQuery, QueryIdentifier, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import sync as actions
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import Evidence, Run, Step, SyncTarget


class RunLineSerializer(serializers.Serializer[Run]):
    """A run in a list."""

    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    target = serializers.IntegerField(source="target_id")
    domain = serializers.CharField(allow_null=True)
    mode = serializers.ChoiceField(choices=Run.Mode.choices)
    state = serializers.ChoiceField(choices=Run.State.choices)
    generation = serializers.IntegerField(help_text="What this pass set out to prove.")
    title = serializers.CharField()
    outcome = serializers.CharField(help_text="For programs, e.g. unreachable.")
    advice = serializers.CharField(help_text="What a person reads first.")
    attempts = serializers.IntegerField()
    asked_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class StepSerializer(serializers.Serializer[Step]):
    name = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=Step.State.choices)
    detail = serializers.CharField()
    log = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class EvidenceSerializer(serializers.Serializer[Evidence]):
    name = serializers.CharField()
    value = serializers.CharField()
    seen_at = serializers.DateTimeField()


class RunSerializer(RunLineSerializer):
    """A run with its plan, steps and evidence."""

    plan = serializers.DictField(help_text="What would be, or was, changed; secrets are masked.")
    plan_checksum = serializers.CharField()
    agree_to = serializers.CharField(help_text="The checksum to agree to so that it goes on; else empty.")
    steps = StepSerializer(many=True)
    evidence = EvidenceSerializer(many=True)


class RunQuery(PageQuery):
    target = QueryIdentifier()
    domain = Text(required=False, max_length=253)
    state = Choice(required=False, choices=Run.State.choices)
    mode = Choice(required=False, choices=Run.Mode.choices)


class Agreement(Shape):
    checksum = Text(max_length=200, help_text="`agree_to` of the run, as you read it.")

    example = {"checksum": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"}


def find_run(actor: Actor, run_id: int) -> Run:
    """A run with all that it shows; raises Absent."""
    rows = access.visible_to(actor, Run).select_related(
        "target__repository__domain", "target__organization", "asked_by"
    )
    row = rows.prefetch_related("steps", "evidence").filter(pk=run_id).first()
    if row is None:
        raise Absent
    return row


def show_run(row: Run) -> dict[str, Any]:
    return _show(row, RunSerializer)


def _show(row: Run, kind: type[RunLineSerializer]) -> dict[str, Any]:
    repository = row.target.repository
    row.domain = str(repository.domain) if repository and repository.domain else None  # type: ignore[attr-defined]
    shown = dict(kind(row).data)
    return {**shown, "asked_by": row.asked_by.email if row.asked_by else None}


class Runs(ApiView):
    noun, tag = "run", "Runs"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": RunQuery}

    def subject(self, run_id: int) -> Subject:
        row = find_run(self.actor, run_id)
        return Subject([row.target, row], lambda: show_run(find_run(self.actor, run_id)))

    @operation("The passes of the controller, the newest first", responses=RunLineSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Run).select_related("target__repository__domain", "asked_by")
        fields = {"target": "target", "state": "state", "mode": "mode"}
        rows = rows.filter(**{fields[name]: self.given[name] for name in fields if name in self.given})
        parts = [] if "target" in self.given else self.by_organization(rows)
        if "domain" in self.given:
            # Its id first: with a name in the question, databases sort all runs of the domain.
            target = SyncTarget.objects.filter(repository__domain__name=self.given["domain"].lower())
            rows, parts = rows.filter(target=target.values_list("pk", flat=True).first() or 0), []
        return self.page(
            rows.defer("plan"), lambda found: [_show(each, RunLineSerializer) for each in found], parts
        )

    @operation("One run with its plan, steps and evidence", responses=RunSerializer)
    def retrieve(self, request: Request, run_id: int) -> Response:
        return Response(show_run(find_run(self.actor, run_id)))

    @operation("Agree to exactly what a stopped run asks", request=Agreement, responses=RunSerializer)
    def agree_to_run(self, request: Request, run_id: int) -> Response:
        given = self.body(Agreement)
        row = find_run(self.actor, run_id)
        return self.act(
            lambda: actions.approve_plan(actor=self.actor, run=row, checksum=given["checksum"]),
            lambda _: show_run(find_run(self.actor, run_id)),
        )
