"""The plan of a mail stack: what is chosen for it, and each step with the commands that do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Choice, Identifier, Shape, Switch, Text
from panel.api.imports import RowProblemSerializer
from panel.api.schema import operation
from panel.api.unikernels import ByDevice
from tenants import access
from tenants.actions.blueprints import Blueprint, Choices, preview_stack
from tenants.actor import Actor
from tenants.errors import Invalid, Problem
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.plan import Step, StepKind
from tenants.models import Domain, HostShare, Image

T = TypeVar("T")
STAGING, PRODUCTION = "staging", "production"
CERTIFICATES = [(STAGING, "of Let's Encrypt's staging"), (PRODUCTION, "of Let's Encrypt")]
_FIELDS = {"share": "host", "public": "public_address"}


class PlannedStepSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[(each.value, each.value) for each in StepKind])
    role = serializers.CharField(help_text="Whose unikernel it starts; else empty.")
    title = serializers.CharField()
    what = serializers.ListField(child=serializers.CharField(), help_text="Sentences.")
    commands = serializers.ListField(
        child=serializers.CharField(), help_text="They do the same by hand, in a POSIX shell."
    )
    within = serializers.IntegerField(help_text="Seconds until it must be proved; 0: nothing is waited for.")


class StackPlanSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(help_text="Names exactly these steps; send it to have them done.")
    lacking = RowProblemSerializer(many=True, help_text="What has to be done before; else it can be made.")
    warnings = serializers.ListField(child=serializers.CharField())
    addresses = serializers.DictField(
        child=serializers.CharField(), help_text="The private address of each role."
    )
    steps = PlannedStepSerializer(many=True)


class StackChoices(Shape):
    host = Identifier(help_text="A part of a host.")
    network = Identifier(help_text="One of that part.")
    public_address = Identifier(help_text="One of that part, which no stack uses.")
    images = ByDevice(
        required=False,
        child=Identifier(),
        help_text=f"The image of each role that runs here: {', '.join(ROLES)}.",
    )
    services = ByDevice(
        required=False,
        child=Text(max_length=100),
        help_text="The address of what fills a role instead, by role.",
    )
    submission_host = Text(required=False, default="", max_length=400, help_text="Empty: the usual.")
    selector = Text(required=False, default="s1", max_length=400, help_text="Of its DKIM key.")
    git_address = Text(
        required=False,
        default="",
        max_length=400,
        help_text="The git host as unikernels reach it. Empty: as Rookery does, or the host itself.",
    )
    certificates = Choice(required=False, default=STAGING, choices=CERTIFICATES)
    open_relay = Switch(
        required=False,
        default=False,
        help_text="Open port 25 although the receiver takes mail for any recipient, and delivers it.",
    )

    example = {
        "host": 1,
        "network": 1,
        "public_address": 1,
        "images": dict(zip(ROLES, range(1, 9), strict=True)),
        "certificates": STAGING,
    }


class NewStack(StackChoices):
    plan = Text(max_length=100, help_text="Of the plan that you read.")

    example = {**StackChoices.example, "plan": "c" * 64}


def _show_plan(blueprint: Blueprint) -> dict[str, Any]:
    plan = blueprint.plan
    return {
        "plan": blueprint.digest,
        "lacking": show_lacking(blueprint.lacking),
        "warnings": list(plan.warnings),
        "addresses": dict(plan.addresses),
        "steps": show_steps(plan.steps),
    }


def show_lacking(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """What has to be done before."""
    return [
        {"field": _FIELDS.get(each.field, each.field), "problem": each.problem, "fix": each.fix}
        for each in problems
    ]


def show_steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The steps of a plan."""
    return [
        {
            "kind": step.kind.value,
            "role": step.role,
            "title": step.title,
            "what": list(step.what),
            "commands": list(step.commands),
            "within": step.within,
        }
        for step in steps
    ]


def wanted_by(actor: Actor, home: Domain, given: Mapping[str, Any]) -> Choices:
    """What a body says, with rows that exist for this actor and organization. Raises Invalid."""
    shares = access.visible_to(actor, HostShare).filter(organization=home.organization_id)
    share = shares.select_related("host", "organization", "sync_target").filter(pk=given["host"]).first()
    if share is None:
        raise Invalid.of("host", "There is no such part of a host.", "Send the id of one of yours.")
    network = share.networks.filter(pk=given["network"]).first()
    public = share.public_addresses.filter(pk=given["public_address"]).first()
    images = given.get("images", {})
    known = {each.pk: each for each in access.visible_to(actor, Image).filter(pk__in=images.values())}
    problems = []
    if network is None:
        said = "There is no such network."
        problems.append(Problem("network", said, "Send the id of one of that part of the host."))
    if public is None:
        said = "There is no such public address."
        problems.append(Problem("public_address", said, "Send the id of one of that part of the host."))
    for role, pk in images.items():
        if pk not in known:
            fix = "Send the id of an image of yours, by the name of a role."
            problems.append(Problem(f"images.{role[:40]}", "There is no such image.", fix))
    if network is None or public is None or problems:
        raise Invalid(problems)
    network.share = share
    return Choices(
        share=share,
        network=network,
        public=public,
        images={role: known[pk] for role, pk in images.items()},
        services=given.get("services", {}),
        production=given["certificates"] == PRODUCTION,
        **{name: given[name] for name in ("submission_host", "selector", "git_address", "open_relay")},
    )


def home_of_stack(actor: Actor, domain: str) -> Domain:
    """The domain, for those who may make its stack."""
    home = access.get(actor, Domain, name=domain)
    access.require_create(actor, access.Kind.STACK, home.organization)
    return home


def in_its_field(given: Mapping[str, Any], do: Callable[[], T], usual: str = "images") -> T:
    """What `do` says of a choice, under the name that it has in the body; `usual` holds what was not sent."""
    try:
        return do()
    except Invalid as error:
        typed = set(given.get("services", {})) - set(given.get("images", {}))
        places = {role: f"{'services' if role in typed else usual}.{role}" for role in ROLES} | _FIELDS
        found = [replace(each, field=places.get(each.field, each.field)) for each in error.problems]
        raise Invalid(found) from error


class StackPlans(ApiView):
    noun, tag = "stack_plan", "Mail stacks"

    @operation(
        "What making a mail stack would do, step by step, with its commands; nothing is written",
        request=StackChoices,
        responses=StackPlanSerializer,
    )
    def plan_stack(self, request: Request, domain: str) -> Response:
        given, home = self.body(StackChoices), home_of_stack(self.actor, domain)
        choices = wanted_by(self.actor, home, given)

        def preview() -> Blueprint:
            return preview_stack(actor=self.actor, domain=home, choices=choices)

        return self.act(lambda: in_its_field(given, preview), _show_plan)
