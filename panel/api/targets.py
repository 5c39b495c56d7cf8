"""Sync targets: the outside places, what was last proved there, and what people may ask of the controller."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Flag, PageQuery, QueryIdentifier, Shape
from panel.api.runs import RunSerializer, find_run, show_run
from panel.api.schema import operation
from panel.api.waiting import wait_until
from tenants import access
from tenants.actions import restored
from tenants.actions import sync as actions
from tenants.errors import Absent
from tenants.models import Condition, Run, SyncTarget

LONGEST_LOOK = 2.0
# A preview in one of these has not answered yet.
_UNDECIDED = (Run.State.QUEUED, Run.State.RUNNING, Run.State.WAITING)


class ConditionSerializer(serializers.Serializer[Condition]):
    type = serializers.ChoiceField(choices=Condition.Type.choices)
    status = serializers.BooleanField()
    reason = serializers.CharField(help_text="For programs.")
    message = serializers.CharField(help_text="For people.")
    details = serializers.DictField()
    since = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()


class SyncTargetSerializer(serializers.Serializer[SyncTarget]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=SyncTarget.Kind.choices)
    organization = serializers.IntegerField(source="organization_id")
    domain = serializers.CharField(allow_null=True)
    repository = serializers.CharField(allow_null=True, help_text="git@host:path#branch")
    host = serializers.IntegerField(
        source="host_share_id", allow_null=True, help_text="The part of a host, for targets of that kind."
    )
    firewall = serializers.IntegerField(
        source="firewall_id", allow_null=True, help_text="The firewall of a host, for targets of that kind."
    )
    drift_mode = serializers.ChoiceField(choices=SyncTarget.DriftMode.choices)
    held_since = serializers.DateTimeField(
        allow_null=True, help_text="Since a restore nothing is written there, until somebody lets it go."
    )
    mode_before = serializers.CharField(
        help_text="Its drift mode in the backup, while it is held; else empty."
    )
    generation = serializers.IntegerField(help_text="Counts what was asked for.")
    observed_generation = serializers.IntegerField(help_text="What was last proved to be there.")
    in_agreement = serializers.BooleanField()
    marked_at = serializers.DateTimeField()
    observed_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    next_try_at = serializers.DateTimeField()
    failures = serializers.IntegerField(help_text="In a row.")
    stop_code = serializers.CharField(help_text="Why a person is needed; else empty.")
    proof = serializers.DictField(help_text="What was last proved outside, e.g. commit and tree.")
    conditions = ConditionSerializer(many=True)


class TargetQuery(PageQuery):
    organization = QueryIdentifier()
    drift_mode = Choice(required=False, choices=SyncTarget.DriftMode.choices)
    stopped = Flag(required=False, help_text="Only those that wait for a person, or those that do not.")
    held = Flag(required=False, help_text="Only those that are held since a restore, or those that are not.")


class NewDriftMode(Shape):
    drift_mode = Choice(choices=SyncTarget.DriftMode.choices)

    example = {"drift_mode": "repair"}


class LettingGo(Shape):
    mode = Choice(
        choices=[("report", "others' changes stay"), ("before", "as it was in the backup")],
        help_text="report: what others changed stays, and is shown. before: the drift mode of the backup.",
    )

    example = {"mode": "report"}


class LetGoSerializer(serializers.Serializer[None]):
    count = serializers.IntegerField(help_text="How many targets workers write to again.")


def show_target(row: SyncTarget) -> dict[str, Any]:
    repository = row.repository
    row.domain = str(repository.domain) if repository and repository.domain else None  # type: ignore[attr-defined]
    return dict(SyncTargetSerializer(row).data)


class SyncTargets(ApiView):
    noun, tag = "target", "Sync targets"
    queries = {"list": TargetQuery}
    reported = frozenset(SyncTargetSerializer().fields) - {"drift_mode", "held_since", "mode_before"}

    def subject(self, target_id: int) -> Subject:
        return Subject([self._find(target_id)], lambda: show_target(self._find(target_id)))

    def _visible(self) -> QuerySet[SyncTarget]:
        rows = access.visible_to(self.actor, SyncTarget).select_related(
            "repository__domain", "host_share__host", "firewall__host", "organization"
        )
        return rows.prefetch_related("conditions")

    def _find(self, target_id: int) -> SyncTarget:
        row = self._visible().filter(pk=target_id).first()
        if row is None:
            raise Absent
        return row

    @operation("The outside places that are kept in agreement", responses=SyncTargetSerializer)
    def list(self, request: Request) -> Response:
        rows = self._visible()
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        if "drift_mode" in self.given:
            rows = rows.filter(drift_mode=self.given["drift_mode"])
        if "held" in self.given:
            rows = rows.filter(held_since__isnull=not self.given["held"])
        if "stopped" in self.given:
            rows = rows.exclude(stop_code="") if self.given["stopped"] else rows.filter(stop_code="")
        return self.page(rows, lambda found: [show_target(each) for each in found])

    @operation("One of them", responses=SyncTargetSerializer)
    def retrieve(self, request: Request, target_id: int) -> Response:
        return Response(show_target(self._find(target_id)))

    @operation("Look at the outside now; a stopped one is tried again", responses={202: SyncTargetSerializer})
    def check(self, request: Request, target_id: int) -> Response:
        row = self._find(target_id)
        return self.act(
            lambda: actions.check_now(actor=self.actor, target=row),
            lambda _: show_target(self._find(target_id)),
            status=202,
        )

    @operation(
        f"Ask what would change outside; answers 200 when it is known within {LONGEST_LOOK:.0f} s, else 202",
        responses={200: RunSerializer, 202: RunSerializer},
    )
    def preview(self, request: Request, target_id: int) -> Response:
        row = self._find(target_id)
        asked: list[Run] = []

        def show(run: Run) -> dict[str, Any]:
            asked.append(run)
            shown = show_run(find_run(self.actor, run.pk))
            return {**shown, "id": None} if self.dry else shown

        answer = self.act(
            lambda: actions.request_preview(actor=self.actor, target=row),
            show,
            status=202,
            location=lambda run: reverse("api:run", args=[run.pk]),
            tagged=False,
        )
        if not asked or self.dry or self.in_bulk:
            return answer
        if wait_until(lambda: _decided(asked[0]), self.given.get("wait", LONGEST_LOOK)):
            answer.data = show(asked[0])
            answer.status_code = 200
        return answer

    @operation(
        "Choose what happens with entries that others changed",
        request=NewDriftMode,
        responses=SyncTargetSerializer,
    )
    def set_drift_mode(self, request: Request, target_id: int) -> Response:
        given = self.body(NewDriftMode)
        row = self._find(target_id)
        return self.act(
            lambda: actions.change_drift_mode(actor=self.actor, target=row, mode=given["drift_mode"]),
            lambda _: show_target(self._find(target_id)),
        )

    @operation("Say that submission and relay were restarted by hand", responses=SyncTargetSerializer)
    def confirm_reload(self, request: Request, target_id: int) -> Response:
        row = self._find(target_id)
        return self.act(
            lambda: actions.confirm_reload(actor=self.actor, target=row),
            lambda _: show_target(self._find(target_id)),
        )

    @operation(
        "After a restore, let workers write there again; for operators, who compared it with the backup",
        request=LettingGo,
        responses=SyncTargetSerializer,
    )
    def let_go_target(self, request: Request, target_id: int) -> Response:
        given = self.body(LettingGo)
        row = self._find(target_id)
        before = row.mode_before if given["mode"] == "before" else ""
        return self.act(
            lambda: restored.let_go(actor=self.actor, target=row, mode=before or SyncTarget.DriftMode.REPORT),
            lambda _: show_target(self._find(target_id)),
        )


class HeldTargets(ApiView):
    noun, tag = "held_target", "Sync targets"

    @operation(
        "After a restore, let all that are held go, in report mode; for operators", responses=LetGoSerializer
    )
    def let_all_go(self, request: Request) -> Response:
        return self.act(lambda: restored.let_all_go(actor=self.actor), lambda count: {"count": count})


def _decided(run: Run) -> bool:
    return not Run.objects.filter(pk=run.pk, state__in=_UNDECIDED).exists()
