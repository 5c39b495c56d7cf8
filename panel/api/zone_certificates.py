"""How the certificates in a zone stand."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.schema import operation
from panel.api.zones import OfDomain
from tenants.models import Certificate


class CertificateSerializer(serializers.Serializer[Certificate]):
    host = serializers.CharField()
    standing = serializers.ChoiceField(choices=Certificate.Standing.choices)
    since = serializers.DateTimeField(help_text="It stands so since then.")
    needs_somebody = serializers.BooleanField(
        source="worries", help_text="The machines had their time; a person should look."
    )
    sentence = serializers.CharField()
    fix = serializers.CharField(help_text="What to do about it; empty when nothing.")
    names = serializers.ListField(child=serializers.CharField(), help_text="Those that it is for.")
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    issuer = serializers.CharField()
    staging = serializers.BooleanField(help_text="From an authority for tests that nobody trusts.")
    fingerprint = serializers.CharField(help_text="SHA-256 in hex; empty while there is none.")
    looked_at = serializers.DateTimeField()


def _show(row: Certificate) -> dict[str, Any]:
    return dict(CertificateSerializer(row).data)


class ZoneCertificates(OfDomain):
    noun, plural = "zone_certificate", "zone_certificates"
    orders = {"host": ("host",), "-host": ("-host",)}

    @operation("Certificates that unikernels keep in a zone", responses=CertificateSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = self.find_zone(domain).certificates.all()
        return self.page(rows, lambda found: [_show(each) for each in found])
