"""What one was told, and how one wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Choice, Flag, Identifier, PageQuery, Shape
from panel.api.schema import operation
from tenants.actions import notices as actions
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import Notice
from tenants.notices import KINDS, Delivery, kinds_for


class NoticeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    organization = serializers.IntegerField(allow_null=True)
    domain = serializers.CharField(allow_null=True)
    line = serializers.CharField(help_text="What happened.")
    path = serializers.CharField(
        allow_null=True, help_text="Of the page in the panel; null when you may not see it any more."
    )
    at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class ReadSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread.")


class NoticeChoiceSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    title = serializers.CharField()
    sentence = serializers.CharField()
    delivery = serializers.ChoiceField(choices=Delivery.choices)
    default = serializers.ChoiceField(choices=Delivery.choices, help_text="How it comes unless you choose.")
    fixed = serializers.BooleanField(help_text="Whether nobody can switch it off.")


class NoticeChoicesSerializer(serializers.Serializer[Any]):
    kinds = NoticeChoiceSerializer(many=True, help_text="Those that you get, by what you are now.")


class NoticeQuery(PageQuery):
    unread = Flag(required=False, help_text="Only those that you have not read.")


class ReadWish(Shape):
    id = Identifier(required=False, help_text="Only this one.")
    up_to = Identifier(required=False, help_text="All up to this one. Neither: all.")

    example = {"up_to": 4711}


class ChoiceWish(Shape):
    kind = Choice(choices=[(name, name) for name, each in KINDS.items() if not each.fixed])
    delivery = Choice(choices=Delivery.choices)

    example = {"kind": "checks_turned", "delivery": "daily"}


class Notices(ApiView):
    """Of the person alone; a token that is narrowed has none."""

    noun, tag = "notice", "Account"
    queries = {"list": NoticeQuery}
    orders = {"-id": ("-pk",), "id": ("pk",)}

    @operation("What you were told, the newest first", responses=NoticeSerializer)
    def list(self, request: Request) -> Response:
        rows = actions.own_notices(self.actor).select_related("domain")
        if self.given.get("unread"):
            rows = rows.filter(read_at=None)
        return self.page(rows, partial(_shown, self.actor))

    @operation("Mark notices as read", request=ReadWish, responses=ReadSerializer)
    def mark_read(self, request: Request) -> Response:
        given = self.body(ReadWish)
        return self.act(
            lambda: actions.mark_notices_read(
                actor=self.actor, notice_id=given.get("id"), up_to=given.get("up_to")
            ),
            lambda read: {"read": read},
        )


def _shown(actor: Actor, found: Sequence[Notice]) -> list[Any]:
    seen = actions.still_seen(actor, found)
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "organization": row.organization_id,
            "domain": row.domain.name if row.domain is not None else None,
            "line": row.line,
            "path": row.path if row.pk in seen else None,
            "at": row.at,
            "read_at": row.read_at,
        }
        for row in found
    ]


class NoticeChoices(ApiView):
    noun, tag = "notice choice", "Account"

    @operation("How you are told of each kind", responses=NoticeChoicesSerializer)
    def retrieve(self, request: Request) -> Response:
        return Response(self._show())

    @operation("Choose how you are told of one kind", request=ChoiceWish, responses=NoticeChoicesSerializer)
    def choose(self, request: Request) -> Response:
        given = self.body(ChoiceWish)
        return self.act(
            lambda: actions.choose_notices(actor=self.actor, choices={given["kind"]: given["delivery"]}),
            lambda _: self._show(),
        )

    def _show(self) -> dict[str, Any]:
        account = self.actor.account
        if account is None:
            raise Absent
        chosen = actions.chosen_by(account)
        return {
            "kinds": [
                {
                    "kind": kind.name,
                    "title": str(kind.title),
                    "sentence": str(kind.sentence),
                    "delivery": chosen[kind.name],
                    "default": kind.default.value,
                    "fixed": kind.fixed,
                }
                for kind in kinds_for(account.pk)
            ]
        }
