"""Where mail goes: what there is to know about an address or a domain, and accepting a named risk."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.mailboxes import MailboxSerializer, MailboxView
from panel.api.schema import operation
from tenants import access, cautions
from tenants.actions import warnings
from tenants.models import Domain


class CautionSerializer(serializers.Serializer[cautions.Caution]):
    """Something to know about where mail goes; never a reason why a change was refused."""

    code = serializers.CharField(
        help_text="For programs: shared-exchange, loop, reused-passphrase, exchange-checking,"
        " exchange-shared, exchange-accepted, no-mx, null-mx, no-domain, no-answer, hosted-here or"
        " strict-dmarc."
    )
    sentence = serializers.CharField(help_text="For people.")
    serious = serializers.BooleanField(help_text="Whether mail is lost or goes astray.")
    target = serializers.CharField(help_text="The target that it is about; empty for the whole address.")
    since = serializers.DateTimeField(allow_null=True)
    addresses = serializers.ListField(
        child=serializers.CharField(), help_text="Others that it concerns, for those who run the address."
    )


class CautionsSerializer(serializers.Serializer[Any]):
    cautions = CautionSerializer(many=True, help_text="The serious ones first.")


class AddressCautionSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    code = serializers.CharField()
    sentence = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class HostCautionSerializer(serializers.Serializer[Any]):
    host = serializers.CharField(help_text="A domain that mail is sent on to.")
    targets = serializers.IntegerField(help_text="How many targets of the domain's addresses are there.")
    cautions = CautionSerializer(many=True)


class ChecksSerializer(serializers.Serializer[Any]):
    addresses = AddressCautionSerializer(many=True, help_text="The first hundred of each kind.")
    hosts = HostCautionSerializer(many=True)


class AddressCautions(MailboxView):
    noun, plural, tag = "caution", "cautions", "Addresses"

    @operation("What there is to know about where its mail goes", responses=CautionsSerializer)
    def retrieve(self, request: Request, address: tuple[str, str]) -> Response:
        found = cautions.address_cautions(self.actor, self.find(address))
        return Response(CautionsSerializer({"cautions": found}).data)

    @operation(
        "Send to a target although ptt's relay may mix it up with another: a named risk",
        responses=MailboxSerializer,
    )
    def accept(self, request: Request, address: tuple[str, str], target_address: str) -> Response:
        mailbox = self.find(address)
        return self.write(
            lambda: warnings.accept_shared_exchange(
                actor=self.actor, mailbox=mailbox, address=target_address
            ),
            lambda _: mailbox,
        )


class DomainChecks(ApiView):
    noun, plural, tag = "check", "checks", "Domains"

    @operation("What workers found out about where a domain's mail goes", responses=ChecksSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        thing = access.get(self.actor, Domain, name=domain)
        most = cautions.SHOWN_OF_DOMAIN
        found = [
            {"address": str(row.mailbox), "code": row.kind, "sentence": row.sentence, "since": row.since}
            for row in cautions.warnings_of(thing)[:most]
        ]
        found += [
            {
                "address": str(row.mailbox),
                "code": f"exchange-{row.exchange}",
                "sentence": f"{row.address}: {row.get_exchange_display()}.",
                "since": None,
            }
            for row in cautions.held_targets(thing)[:most]
        ]
        told = {"addresses": found, "hosts": cautions.host_cautions(thing)}
        return Response(ChecksSerializer(told).data)
