"""Handing a domain over: offered, taken back, accepted for an organization; by operators at once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Identifier, Number, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import domain_offers as actions
from tenants.belongings import Belongings, belongings_of
from tenants.errors import Absent, Invalid
from tenants.models import Domain, DomainOffer, Organization


class HindranceSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="stack, reader, zone or certificate.")
    problem = serializers.CharField()
    fix = serializers.CharField()


class BelongingsSerializer(serializers.Serializer[Any]):
    """What belongs to a domain, in sentences."""

    domain = serializers.CharField()
    organization = serializers.CharField(help_text="Whose it is.")
    addresses = serializers.IntegerField(help_text="They count in the quota of whoever gets it.")
    moves = serializers.ListField(child=serializers.CharField(), help_text="What goes along.")
    ends = serializers.ListField(child=serializers.CharField(), help_text="What does not.")


class OfferSerializer(BelongingsSerializer):
    hindrances = HindranceSerializer(many=True, help_text="What keeps it from being handed over.")
    email = serializers.CharField(allow_null=True, help_text="Whom it is for; empty: who has the code.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Null: it is not offered.")


class NewOfferSerializer(OfferSerializer):
    code = serializers.CharField(allow_null=True, help_text="Shown this once. Null in a dry run.")


class OfferWish(Shape):
    email = Text(required=False, max_length=400, help_text="Mail it there; only they can accept it.")
    days = Number(min_value=1, max_value=actions.MOST_DAYS, help_text="How long it stands.")

    example = {"email": "carol@works.example", "days": 14}


class TakeOver(Shape):
    code = Text(max_length=100, write_only=True, help_text="Of the offer, as its owner was shown it.")

    example = {"code": "b1XvGr2dQm0kq8yT3wS5nHc7uJ9oE4fZaLpRtYiVxAs"}


class HandOver(Shape):
    organization = Identifier(help_text="The id of the one that gets it.")

    example = {"organization": 8}


def _belongings(domain: Domain, found: Belongings) -> dict[str, Any]:
    told = {"moves": found.moves, "ends": found.ends, "addresses": found.addresses}
    return dict(
        BelongingsSerializer({"domain": str(domain), "organization": str(domain.organization), **told}).data
    )


def _offer(domain: Domain) -> dict[str, Any]:
    found = belongings_of(domain)
    row = DomainOffer.objects.filter(domain=domain).first()
    is_open = row is not None and row.is_open
    return {
        **_belongings(domain, found),
        "hindrances": [each.as_dict() for each in found.hindrances],
        "email": row.recipient if row is not None and is_open else None,
        "expires_at": row.expires_at if row is not None and is_open else None,
    }


class DomainOffers(ApiView):
    noun, tag = "offer", "Domains"
    shown_once = frozenset({"code"})

    def subject(self, domain: str) -> Subject:
        thing = access.get(self.actor, Domain, name=domain)
        # What keeps it names hosts and other domains of the organization.
        if not access.seen_inside(self.actor, [thing.organization]):
            raise Absent
        return Subject([thing], lambda: _offer(thing))

    def _thing(self, domain: str) -> Domain:
        """For owners: hindrances name what is theirs."""
        return access.get(self.actor, Domain, access.Verb.DELETE, name=domain)

    @operation("Whether a domain is offered, what goes along, and what keeps it", responses=OfferSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(self._subject().show())

    @operation(
        "Offer the domain to another organization",
        request=OfferWish,
        responses={201: NewOfferSerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(OfferWish)
        thing = self._thing(domain)
        return self.act(
            lambda: actions.offer_domain(actor=self.actor, domain=thing, **given),
            lambda made: {**_offer(thing), "code": None if self.dry else made.code},
            status=201,
            tagged=False,
        )

    @operation("Take the offer back", responses={200: OfferSerializer, 204: None})
    def destroy(self, request: Request, domain: str) -> Response:
        thing = self._thing(domain)
        if not DomainOffer.objects.filter(domain=thing).exists():
            raise Absent
        shown = _offer(thing)
        return self.act(
            lambda: actions.take_back_offer(actor=self.actor, domain=thing), lambda _: shown, status=204
        )


class DomainTakeOvers(ApiView):
    noun, tag = "domain", "Domains"

    @operation(
        "Accept an offered domain for this organization; a dry run tells what it gets",
        request=TakeOver,
        responses=BelongingsSerializer,
    )
    def accept(self, request: Request, organization_id: int) -> Response:
        given = self.body(TakeOver)
        self.require_fresh()
        home = access.get(self.actor, Organization, pk=organization_id)

        def act() -> dict[str, Any]:
            access.require_create(self.actor, access.Kind.DOMAIN, home)
            try:
                offer = actions.find_offer(self.actor, given["code"])
            except Absent:
                raise Invalid.of(
                    "code", "No offer that you can accept has this code.", "Ask whoever offers the domain."
                ) from None
            found = belongings_of(offer.domain)
            return _belongings(actions.accept_offer(actor=self.actor, organization=home, **given), found)

        return self.act(act, lambda shown: shown)

    @operation("Hand a domain over at once (operators)", request=HandOver, responses=BelongingsSerializer)
    def hand_over_domain(self, request: Request, domain: str) -> Response:
        given = self.body(HandOver)
        self.require_fresh()
        thing = access.get(self.actor, Domain, name=domain)
        access.require(self.actor, access.Verb.MANAGE, thing)
        home = access.get(self.actor, Organization, pk=given["organization"])

        def act() -> dict[str, Any]:
            found = belongings_of(thing)
            actions.hand_over_domain(actor=self.actor, domain=thing, organization=home)
            return _belongings(thing, found)

        return self.act(act, lambda shown: shown)
