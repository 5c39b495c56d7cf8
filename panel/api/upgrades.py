"""Upgrades of mail stacks: the plan of the next release, exactly it, how far it is, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.fields import Identifier, Shape, Text
from panel.api.schema import operation
from panel.api.stack_plans import StackPlanSerializer, show_lacking, show_steps
from panel.api.stacks import StackPhaseSerializer, StackView
from panel.api.unikernels import ByDevice
from tenants import access
from tenants.actions import upgrades as actions
from tenants.actions.upgrade_blueprints import UpgradeBlueprint, preview_upgrade
from tenants.actor import Actor
from tenants.errors import Absent, Invalid, Problem
from tenants.models import Image, Release, Stack, Upgrade, UpgradePhase
from tenants.upgrade_standings import changed_roles, way_of

T = TypeVar("T")


class UpgradePlanSerializer(StackPlanSerializer):
    release = serializers.IntegerField(help_text="The number that the next release gets.")
    beside = serializers.ListField(
        child=serializers.CharField(), help_text="Roles whose new ones start beside the old ones."
    )
    in_place = serializers.ListField(
        child=serializers.CharField(), help_text="Roles that are replaced in place, with an outage."
    )


class UpgradePhaseSerializer(StackPhaseSerializer):
    name = serializers.CharField(help_text="A role, or firewall, trial, flip, watch, drain, remove.")
    proof = serializers.DictField(
        help_text="What was seen: the outage of what is replaced in place, the connections that were cut."
    )
    tries = None  # type: ignore[assignment]
    unikernel = None  # type: ignore[assignment]
    found = None  # type: ignore[assignment]


class UpgradeSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=Upgrade.State.choices)
    reason = serializers.CharField(help_text="Why it goes back; else empty.")
    before = serializers.IntegerField(help_text="The number of the release that served when it began.")
    after = serializers.IntegerField(help_text="The number of the release to which it leads.")
    serves = serializers.IntegerField(help_text="The number of the one that has the traffic.")
    beside = serializers.ListField(child=serializers.CharField())
    in_place = serializers.ListField(child=serializers.CharField())
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(help_text="Why it was begun, where somebody said so.")
    phases = UpgradePhaseSerializer(many=True)


class UpgradeChoices(Shape):
    images = ByDevice(
        child=Identifier(), help_text="Another image for some of the roles that run here, by role."
    )

    example: ClassVar[dict[str, Any]] = {"images": {"verifier": 9}}


class NewUpgrade(UpgradeChoices):
    plan = Text(max_length=100, help_text="Of the plan that you read.")

    note = Text(
        required=False,
        default="",
        max_length=actions.LONGEST_NOTE,
        help_text="Why, in one line, for those who read the releases later.",
    )

    example = {"images": {"verifier": 9}, "plan": "c" * 64, "note": "Signs with the new selector."}


class Return(Shape):
    plan = Text(max_length=100, help_text="Of the plan that you read.")

    example = {"plan": "c" * 64}


def _show_plan(blueprint: UpgradeBlueprint) -> dict[str, Any]:
    following = blueprint.following
    return {
        "plan": blueprint.digest,
        "lacking": show_lacking(blueprint.lacking),
        "warnings": list(blueprint.warnings),
        "addresses": {each.role.name: each.address for each in following.roles},
        "steps": show_steps(blueprint.steps),
        "release": blueprint.wish.release,
        "beside": sorted(following.beside),
        "in_place": sorted(following.in_place),
    }


def _show(row: Upgrade) -> dict[str, Any]:
    titles = {phase.name: phase.title for phase in way_of(row)}
    beside, in_place = changed_roles(row)
    serving = row.stack.release
    return {
        "state": row.state,
        "reason": row.reason,
        "before": row.before.number,
        "after": row.after.number,
        "serves": serving.number if serving is not None else 0,
        "beside": sorted(beside),
        "in_place": sorted(in_place),
        "began_at": row.began_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "note": row.after.note,
        "phases": [_show_phase(each, titles) for each in row.phases.all()],
    }


def _show_phase(row: UpgradePhase, titles: Mapping[str, str]) -> dict[str, Any]:
    told = row.state in (UpgradePhase.State.PROVED, UpgradePhase.State.GONE)
    return {
        "name": row.name,
        "title": titles.get(row.name, row.name),
        "state": row.state,
        "reason": row.reason,
        "proof": row.proof if told else {},
        "began_at": row.began_at.isoformat() if row.began_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
    }


def _chosen(actor: Actor, given: Mapping[str, Any]) -> dict[str, Image]:
    images = given["images"]
    known = {each.pk: each for each in access.visible_to(actor, Image).filter(pk__in=images.values())}
    fix = "Send the id of an image of yours, by the name of a role."
    problems = [
        Problem(f"images.{role[:40]}", "There is no such image.", fix)
        for role, pk in images.items()
        if pk not in known
    ]
    if problems:
        raise Invalid(problems)
    return {role: known[pk] for role, pk in images.items()}


def _in_its_field(given: Mapping[str, Any], do: Callable[[], T]) -> T:
    """What `do` says of a role, under the name that it has in the body."""
    try:
        return do()
    except Invalid as error:
        places = {role: f"images.{role}" for role in given.get("images", {})}
        raise Invalid(
            [replace(each, field=places.get(each.field, each.field)) for each in error.problems]
        ) from error


class UpgradeView(StackView):
    noun = "upgrade"

    def _last(self, stack: Stack) -> Upgrade:
        row = stack.upgrades.select_related("before", "after", "stack__release").order_by("pk").last()
        if row is None:
            raise Absent
        return row

    def _changeable(self, domain: str) -> Stack:
        row = self._find(domain)
        access.require(self.actor, access.Verb.CHANGE, row)
        return row

    def _again(self, row: Upgrade) -> dict[str, Any]:
        return _show(self._last(row.stack))


class Upgrades(UpgradeView):
    @operation("The last upgrade of a mail stack, with each phase of it", responses=UpgradeSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(_show(self._last(self._find(domain))))

    @operation(
        "What another image for some roles would do, step by step; nothing is written",
        request=UpgradeChoices,
        responses=UpgradePlanSerializer,
    )
    def plan_upgrade(self, request: Request, domain: str) -> Response:
        given, row = self.body(UpgradeChoices), self._changeable(domain)
        images = _chosen(self.actor, given)

        def preview() -> UpgradeBlueprint:
            return preview_upgrade(actor=self.actor, stack=row, images=images)

        return self.act(lambda: _in_its_field(given, preview), _show_plan)

    @operation(
        "Begin exactly the upgrade whose plan you read",
        request=NewUpgrade,
        responses={201: UpgradeSerializer},
    )
    def upgrade_stack(self, request: Request, domain: str) -> Response:
        given, row = self.body(NewUpgrade), self._changeable(domain)
        images = _chosen(self.actor, given)

        def begin() -> Upgrade:
            return actions.upgrade_stack(
                actor=self.actor, stack=row, images=images, plan=given["plan"], note=given["note"]
            )

        return self.act(
            lambda: _in_its_field(given, begin),
            self._again,
            status=201,
            location=lambda _: reverse("api:stack-upgrade", args=[domain]),
        )

    @operation("Go back now: the old release keeps the traffic, or gets it", responses=UpgradeSerializer)
    def roll_back(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.act(lambda: actions.roll_back(actor=self.actor, stack=row), self._again)


class Returns(UpgradeView):
    """Back to an earlier release, as the next one."""

    @operation("What making it current would do; nothing is written", responses=UpgradePlanSerializer)
    def plan_return(self, request: Request, domain: str, number: int) -> Response:
        release = self._release(domain, number)
        return self.act(lambda: actions.preview_return(actor=self.actor, release=release), _show_plan)

    @operation(
        "Make exactly the plan of it that you read", request=Return, responses={201: UpgradeSerializer}
    )
    def make_current(self, request: Request, domain: str, number: int) -> Response:
        given, release = self.body(Return), self._release(domain, number)
        return self.act(
            lambda: actions.make_current(actor=self.actor, release=release, plan=given["plan"]),
            self._again,
            status=201,
            location=lambda _: reverse("api:stack-upgrade", args=[domain]),
        )

    def _release(self, domain: str, number: int) -> Release:
        stack = self._changeable(domain)
        row = stack.releases.filter(number=number).first()
        if row is None:
            raise Absent
        row.stack = stack
        return row
