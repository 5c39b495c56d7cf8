"""Preparing a host for albatross: what it lacks, and having exactly that done; operators do."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.etags import Subject
from panel.api.fields import Shape, Switch, Text
from panel.api.git_hosts import GitHostPlan
from panel.api.hosts import HostView
from panel.api.schema import operation
from tenants import access
from tenants.actions import preparations as actions
from tenants.host_readiness import readiness
from tenants.models import HostPreparation, HostShare


class ReadinessSerializer(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True, help_text="Null: nobody has seen it yet.")
    advice = serializers.CharField(help_text="What to do unless it is so.")


class PreparationStepSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    why = serializers.CharField()
    command = serializers.CharField(help_text="For root's POSIX shell; running it twice does no harm.")
    check = serializers.CharField(help_text="A read-only line for the same shell.")
    expected = serializers.CharField(help_text="What the check prints when it is so.")
    state = serializers.CharField(help_text="running, already, done, or empty.")
    said = serializers.CharField()


class PreparationSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=HostPreparation.State.choices)
    asked = serializers.ChoiceField(choices=HostPreparation.Ask.choices, allow_blank=True)
    sentence = serializers.CharField()
    right = serializers.ListField(child=serializers.CharField(), help_text="What is as it should be.")
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What only a person can change."
    )
    steps = PreparationStepSerializer(many=True)
    checksum = serializers.CharField(help_text="Identifies exactly these steps.")
    script = serializers.CharField(help_text="All of it, for a person to run as root.")
    username = serializers.CharField(help_text="The account that does it.")
    looked_at = serializers.DateTimeField(allow_null=True)
    readiness = ReadinessSerializer(many=True)


class PreparationLook(Shape):
    username = Text(max_length=400, help_text="The account that does it: root, or one that may use sudo.")
    key_fingerprint = Text(
        required=False,
        default="",
        max_length=200,
        help_text="Of the key that signs albatross's packages, 40 hex digits; empty: HTTPS is believed.",
    )
    with_git = Switch(required=False, default=True, help_text="Repositories are kept there too.")
    with_firewall = Switch(required=False, default=True, help_text="Rookery may keep firewall rules there.")

    example = {"username": "root"}


_SHOWN = ("state", "asked", "sentence", "right", "problems", "steps", "script", "username", "looked_at")


def _show(share: HostShare) -> dict[str, Any]:
    found = HostPreparation.objects.filter(host=share.host).first()
    row = found or HostPreparation(host=share.host)
    return {
        **{name: getattr(row, name) for name in _SHOWN},
        "checksum": row.plan,
        "readiness": [
            {"sentence": each.sentence, "ok": each.ok, "advice": "" if each.ok else each.advice}
            for each in readiness(share, found)
        ],
    }


class HostPreparations(HostView):
    noun = "host_preparation"
    reported = frozenset({*_SHOWN, "checksum", "readiness"})

    def subject(self, share_id: int) -> Subject:
        share = self._share(share_id)
        return Subject([share.host], lambda: _show(share))

    def _share(self, share_id: int) -> HostShare:
        """For those who run it."""
        share = self._find(share_id)
        access.require(self.actor, access.Verb.VIEW, share.host)
        return share

    @operation("Whether a host is ready, and what it lacks", responses=PreparationSerializer)
    def retrieve(self, request: Request, share_id: int) -> Response:
        return Response(_show(self._share(share_id)))

    @operation(
        "Have a worker look; nothing is changed",
        request=PreparationLook,
        responses={202: PreparationSerializer},
    )
    def look_at_preparation(self, request: Request, share_id: int) -> Response:
        given, share = self.body(PreparationLook), self._share(share_id)
        return self.act(
            lambda: actions.look_at_preparation(actor=self.actor, host=share.host, **given),
            lambda _: _show(share),
            status=202,
        )

    @operation(
        "Have exactly that plan done, as root", request=GitHostPlan, responses={202: PreparationSerializer}
    )
    def prepare_host(self, request: Request, share_id: int) -> Response:
        given, share = self.body(GitHostPlan), self._share(share_id)
        return self.act(
            lambda: actions.prepare_host(actor=self.actor, host=share.host, plan=given["checksum"]),
            lambda _: _show(share),
            status=202,
        )
