"""The DKIM keys of a domain."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import signing_keys as actions
from tenants.actions.signing_keys import NewSigningKey as Made
from tenants.models import Domain, SigningKey


class SigningKeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    selector = serializers.CharField()
    algorithm = serializers.ChoiceField(choices=SigningKey.Algorithm.choices)
    name = serializers.CharField(help_text="Of its TXT record, without a last dot.")
    public_key = serializers.CharField(
        help_text="What the record has after p=; empty until a worker computed it."
    )
    record = serializers.CharField(help_text="The text of its record, as ptt's signer writes it.")
    problem = serializers.CharField(help_text="Why it cannot be computed; else empty.")
    in_use = serializers.BooleanField(help_text="The checks expect it in the DNS.")
    created_at = serializers.DateTimeField()


class MadeSigningKeySerializer(SigningKeySerializer):
    seed = serializers.CharField(
        allow_null=True, help_text="Told once; empty if you gave it, null in a dry run."
    )


class NewSigningKey(Shape):
    selector = Text(max_length=100)
    algorithm = Choice(
        required=False, default=SigningKey.Algorithm.RSA_2048, choices=SigningKey.Algorithm.choices
    )
    seed = Text(
        required=False,
        default="",
        max_length=2000,
        write_only=True,
        help_text="Base64, of a signer that runs already; left out: one is made.",
    )

    example = {"selector": "s2026", "algorithm": "rsa-2048"}


class SigningKeyUse(Shape):
    in_use = Switch()

    example = {"in_use": False}


def _show(key: SigningKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "name": key.owner,
        "public_key": key.public_key,
        "record": key.record,
        "problem": key.problem,
        "in_use": key.retired_at is None,
        "created_at": key.created_at,
    }


class DomainSigningKeys(ApiView):
    noun, plural, tag = "signing_key", "signing_keys", "Domains"
    orders = {"selector": ("selector",), "-selector": ("-selector",)}
    shown_once = frozenset({"seed"})

    @operation("DKIM keys of a domain", responses=SigningKeySerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.visible_to(self.actor, SigningKey).filter(domain=home).select_related("domain")
        return self.page(rows, lambda found: [_show(each) for each in found])

    @operation(
        "Make a DKIM key; its seed is told once",
        request=NewSigningKey,
        responses={201: MadeSigningKeySerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewSigningKey)
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: actions.make_signing_key(actor=self.actor, domain=home, **given),
            self._show_new,
            status=201,
            location=lambda made: reverse("api:signing-key", args=[domain, made.row.pk]),
        )

    def _show_new(self, made: Made) -> dict[str, Any]:
        unreal = {"id": None, "seed": None} if self.dry else {"seed": made.seed}
        return {**_show(made.row), **unreal}


class SigningKeys(ApiView):
    noun, plural, tag = "signing_key", "signing_keys", "Domains"

    def subject(self, domain: str, signing_key_id: int) -> Subject:
        key = self._find(domain, signing_key_id)
        return Subject([key], lambda: _show(key))

    @operation("One of them", responses=SigningKeySerializer)
    def retrieve(self, request: Request, domain: str, signing_key_id: int) -> Response:
        return Response(_show(self._find(domain, signing_key_id)))

    @operation("Retire a key, or use it again", request=SigningKeyUse, responses=SigningKeySerializer)
    def partial_update(self, request: Request, domain: str, signing_key_id: int) -> Response:
        given = self.body(SigningKeyUse)
        key = self._find(domain, signing_key_id)
        return self.act(
            lambda: actions.switch_signing_key(actor=self.actor, key=key, in_use=given["in_use"]),
            lambda _: _show(key),
        )

    @operation("Forget a retired key and its seed", responses={200: SigningKeySerializer, 204: None})
    def destroy(self, request: Request, domain: str, signing_key_id: int) -> Response:
        key = self._find(domain, signing_key_id)
        shown = _show(key)
        return self.act(
            lambda: actions.remove_signing_key(actor=self.actor, key=key), lambda _: shown, status=204
        )

    def _find(self, domain: str, key_id: int) -> SigningKey:
        return access.get(self.actor, SigningKey, domain__name=domain, pk=key_id)
