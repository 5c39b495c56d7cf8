"""Which certificate of a zone a unikernel uses, and its restart after a renewal."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import certificate_uses as actions
from tenants.errors import Absent, Invalid
from tenants.models import Certificate, CertificateUse, Unikernel, Zone


class CertificateUseSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField(help_text="Of the zone that has the certificate.")
    host = serializers.CharField()
    automatic = serializers.BooleanField(help_text="It restarts by itself after each renewal.")
    wanted = serializers.CharField(help_text="Fingerprint of the certificate that came last.")
    taken = serializers.CharField(help_text="Fingerprint of the one that it has.")
    waiting = serializers.BooleanField(help_text="Whether it needs a restart.")
    restarts_at = serializers.DateTimeField(allow_null=True, help_text="Not before this; null for never.")
    held = serializers.CharField(help_text="Why it does not restart although it is due; else empty.")
    restarted_at = serializers.DateTimeField(allow_null=True)


class CertificateUseWish(Shape):
    domain = Text(max_length=400, help_text="Of a zone of the same organization.")
    host = Text(max_length=400, help_text="A host for which that zone has a certificate.")
    automatic = Switch(required=False, default=False)

    example = {"domain": "example.org", "host": "smtp.example.org", "automatic": True}


class CertificateUses(ApiView):
    noun, tag = "certificate_use", "Unikernels"
    reported = frozenset({"wanted", "taken", "waiting", "restarts_at", "held", "restarted_at"})

    def subject(self, unikernel_id: int) -> Subject:
        row = self._use(unikernel_id)
        return Subject([row], lambda: self._show(row))

    def _unikernel(self, unikernel_id: int) -> Unikernel:
        rows = access.visible_to(self.actor, Unikernel).select_related("share__sync_target")
        row = rows.filter(pk=unikernel_id).first()
        if row is None:
            raise Absent
        return row

    def _use(self, unikernel_id: int) -> CertificateUse:
        """Not told to who may not see the zone."""
        rows = CertificateUse.objects.filter(
            unikernel=self._unikernel(unikernel_id), zone__in=access.visible_to(self.actor, Zone)
        )
        linked = rows.exclude(mode=CertificateUse.Mode.OFF)
        row = linked.select_related("zone__domain", "unikernel__share__sync_target").first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: CertificateUse) -> dict[str, Any]:
        return {
            "domain": row.zone.name,
            "host": row.host,
            "automatic": row.is_automatic,
            "wanted": row.wanted,
            "taken": row.taken,
            "waiting": row.is_waiting,
            "restarts_at": row.due_at if row.is_waiting else None,
            "held": row.held,
            "restarted_at": row.restarted_at,
        }

    @operation("Which certificate it uses", responses=CertificateUseSerializer)
    def retrieve(self, request: Request, unikernel_id: int) -> Response:
        return Response(self._show(self._use(unikernel_id)))

    @operation(
        "Say which certificate it uses, and whether it restarts by itself after a renewal",
        request=CertificateUseWish,
        responses=CertificateUseSerializer,
    )
    def link_certificate(self, request: Request, unikernel_id: int) -> Response:
        given, unikernel = self.body(CertificateUseWish), self._unikernel(unikernel_id)
        access.require(self.actor, access.Verb.CHANGE, unikernel)
        zone = access.visible_to(self.actor, Zone).filter(domain__name=given["domain"].lower()).first()
        if zone is None:
            raise Invalid.of("domain", "There is no such zone.", "Name a domain whose zone is kept here.")
        rows = Certificate.objects.filter(zone=zone, host=given["host"].lower())
        certificate = rows.select_related("zone__domain").first()
        if certificate is None:
            said = "There is no such certificate in that zone."
            raise Invalid.of("host", said, "See GET …/zone/certificates/ for those that are there.")
        return self.act(
            lambda: actions.link_certificate(
                actor=self.actor,
                unikernel=unikernel,
                certificate=certificate,
                automatic=given["automatic"],
            ),
            self._show,
        )

    @operation("Follow its certificate no more", responses={200: CertificateUseSerializer, 204: None})
    def destroy(self, request: Request, unikernel_id: int) -> Response:
        row = self._use(unikernel_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.unlink_certificate(actor=self.actor, use=row), lambda _: shown, status=204
        )

    @operation("Restart it now for its renewed certificate", responses=CertificateUseSerializer)
    def restart_for_certificate(self, request: Request, unikernel_id: int) -> Response:
        row = self._use(unikernel_id)
        return self.act(lambda: actions.restart_for_certificate(actor=self.actor, use=row), self._show)
