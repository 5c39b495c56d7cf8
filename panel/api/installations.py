"""Mail installations that others made: read, explained, and made a stack as they run."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Identifier, Shape, Text
from panel.api.schema import operation
from panel.api.stack_plans import in_its_field
from panel.api.unikernels import ByDevice
from tenants import access
from tenants.actions import stack_adoption, surveys
from tenants.actions.adoption_blueprints import Adoption, preview_adoption
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.existing.painting import paint
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, HostShare, PublicAddress, Stack, Survey
from tenants.survey_places import targets_of, why_not_read
from tenants.surveys import lines_of_others, seen_of


class InstallationPlaceSerializer(serializers.Serializer[Any]):
    place = serializers.CharField(help_text="host, rules, users or zone.")
    seen_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(help_text="Why nobody read it yet; else empty.")


class InstallationNoticeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    weight = serializers.CharField(help_text="dangerous, contradictory, missing, unknown or worth knowing.")
    about = serializers.CharField(help_text="A unikernel's label, or zone, users, rules.")
    sentence = serializers.CharField()
    advice = serializers.CharField()


class InstallationPartSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    role = serializers.CharField(help_text="Empty: unknown.")
    certainty = serializers.CharField()
    eras = serializers.ListField(child=serializers.CharField(), help_text="Generations that it may be of.")
    reasons = serializers.ListField(child=serializers.CharField())
    domain = serializers.CharField()
    address = serializers.CharField()
    reached = serializers.ListField(child=serializers.CharField(), help_text="Rules that lead to it.")
    recorded = serializers.ListField(child=serializers.CharField(), help_text="Records about it.")
    is_ours = serializers.BooleanField(help_text="It was taken over.")
    problem = serializers.CharField(help_text="Why it cannot be taken over as it runs; else empty.")


class InstallationSerializer(serializers.Serializer[Any]):
    host = serializers.IntegerField(help_text="The part of a host that is looked at.")
    public = serializers.CharField(help_text="The address by which the world reaches it, if that is certain.")
    places = InstallationPlaceSerializer(many=True)
    parts = InstallationPartSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField(), help_text="Roles that nobody here has.")
    notices = InstallationNoticeSerializer(many=True)
    rules = serializers.ListField(
        child=serializers.CharField(), help_text="What rules of others do; for members, those about theirs."
    )
    commands = serializers.ListField(
        child=serializers.CharField(),
        help_text="Once Rookery writes the rules of its stack: lines that take those of others out.",
    )


class AdoptionSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(help_text="Identifies exactly this stack.")
    parts = serializers.DictField(child=serializers.CharField(), help_text="The unikernel of each role.")
    services = serializers.DictField(child=serializers.CharField())
    submission_host = serializers.CharField()
    selector = serializers.CharField()
    git_address = serializers.CharField()
    lacking = serializers.ListField(
        child=serializers.CharField(), help_text="What has to be done before; empty when nothing has."
    )


class AdoptedSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField()
    release = serializers.IntegerField()
    firewall = serializers.ChoiceField(choices=Stack.Firewall.choices)
    target = serializers.IntegerField(allow_null=True, help_text="Its sync target. Null in a dry run.")


class InstallationLook(Shape):
    host = Identifier(help_text="The part of a host on which it runs.")

    example = {"host": 1}


class AsItRuns(Shape):
    public_address = Identifier(help_text="The one that ports 25 and 465 of the domain have.")
    services = ByDevice(
        child=Text(max_length=15),
        required=False,
        default=dict,
        help_text="The address of what fills a role for which nothing was found, by role.",
    )

    example: ClassVar[dict[str, Any]] = {"public_address": 1}


class AdoptInstallation(AsItRuns):
    plan = Text(max_length=64, help_text="Of the stack that was shown.")

    example = {"public_address": 1, "plan": "0" * 64}


def _show(actor: Actor, row: Survey) -> dict[str, Any]:
    seen = seen_of(actor, row)
    picture = paint(seen)
    stack = Stack.objects.filter(domain=row.domain_id).select_related("release").first()
    looks = {each.place: each for each in row.looks.all()}
    return {
        "host": row.share_id,
        "public": picture.public,
        "places": [
            {
                "place": str(each.place),
                "seen_at": looks[each.place].seen_at.isoformat() if each.place in looks else None,
                "problem": "" if each.place in looks else why_not_read(each),
            }
            for each in targets_of(row)
        ],
        "parts": [
            {
                "label": each.seen.label,
                "role": each.guess.role,
                "certainty": each.guess.certainty.value,
                "eras": [era.value for era in each.guess.eras],
                "reasons": [*each.guess.reasons, *each.guess.contradicts],
                "domain": each.domain,
                "address": each.seen.address,
                "reached": list(each.reached),
                "recorded": list(each.recorded),
                "is_ours": each.seen.ours,
                "problem": each.seen.why_not,
            }
            for each in picture.parts
        ],
        "missing": list(picture.missing),
        "notices": [
            {
                "code": each.code,
                "weight": each.weight.value,
                "about": each.about,
                "sentence": each.sentence,
                "advice": each.advice,
            }
            for each in picture.notices
        ],
        "rules": [each.sentence for each in picture.led],
        "commands": list(lines_of_others(seen, picture, stack)) if stack is not None else [],
    }


def _show_adoption(found: Adoption) -> dict[str, Any]:
    return {
        "plan": found.digest,
        "parts": {each.role.name: each.row.name for each in found.taken},
        "services": dict(found.services),
        **{name: getattr(found, name) for name in ("submission_host", "selector", "git_address")},
        "lacking": [str(each) for each in found.lacking],
    }


def _wanted(actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    shares = access.visible_to(actor, HostShare)
    public = PublicAddress.objects.filter(share__in=shares, pk=given["public_address"]).first()
    if public is None:
        raise Absent
    services = {role: text for role, text in given["services"].items() if role in ROLES}
    return {"public": public, "services": services}


class InstallationPlans(ApiView):
    noun, tag = "installation_plan", "Mail stacks"

    @operation(
        "Which mail stack it would be, as it runs; nothing is written",
        request=AsItRuns,
        responses=AdoptionSerializer,
    )
    def plan_adoption(self, request: Request, domain: str) -> Response:
        given, home = self.body(AsItRuns), access.get(self.actor, Domain, name=domain)
        wanted = _wanted(self.actor, given)
        return self.act(
            lambda: in_its_field(
                given, lambda: preview_adoption(actor=self.actor, domain=home, **wanted), "services"
            ),
            _show_adoption,
        )


class Installations(ApiView):
    noun, tag = "installation", "Mail stacks"
    reported = frozenset({"places", "parts", "missing", "notices", "rules", "commands", "public"})

    def subject(self, domain: str) -> Subject:
        row = self._find(domain)
        return Subject([row.domain], lambda: _show(self.actor, self._find(domain)))

    def _find(self, domain: str) -> Survey:
        home = access.get(self.actor, Domain, name=domain)
        rows = Survey.objects.select_related("share__host", "share__sync_target", "domain__organization")
        row = rows.filter(domain=home).first()
        if row is None:
            raise Absent
        access.require(self.actor, access.Verb.VIEW, row.share)
        return row

    @operation("What was read of an installation that others made", responses=InstallationSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(_show(self.actor, self._find(domain)))

    @operation(
        "Have it read and explained; nothing outside is changed",
        request=InstallationLook,
        responses={202: InstallationSerializer},
    )
    def look_at_installation(self, request: Request, domain: str) -> Response:
        given, home = self.body(InstallationLook), access.get(self.actor, Domain, name=domain)
        share = access.get(self.actor, HostShare, pk=given["host"])
        return self.act(
            lambda: surveys.look_at_installation(actor=self.actor, domain=home, share=share),
            lambda row: _show(self.actor, row),
            status=202,
        )

    @operation(
        "Make it the domain's mail stack, as it runs",
        request=AdoptInstallation,
        responses={201: AdoptedSerializer},
    )
    def adopt_stack(self, request: Request, domain: str) -> Response:
        given, home = self.body(AdoptInstallation), access.get(self.actor, Domain, name=domain)
        wanted = _wanted(self.actor, given)

        def adopt() -> Stack:
            return stack_adoption.adopt_stack(actor=self.actor, domain=home, plan=given["plan"], **wanted)

        return self.act(lambda: in_its_field(given, adopt, "services"), self._adopted, status=201)

    @operation("Let Rookery write its rules, beside those of others", responses=AdoptedSerializer)
    def take_over_rules(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        row = access.visible_to(self.actor, Stack).filter(domain=home).first()
        if row is None:
            raise Absent
        return self.act(lambda: stack_adoption.take_over_rules(actor=self.actor, stack=row), self._adopted)

    def _adopted(self, row: Stack) -> dict[str, Any]:
        release = row.release
        return {
            "domain": row.domain.name,
            "release": release.number if release is not None else 0,
            "firewall": row.firewall,
            "target": None if self.dry else row.sync_target.pk,
        }
