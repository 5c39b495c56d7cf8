"""One's own account, and the keys of one's programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Identifier, Number, Shape, Switch, Text, Texts
from panel.api.schema import operation
from tenants import access, token_scopes
from tenants.actions import accounts as actions
from tenants.actions import own_account
from tenants.actor import Actor
from tenants.errors import Absent, Invalid
from tenants.factors import factors_of, who_requires
from tenants.models import Account, ApiToken, Domain, Membership, Organization
from tenants.own_export import account_export


class TokenSerializer(serializers.Serializer[ApiToken]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    name = serializers.CharField()
    hint = serializers.CharField(allow_null=True, help_text="How its key begins.")
    organization = serializers.IntegerField(
        source="organization_id", allow_null=True, help_text="Where it may act; null: wherever you may."
    )
    domain = serializers.CharField(allow_null=True, help_text="The only domain that it knows; null: all.")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="What it knows; empty: all.")
    verbs = serializers.ListField(
        child=serializers.CharField(), help_text="What it may do besides seeing; empty: all that you may."
    )
    networks = serializers.ListField(
        child=serializers.CharField(), help_text="Where it may be used from; empty: anywhere."
    )
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of that name
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="Noted every five minutes at most; null: never."
    )
    idle_days = serializers.IntegerField(
        allow_null=True, help_text="It ends when nobody used it for so many days; null: never by that."
    )


class NewTokenSerializer(TokenSerializer):
    key = serializers.CharField(
        allow_null=True,
        help_text="Shown this once. Null in a dry run, and when asked again with the same Idempotency-Key.",
    )


class TokenWish(Shape):
    name = Text(max_length=400, help_text="To recognise it by.")
    organization = Identifier(required=False, allow_null=True, help_text="Let it act only there.")
    domain = Text(required=False, allow_null=True, max_length=253, help_text="Let it know only this domain.")
    kinds = Texts(required=False, max_length=20, help_text=f"Of: {', '.join(token_scopes.KINDS)}.")
    verbs = Texts(
        required=False, max_length=20, help_text=f"Besides seeing. Of: {', '.join(token_scopes.VERBS)}."
    )
    networks = Texts(required=False, max_length=20, help_text="Where it may be used from, e.g. 192.0.2.0/24.")
    read_only = Switch(required=False, default=False)  # type: ignore[assignment]
    days = Number(
        required=False,
        allow_null=True,
        default=90,
        min_value=1,
        max_value=token_scopes.LONGEST_DAYS,
        help_text="Null: never expires.",
    )
    idle_days = Number(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=token_scopes.LONGEST_DAYS,
        help_text="End it when unused for so many.",
    )

    example = {
        "name": "new addresses",
        "domain": "example.org",
        "kinds": ["mailbox"],
        "verbs": ["create"],
        "networks": ["192.0.2.0/24"],
        "days": 30,
        "idle_days": 7,
    }


class AccountMembershipSerializer(serializers.Serializer[Membership]):
    organization = serializers.IntegerField(source="organization_id")
    name = serializers.CharField(source="organization.name")
    role = serializers.ChoiceField(choices=Membership.Role.choices)


class FactorsSerializer(serializers.Serializer[Any]):
    required_by = serializers.CharField(
        allow_null=True, help_text="Who asks that you have a second factor; null: nobody."
    )
    authenticator_app = serializers.BooleanField()
    passkeys = serializers.ListField(child=serializers.CharField(), help_text="What you call them.")
    recovery_codes_left = serializers.IntegerField()


class AccountSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    name = serializers.CharField()
    is_operator = serializers.BooleanField()
    memberships = AccountMembershipSerializer(many=True)
    addresses = serializers.ListField(
        child=serializers.CharField(), help_text="The addresses that you hold, 200 at most."
    )
    second_factors = FactorsSerializer(help_text="Set up and removed in the panel only.")
    token = TokenSerializer(allow_null=True, help_text="What you signed in with; null for a browser.")


class HappenedSerializer(serializers.Serializer[Any]):
    complete = serializers.BooleanField(help_text="Whether these are all; else the latest.")
    events = serializers.ListField(child=serializers.DictField())


class ExportSerializer(serializers.Serializer[Any]):
    made_at = serializers.DateTimeField()
    account = serializers.DictField()
    memberships = serializers.ListField(child=serializers.DictField())
    keys_for_programs = serializers.ListField(
        child=serializers.DictField(), help_text="Empty for a token: it sees itself only."
    )
    requests = serializers.ListField(child=serializers.DictField())
    addresses = serializers.ListField(child=serializers.DictField())
    what_happened_to_them = HappenedSerializer()
    done_by_you = HappenedSerializer()


class Me(ApiView):
    noun, tag = "account", "Account"
    without_factor = frozenset({"retrieve"})
    reported = frozenset({"token"})
    fleeting = frozenset({"export"})

    @operation("Who you are here", responses=AccountSerializer)
    def retrieve(self, request: Request) -> Response:
        return Response(self._show(request))

    def _show(self, request: Request) -> dict[str, Any]:
        account = self.actor.account
        if account is None:
            raise Absent
        memberships = access.visible_to(self.actor, Membership).filter(account=account)
        held = access.held_mailboxes(self.actor)
        memberships = memberships.select_related("organization").order_by("organization__name")
        shown = [dict(AccountMembershipSerializer(each).data) for each in memberships]
        token = request.auth if isinstance(request.auth, ApiToken) else None
        return {
            "email": account.email,
            "name": account.name,
            "is_operator": self.actor.is_operator,
            "memberships": shown,
            "addresses": [str(each) for each in held.select_related("domain").order_by("pk")[:200]],
            "second_factors": self._factors(account),
            "token": dict(TokenSerializer(token).data) if token else None,
        }

    @staticmethod
    def _factors(account: Account) -> dict[str, Any]:
        factors = factors_of(account)
        return {
            "required_by": who_requires(account) or None,
            "authenticator_app": factors.app is not None,
            "passkeys": [each.name for each in factors.passkeys],
            "recovery_codes_left": factors.recovery_codes_left,
        }

    @operation(
        "Delete your account (in a browser only), and with it the addresses that only you hold",
        responses={200: AccountSerializer, 204: None},
    )
    def destroy(self, request: Request) -> Response:
        self.require_fresh()
        shown = self._show(request)
        return self.act(lambda: own_account.delete_account(actor=self.actor), lambda _: shown, status=204)

    @operation("Everything about you and your addresses, without secrets", responses=ExportSerializer)
    def export(self, request: Request) -> Response:
        return Response(account_export(self.actor))


def known_domain(actor: Actor, name: str | None) -> Domain | None:
    """The domain of that name, which narrows a token; raises Invalid where the actor sees none."""
    if name is None:
        return None
    # No name holds a NUL, and PostgreSQL refuses to look for one.
    domain = access.visible_to(actor, Domain).filter(name=name.lower().replace("\0", "�")).first()
    if domain is None:
        raise Invalid.of("domain", "There is no such domain for you.", "Name one that you see.")
    return domain


def made_token(shown: Mapping[str, Any], key: str, dry: bool) -> dict[str, Any]:
    """What is answered when a token was made, or would be."""
    unreal = {"id": None, "hint": None, "key": None} if dry else {"key": key}
    return {**shown, **unreal}


class Tokens(ApiView):
    noun, tag = "token", "Account"
    orders = {"-id": ("-pk",), "id": ("pk",)}
    shown_once = frozenset({"key"})
    reported = frozenset({"last_used_at"})

    def subject(self, token_id: int) -> Subject:
        row = self._visible().filter(pk=token_id).first()
        if row is None:
            raise Absent
        return Subject([row], lambda: dict(TokenSerializer(row).data))

    def _visible(self) -> QuerySet[ApiToken]:
        """One's own; a program sees itself only."""
        account = self.actor.account
        if account is None:
            raise Absent
        rows = ApiToken.objects.filter(account=account).select_related("domain")
        auth = self.request.auth
        return rows.filter(pk=auth.pk) if isinstance(auth, ApiToken) else rows

    @operation("Your tokens; a token sees only itself", responses=TokenSerializer)
    def list(self, request: Request) -> Response:
        return self.page(self._visible(), lambda found: [dict(TokenSerializer(each).data) for each in found])

    @operation(
        "Make a token (in a browser only: tokens make no tokens)",
        request=TokenWish,
        responses={201: NewTokenSerializer},
    )
    def create(self, request: Request) -> Response:
        self.require_fresh()
        given = self.body(TokenWish)
        wanted = given.pop("organization", None)
        organization = access.get(self.actor, Organization, pk=wanted) if wanted else None
        domain = known_domain(self.actor, given.pop("domain", None))
        return self.act(
            lambda: actions.create_token(actor=self.actor, organization=organization, domain=domain, **given),
            lambda made: made_token(TokenSerializer(made[0]).data, made[1], self.dry),
            status=201,
        )

    @operation("One of your tokens; a token finds only itself", responses=TokenSerializer)
    def retrieve(self, request: Request, token_id: int) -> Response:
        return Response(self._subject().show())

    @operation("Revoke a token", responses={200: TokenSerializer, 204: None})
    def destroy(self, request: Request, token_id: int) -> Response:
        shown = self._subject().show()
        return self.act(
            lambda: actions.revoke_token(actor=self.actor, token_id=token_id), lambda _: shown, status=204
        )
