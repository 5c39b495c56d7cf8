"""Mail stacks: making what was planned, how far each part is, and what can be asked of one."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, PageQuery, QueryIdentifier, Shape, Switch, Text
from panel.api.schema import operation
from panel.api.stack_plans import (
    CERTIFICATES,
    PRODUCTION,
    STAGING,
    NewStack,
    home_of_stack,
    in_its_field,
    wanted_by,
)
from panel.api.targets import ConditionSerializer
from tenants import access
from tenants.actions import stacks as actions
from tenants.errors import Absent
from tenants.left_alone import left_alone
from tenants.models import Domain, Release, Stack, StackPhase, Unikernel


class StackSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField()
    host = serializers.IntegerField(help_text="The part of a host that it runs in.")
    network = serializers.IntegerField()
    public_address = serializers.IntegerField()
    address = serializers.CharField(help_text="That public address, as the host has it.")
    submission_host = serializers.CharField(help_text="What mail programs connect to, on port 465.")
    selector = serializers.CharField(help_text="Of its DKIM key.")
    git_address = serializers.CharField(help_text="The git host as unikernels reach it, at port 22.")
    certificates = serializers.ChoiceField(choices=CERTIFICATES)
    open_relay = serializers.BooleanField(
        help_text="Somebody decided to open port 25 although the receiver takes any recipient."
    )
    wanted = serializers.ChoiceField(choices=Stack.Wanted.choices)
    firewall = serializers.ChoiceField(choices=Stack.Firewall.choices, help_text="How far it is opened.")
    release = serializers.IntegerField(help_text="The number of the one that should run.")
    target = serializers.IntegerField(allow_null=True, help_text="Its sync target. Null in a dry run.")
    observed = serializers.BooleanField(help_text="All that is wanted of it was proved.")
    created_at = serializers.DateTimeField()


class StackPhaseSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="A role, or git, records, firewall, open, mx.")
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=StackPhase.State.choices)
    reason = serializers.CharField(help_text="What it waits for, or why it failed; else empty.")
    proof = serializers.DictField(help_text="What was seen when it was proved.")
    began_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was proved, failed or taken back."
    )
    tries = serializers.IntegerField(help_text="How often somebody asked for it again.")
    unikernel = serializers.IntegerField(allow_null=True, help_text="That of a role that runs here.")
    found = serializers.CharField(
        help_text="Why the unikernel is not as Rookery wants it, as its host was last seen; else empty."
    )


class WholeStackSerializer(StackSerializer):
    phases = StackPhaseSerializer(many=True)
    conditions = ConditionSerializer(many=True)


class StackPartSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    era = serializers.CharField(help_text="The generation of its image.")
    image = serializers.CharField(help_text="The SHA-256 of its image.")
    label = serializers.CharField(help_text="Its unikernel's name.")  # type: ignore[assignment]
    address = serializers.CharField()
    arguments = serializers.ListField(
        child=serializers.CharField(), help_text="With references in place of secrets."
    )


class ReleaseSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    is_current = serializers.BooleanField(help_text="This one should run.")
    note = serializers.CharField()
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()
    parts = StackPartSerializer(many=True, help_text="In the order in which they start.")
    services = serializers.DictField(
        child=serializers.CharField(), help_text="The address of what fills a role instead, by role."
    )


class StackQuery(PageQuery):
    organization = QueryIdentifier()
    host = QueryIdentifier()
    wanted = Choice(required=False, choices=Stack.Wanted.choices)


class Retry(Shape):
    phase = Text(max_length=40, help_text="The name of one that failed.")

    example = {"phase": "submission"}


class OpenRelay(Shape):
    open_relay = Switch(help_text="Open port 25 although the receiver takes mail for any recipient.")
    reason = Text(required=False, default="", max_length=200, help_text="Needed to open it.")

    example = {"open_relay": True, "reason": "Only our provider's filter reaches it."}


def show_stack(row: Stack, *, unreal: bool = False) -> dict[str, Any]:
    """What is told of a stack in a list."""
    fields = ("submission_host", "selector", "git_address", "open_relay", "wanted", "firewall")
    release, target = row.release, row.sync_target
    return {
        "domain": row.domain.name,
        "host": row.share_id,
        "network": row.network_id,
        "public_address": row.public_id,
        "address": row.public.address,
        **{name: getattr(row, name) for name in fields},
        "certificates": PRODUCTION if row.production else STAGING,
        "release": release.number if release is not None else 0,
        "target": None if unreal else target.pk,
        "observed": target.in_agreement,
        "created_at": row.created_at.isoformat(),
    }


def show_whole(row: Stack, *, unreal: bool = False) -> dict[str, Any]:
    """A stack with its phases, each with its unikernel where it has one, and what its target says."""
    titles = {phase.name: phase.title for phase in actions.phases(row)}
    labels = row.release.labels if row.release is not None else {}
    rows = Unikernel.objects.filter(share=row.share_id, name__in=labels.values(), deleted_at=None)
    unikernels = {} if unreal else dict(rows.values_list("name", "pk"))
    found = left_alone(row.share.sync_target)
    return {
        **show_stack(row, unreal=unreal),
        "phases": [
            {
                "name": each.name,
                "title": titles.get(each.name, each.name),
                "state": each.state,
                "reason": each.reason,
                "proof": each.proof if each.state == StackPhase.State.PROVED else {},
                "began_at": each.began_at.isoformat() if each.began_at else None,
                "ended_at": each.ended_at.isoformat() if each.ended_at else None,
                "tries": each.tries,
                "unikernel": unikernels.get(labels.get(each.name, "")),
                "found": found.get(labels.get(each.name, ""), ""),
            }
            for each in row.phases.all()
        ],
        "conditions": [ConditionSerializer(each).data for each in row.sync_target.conditions.all()],
    }


def _show_release(row: Release, current: int | None) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("number", "note", "made_by", "parts", "services")}
    return {**shown, "is_current": row.pk == current, "made_at": row.made_at.isoformat()}


class StackView(ApiView):
    noun, tag = "stack", "Mail stacks"

    def _rows(self) -> QuerySet[Stack]:
        return access.visible_to(self.actor, Stack).select_related(
            "domain__organization", "share__host", "share__sync_target", "public", "release", "sync_target"
        )

    def _find(self, domain: str) -> Stack:
        home = access.get(self.actor, Domain, name=domain)
        row = self._rows().filter(domain=home).first()
        if row is None:
            raise Absent
        return row


class Stacks(StackView):
    queries = {"list": StackQuery}
    reported = frozenset({"firewall", "observed", "phases", "conditions"})

    def subject(self, domain: str) -> Subject:
        row = self._find(domain)
        return Subject([row.share.host, row], lambda: show_whole(self._find(domain)))

    @operation("All that you may see", responses=StackSerializer)
    def list(self, request: Request) -> Response:
        rows = self._rows()
        if "organization" in self.given:
            rows = rows.filter(domain__organization=self.given["organization"])
        if "host" in self.given:
            rows = rows.filter(share=self.given["host"])
        if "wanted" in self.given:
            rows = rows.filter(wanted=self.given["wanted"])
        return self.page(rows, lambda found: [show_stack(each) for each in found])

    @operation("The mail stack of a domain, with each phase of it", responses=WholeStackSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(show_whole(self._find(domain)))

    @operation(
        "Make exactly the mail stack whose plan you read",
        request=NewStack,
        responses={201: WholeStackSerializer},
    )
    def make_stack(self, request: Request, domain: str) -> Response:
        given, home = self.body(NewStack), home_of_stack(self.actor, domain)
        choices = wanted_by(self.actor, home, given)

        def make() -> Stack:
            return actions.make_stack(actor=self.actor, domain=home, choices=choices, plan=given["plan"])

        return self.act(
            lambda: in_its_field(given, make),
            lambda row: show_whole(self._rows().get(pk=row.pk), unreal=self.dry),
            status=201,
            location=lambda row: reverse("api:stack", args=[row.domain.name]),
        )

    @operation(
        "Take all of it back: its MX record first, its keys last", responses={202: WholeStackSerializer}
    )
    def destroy(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.act(
            lambda: actions.remove_stack(actor=self.actor, stack=row, name=domain), self._again, status=202
        )

    @operation("Stop what runs; keys, addresses and records stay", responses=WholeStackSerializer)
    def cancel_stack(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.act(lambda: actions.cancel_stack(actor=self.actor, stack=row), self._again)

    @operation("Go on with one that was cancelled", responses=WholeStackSerializer)
    def resume_stack(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.act(lambda: actions.resume_stack(actor=self.actor, stack=row), self._again)

    @operation(
        "Try one part again that failed, with all its time", request=Retry, responses=WholeStackSerializer
    )
    def retry_phase(self, request: Request, domain: str) -> Response:
        given, row = self.body(Retry), self._find(domain)
        return self.act(
            lambda: actions.retry_phase(actor=self.actor, stack=row, phase=given["phase"]),
            lambda phase: self._again(phase.stack),
        )

    @operation(
        "Open port 25 although its receiver takes any recipient, or close it",
        request=OpenRelay,
        responses=WholeStackSerializer,
    )
    def decide_open_relay(self, request: Request, domain: str) -> Response:
        given, row = self.body(OpenRelay), self._find(domain)
        return self.act(
            lambda: actions.decide_open_relay(actor=self.actor, stack=row, **given),
            self._again,
        )

    def _again(self, row: Stack) -> dict[str, Any]:
        """As it is now, its phases and its target too. It is there until its end was proved."""
        return show_whole(self._rows().filter(pk=row.pk).first() or row)


class Releases(StackView):
    noun = "release"
    orders = {"number": ("number",), "-number": ("-number",)}

    @operation("Its releases: what each runs, as it was made", responses=ReleaseSerializer)
    def list(self, request: Request, domain: str) -> Response:
        row = self._find(domain)
        return self.page(
            row.releases.all(), lambda found: [_show_release(each, row.release_id) for each in found]
        )

    @operation("One of them", responses=ReleaseSerializer)
    def retrieve(self, request: Request, domain: str, number: int) -> Response:
        row = self._find(domain)
        release = row.releases.filter(number=number).first()
        if release is None:
            raise Absent
        return Response(_show_release(release, row.release_id))
