"""Aliases and ends of addresses: making one, to which mailboxes it delivers, whom it reaches, how long."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Moment, Number, Shape, Switch, Text, Texts
from panel.api.mailboxes import MailboxSerializer, MailboxView
from panel.api.schema import operation
from tenants import access
from tenants.actions import alias_rules, expiry
from tenants.actions import aliases as actions
from tenants.errors import Absent
from tenants.models import AliasRules, Domain, Mailbox
from tenants.reach import Part, Reach, reach_of


class NewAlias(Shape):
    local_part = Text(max_length=400)
    delivers_to = Texts(
        required=False, max_length=500, help_text="Mailboxes of the domain, by name or whole address."
    )
    targets = Texts(required=False, help_text="Addresses elsewhere; each holder is asked by mail first.")
    note = Text(required=False, max_length=400)
    expires_at = Moment(
        required=False, allow_null=True, help_text="When it goes into the trash by itself; null: never."
    )

    example = {
        "local_part": "team",
        "delivers_to": ["ada"],
        "note": "Everybody at the desk",
        "expires_at": "2027-01-31T00:00:00Z",
    }


class Deliveries(Shape):
    delivers_to = Texts(max_length=500, help_text="All of them, in the order in which they are reached.")

    example = {"delivers_to": ["ada"]}


class End(Shape):
    expires_at = Moment(allow_null=True, help_text="Null: it does not end by itself.")

    example = {"expires_at": "2027-01-31T00:00:00Z"}


class PartSerializer(serializers.Serializer[Any]):
    address = serializers.CharField(allow_null=True, help_text="A mailbox; null: the alias's own targets.")
    targets = serializers.ListField(child=serializers.CharField(), help_text="Who confirmed.")
    waiting = serializers.ListField(child=serializers.CharField(), help_text="Who has not confirmed yet.")
    why_not = serializers.CharField(help_text="Why nothing of it is reached; empty when it is.")


class ReachSerializer(serializers.Serializer[Any]):
    """Whom an address reaches."""

    targets = serializers.ListField(child=serializers.CharField(), help_text="What its entry outside names.")
    parts = PartSerializer(many=True)

    example = {
        "targets": ["ada@home.example"],
        "parts": [
            {"address": None, "targets": [], "waiting": [], "why_not": "It has none of its own."},
            {
                "address": "ada@example.org",
                "targets": ["ada@home.example"],
                "waiting": ["second@home.example"],
                "why_not": "",
            },
        ],
    }


class DomainAliases(MailboxView):
    noun, plural, tag = "alias", "aliases", "Addresses"

    @operation(
        "Make an alias; whoever holds a mailbox may, within the domain's rules",
        request=NewAlias,
        responses={201: MailboxSerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewAlias)
        home = Domain.objects.select_related("organization").filter(name=domain).first()
        if home is None:
            raise Absent
        return self.write(
            lambda: actions.create_alias(actor=self.actor, domain=home, **given),
            _itself,
            status=201,
            place=True,
        )


class Aliases(MailboxView):
    noun, tag = "alias", "Addresses"

    @operation("Choose to which mailboxes an alias delivers", request=Deliveries, responses=MailboxSerializer)
    def set_deliveries(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(Deliveries)
        alias = self.find(address)
        return self.write(lambda: actions.change_deliveries(actor=self.actor, alias=alias, **given), _itself)

    @operation("Whom an address reaches, and why not", responses=ReachSerializer)
    def show_reach(self, request: Request, address: tuple[str, str]) -> Response:
        mailbox = self.find(address)
        found = reach_of(mailbox) or _plain(mailbox)
        domain = mailbox.domain.name
        parts = [
            {
                "address": f"{part.local_part}@{domain}" if part.local_part else None,
                "targets": list(part.targets),
                "waiting": list(part.waiting),
                "why_not": part.why_not,
            }
            for part in found.parts
        ]
        return Response({"targets": list(found.targets), "parts": parts})

    @operation("Say when an address ends by itself", request=End, responses=MailboxSerializer)
    def set_end(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(End)
        mailbox = self.find(address)
        return self.write(lambda: expiry.change_expiry(actor=self.actor, mailbox=mailbox, **given), _itself)

    @operation("Let an address that ends last longer", responses={200: MailboxSerializer})
    def extend(self, request: Request, address: tuple[str, str]) -> Response:
        mailbox = self.find(address)
        return self.write(lambda: expiry.extend_address(actor=self.actor, mailbox=mailbox), _itself)


def _itself(mailbox: Mailbox) -> Mailbox:
    return mailbox


def _plain(mailbox: Mailbox) -> Reach:
    """Of an address that delivers to no mailbox."""
    rows = list(mailbox.targets.order_by("pk"))
    targets = tuple(row.address for row in rows if row.confirmed_at)
    waiting = tuple(row.address for row in rows if not row.confirmed_at)
    return Reach(targets, (Part("", targets, waiting, "" if targets else "Nobody has confirmed yet."),))


# Rules ------------------------------------------------------------------------------------------------


class AliasRulesSerializer(serializers.Serializer[Any]):
    """What people may make themselves."""

    allowed = serializers.BooleanField()
    pattern = serializers.CharField(help_text="{own} is the name of the person's mailbox, * any characters.")
    most_each = serializers.IntegerField()
    longest_days = serializers.IntegerField(allow_null=True)

    example = {"allowed": True, "pattern": "{own}-*", "most_each": 10, "longest_days": 90}


class AliasRulesChange(Shape):
    allowed = Switch()
    pattern = Text(required=False, max_length=400)
    most_each = Number(required=False, min_value=1, max_value=alias_rules.MOST_EACH)
    longest_days = Number(required=False, allow_null=True, min_value=1, max_value=alias_rules.LONGEST_DAYS)

    example = {"allowed": True, "pattern": "{own}-*", "most_each": 10, "longest_days": 90}


def _show_rules(rules: AliasRules | None) -> dict[str, Any]:
    return {
        "allowed": rules is not None,
        "pattern": rules.pattern if rules else "",
        "most_each": rules.most_each if rules else 0,
        "longest_days": rules.longest_days if rules else None,
    }


class DomainAliasRules(ApiView):
    noun, tag = "alias_rules", "Domains"

    def subject(self, domain: str) -> Subject:
        row = access.get(self.actor, Domain, name=domain)
        return Subject([row], lambda: _show_rules(AliasRules.objects.filter(domain=row).first()))

    @operation("What people may make themselves", responses=AliasRulesSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(self._subject().show())

    @operation(
        "Say what people may make themselves", request=AliasRulesChange, responses=AliasRulesSerializer
    )
    def update(self, request: Request, domain: str) -> Response:
        given = self.body(AliasRulesChange)
        row = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: alias_rules.change_alias_rules(actor=self.actor, domain=row, **given), _show_rules
        )
