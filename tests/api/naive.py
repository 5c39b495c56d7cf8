"""The list as one would write it first: a ModelSerializer with the same authentication and columns (and no
states, which ours tells besides). For comparison."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from panel.api.authentication import actor_of
from panel.api.body import JSONParser
from tenants import access
from tenants.models import Domain, Mailbox, TargetAddress


class _Target(serializers.ModelSerializer[TargetAddress]):
    class Meta:
        model = TargetAddress
        fields = ("address", "confirmed_at", "exchange")


class _Mailbox(serializers.ModelSerializer[Mailbox]):
    address = serializers.CharField(source="__str__")
    domain = serializers.CharField(source="domain.name")
    targets = _Target(many=True)
    made_for = serializers.CharField(allow_null=True)

    class Meta:
        model = Mailbox
        fields = (
            "address",
            "domain",
            "kind",
            "enabled",
            "targets",
            "made_for",
            "expires_at",
            "note",
            "generation",
            "created_at",
            "changed_at",
            "trashed_at",
        )


class NaiveList(ListAPIView[Mailbox]):
    serializer_class = _Mailbox
    parser_classes = [JSONParser]
    pagination_class = None

    def get_queryset(self) -> Any:
        actor = actor_of(self.request)
        domain = access.get(actor, Domain, name=self.kwargs["domain"])
        rows = access.visible_to(actor, Mailbox).filter(domain=domain, trashed_at=None)
        return (
            rows.select_related("domain", "made_for__domain")
            .prefetch_related("targets")
            .order_by("local_part")[:100]
        )


urlpatterns = [
    path("api/", include("panel.api.urls")),
    path("naive/<str:domain>/", NaiveList.as_view()),
]
