"""Names that are held back."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import names as actions
from tenants.models import Domain, HeldName


class HeldNameSerializer(serializers.Serializer[HeldName]):
    """A name that is not simply given to whoever asks."""

    id = serializers.IntegerField(source="pk")
    local_part = serializers.CharField()
    kind = serializers.ChoiceField(choices=HeldName.Kind.choices)
    reason = serializers.CharField()
    since = serializers.DateTimeField()
    by = serializers.CharField(source="by_name", help_text="Who said so.")

    example = {
        "id": 7,
        "local_part": "ada.old",
        "kind": "never",
        "reason": "Known to spammers",
        "since": "2026-11-21T09:12:00Z",
        "by": "Alice",
    }


class NewHeldName(Shape):
    local_part = Text(max_length=400)
    kind = Choice(required=False, choices=HeldName.Kind.choices, help_text="Without it: never.")
    reason = Text(required=False, max_length=400)

    example = {"local_part": "ada.old", "kind": "never", "reason": "Known to spammers"}


def _show(row: HeldName) -> dict[str, Any]:
    return dict(HeldNameSerializer(row).data)


class HeldNames(ApiView):
    noun, plural, tag = "held_name", "held_names", "Domains"
    orders = {"name": ("local_part", "kind"), "-name": ("-local_part", "-kind")}

    def subject(self, domain: str, held_id: int) -> Subject:
        held = self._find(domain, held_id)
        return Subject([held], lambda: _show(held))

    @operation("Names of a domain that are held back", responses=HeldNameSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, HeldName).filter(domain=home)
        return self.page(rows, lambda found: [_show(each) for each in found])

    @operation("Hold a name back", request=NewHeldName, responses={201: HeldNameSerializer})
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewHeldName)
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: actions.hold_name(actor=self.actor, domain=home, **given),
            _show,
            status=201,
            location=lambda made: reverse("api:held-name", args=[domain, made.pk]),
        )

    @operation("One of them", responses=HeldNameSerializer)
    def retrieve(self, request: Request, domain: str, held_id: int) -> Response:
        return Response(_show(self._find(domain, held_id)))

    @operation(
        "Take a name off the list: it can be given again",
        responses={200: HeldNameSerializer, 204: None},
    )
    def destroy(self, request: Request, domain: str, held_id: int) -> Response:
        held = self._find(domain, held_id)
        shown = _show(held)
        return self.act(
            lambda: actions.release_name(actor=self.actor, held=held), lambda _: shown, status=204
        )

    def _find(self, domain: str, held_id: int) -> HeldName:
        return access.get(self.actor, HeldName, domain__name=domain, pk=held_id)
