"""Letters that are followed through a mail stack: where each was seen, and the lines that say so."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.canaries import WAYS
from panel.api.fields import Choice, PageQuery, Shape
from panel.api.schema import operation
from panel.api.stacks import StackView
from tenants.actions.letters import follow_letter
from tenants.errors import Absent
from tenants.formats.canary import Part
from tenants.formats.letters import State, Why
from tenants.letters import Step, followed
from tenants.models import CanaryRound, Stack

VERDICTS = ["asked", "waiting", "proved", "failed", "unknown"]


class LetterSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    way = serializers.ChoiceField(choices=WAYS, help_text="Into the domain, or out of it.")
    verdict = serializers.ChoiceField(
        choices=VERDICTS,
        help_text="asked: no worker has begun; waiting: it is under way; proved: it arrived; failed; "
        "unknown: nothing could be found out.",
    )
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    began_at = serializers.DateTimeField(help_text="When a worker began to send it; before that, asked_at.")
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When its verdict was found.")
    failed = serializers.ChoiceField(
        choices=["", *(each.value for each in Part)], help_text="The part at which it ended, if it failed."
    )
    problem = serializers.CharField(help_text="Why, or empty.")
    latency = serializers.IntegerField(
        allow_null=True, help_text="From the first byte to its arrival, in milliseconds."
    )


class AnswerSerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(help_text="Milliseconds since the connection stood.")
    asked = serializers.CharField(help_text="What it answers, without secrets; empty for a greeting.")
    said = serializers.CharField(help_text="Made harmless.")


class LetterLineSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="When it came, by the host's clock.")
    text = serializers.CharField()
    why = serializers.ChoiceField(
        choices=[each.value for each in Why],
        help_text="named: it has the letter's tag; peer: it is about the connection from the hop before; "
        "address: it names an address of the letter; perhaps: it came at that time, and may be of another.",
    )


class HopSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    title = serializers.CharField()
    address = serializers.CharField()
    unikernel = serializers.IntegerField(
        allow_null=True, help_text="Null for a service, for what is gone, and where you may not see it."
    )
    state = serializers.ChoiceField(
        choices=[each.value for each in State],
        help_text="seen; passed: nothing was seen here, and what comes after had it; unseen.",
    )
    at = serializers.DateTimeField(allow_null=True, help_text="By the host's clock.")
    after = serializers.IntegerField(
        allow_null=True, help_text="Milliseconds since the last hop before whose time is known."
    )
    received = serializers.CharField(help_text="The Received field that it wrote, or empty.")
    console = serializers.CharField(help_text="Why there is no console to look through, or empty.")
    lines = LetterLineSerializer(many=True)


class WholeLetterSerializer(LetterSerializer):
    answers = AnswerSerializer(many=True, help_text="Of the first server, in their order.")
    hops = HopSerializer(many=True)
    headers = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Name and text of what servers wrote on top of it, the last one first; made harmless.",
    )
    stuck = serializers.CharField(help_text="Where it was seen last and what to look at, if it was lost.")
    settled = serializers.BooleanField(help_text="Nothing more is expected: no arrival, and no late line.")


class Follow(Shape):
    way = Choice(choices=WAYS, help_text="Into the domain, or out of it.")

    example = {"way": "in"}


class LetterQuery(PageQuery):
    way = Choice(required=False, choices=WAYS)


class Letters(StackView):
    noun, plural = "letter", "letters"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": LetterQuery}

    @operation("Letters that were followed, the newest first; for two days", responses=LetterSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = CanaryRound.objects.filter(canary__stack=self._find(domain), asked_at__isnull=False)
        if "way" in self.given:
            rows = rows.filter(way=self.given["way"])
        return self.page(rows, lambda found: [_show(each) for each in found])

    @operation("One of them, hop by hop", responses=WholeLetterSerializer)
    def retrieve(self, request: Request, domain: str, letter_id: int) -> Response:
        return Response(self._whole(self._find(domain), letter_id))

    @operation(
        "Send a letter through the stack and follow it",
        request=Follow,
        responses={202: WholeLetterSerializer},
    )
    def follow_letter(self, request: Request, domain: str) -> Response:
        given, row = self.body(Follow), self._find(domain)
        return self.act(
            lambda: follow_letter(actor=self.actor, stack=row, way=given["way"]),
            lambda letter: self._whole(row, letter.pk),
            status=202,
            location=lambda letter: reverse("api:stack-letter", args=[domain, letter.pk]),
        )

    def _whole(self, stack: Stack, letter_id: int) -> dict[str, Any]:
        rows = CanaryRound.objects.select_related("canary__stack__domain", "canary__stack__share", "release")
        letter = rows.filter(pk=letter_id, canary__stack=stack, asked_at__isnull=False).first()
        if letter is None:
            raise Absent
        told = followed(self.actor, letter)
        return {
            **_show(letter),
            "answers": [dict(zip(("after", "asked", "said"), each, strict=True)) for each in letter.answers],
            "hops": [_step(each) for each in told.steps],
            "headers": letter.headers,
            "stuck": told.stuck,
            "settled": told.is_settled,
        }


def _show(row: CanaryRound) -> dict[str, Any]:
    names = ("way", "verdict", "asked_by", "failed", "problem", "latency")
    times = {name: getattr(row, name) for name in ("asked_at", "began_at", "ended_at")}
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names},
        **{name: at.isoformat() if at else None for name, at in times.items()},
    }


def _step(step: Step) -> dict[str, Any]:
    seen = step.seen
    return {
        "role": seen.hop.role,
        "title": seen.hop.title,
        "address": seen.hop.address,
        "unikernel": step.unikernel.pk if step.unikernel is not None else None,
        "state": seen.state.value,
        "at": seen.at.isoformat() if seen.at else None,
        "after": round(seen.after.total_seconds() * 1000) if seen.after is not None else None,
        "received": seen.stamp.text if seen.stamp else "",
        "console": step.console,
        "lines": [
            {
                "id": each.line.id,
                "at": each.line.at.isoformat(),
                "text": each.line.text,
                "why": each.why.value,
            }
            for each in seen.found
        ],
    }
