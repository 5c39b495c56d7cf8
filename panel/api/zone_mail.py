"""The records that a domain's mail needs, computed: what the zone lacks of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.fields import Choice, Flag, Shape, Text
from panel.api.schema import operation
from panel.api.zones import OfDomain
from tenants.formats.zones.mail_records import DMARC_POLICIES, sts_policy
from tenants.formats.zones.stored import owner_text
from tenants.mail_proposals import MailPlan, plan_mail, usual_wish

_WISHES = ("host", "addresses", "senders", "policy", "reports", "issuer", "strict_tls")


class MailQuery(Shape):
    host = Text(
        required=False,
        max_length=253,
        help_text="That takes the mail, in full; left out: as the zone has it.",
    )
    addresses = Text(required=False, max_length=900, help_text="Its IP addresses, commas between them.")
    senders = Text(required=False, max_length=900, help_text="Names for SPF of who else may send.")
    policy = Choice(
        choices=[(policy, policy) for policy in DMARC_POLICIES],
        required=False,
        help_text="Of DMARC; left out: none.",
    )
    reports = Text(required=False, max_length=254, help_text="The mail address that reports go to.")
    issuer = Text(required=False, max_length=253, help_text="Who may issue certificates.")
    strict_tls = Flag(required=False, help_text="Announce MTA-STS.")


class ProposalSerializer(serializers.Serializer[Any]):
    owner = serializers.CharField(help_text="A name in full, without a last dot.")
    type = serializers.CharField()
    records = serializers.ListField(
        child=serializers.CharField(), help_text="All of the set, as changes of record sets take them."
    )
    about = serializers.CharField()
    why = serializers.CharField()
    held = serializers.CharField(help_text="Why it cannot be set; else empty.")


class PredictedKeySerializer(serializers.Serializer[Any]):
    owner = serializers.CharField(help_text="A name in full, without a last dot.")
    text = serializers.CharField(help_text="What the signer writes there.")
    seen = serializers.ChoiceField(
        choices=[("equal", "equal"), ("other", "another key"), ("", "none")],
        help_text="What the zone has there.",
    )


class ZoneMailSerializer(serializers.Serializer[Any]):
    host = serializers.CharField(help_text="In full, without a last dot.")
    addresses = serializers.ListField(child=serializers.CharField())
    record_sets = ProposalSerializer(many=True, help_text="Those that differ. None is set here.")
    dkim = serializers.ListField(child=serializers.CharField(), help_text="Names with DKIM keys.")
    predicted_keys = PredictedKeySerializer(many=True, help_text="Of signers, from their seeds.")
    mta_sts_policy = serializers.CharField(help_text="What mta-sts of the domain serves; else empty.")


class ZoneMail(OfDomain):
    noun = "zone_mail"
    queries = {"show_zone_mail": MailQuery}

    @operation("What the zone lacks for the domain's mail", responses=ZoneMailSerializer)
    def show_zone_mail(self, request: Request, domain: str) -> Response:
        zone = self.find_zone(domain)
        wish = {**usual_wish(zone), **{name: self.given[name] for name in _WISHES if name in self.given}}
        wish["host"] = wish["host"].removesuffix(".") + "."
        return Response(_show(plan_mail(zone, **wish)))


def _show(plan: MailPlan) -> dict[str, Any]:
    return {
        "host": owner_text(plan.wish.host),
        "addresses": [str(each) for each in plan.wish.addresses],
        "record_sets": [
            {
                "owner": each.proposal.owner,
                "type": each.proposal.type,
                "records": list(each.proposal.data),
                "about": each.proposal.about,
                "why": each.proposal.why,
                "held": each.held,
            }
            for each in plan.proposed
        ],
        "dkim": list(plan.dkim),
        "predicted_keys": [asdict(each) for each in plan.predicted],
        "mta_sts_policy": sts_policy(plan.wish) if plan.wish.strict_tls else "",
    }
