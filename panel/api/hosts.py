"""Hosts, as one organization has them: its part of each, with quota, networks and block volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import (
    HIGHEST_PORT,
    Choice,
    Identifier,
    Number,
    Numbers,
    PageQuery,
    QueryIdentifier,
    Shape,
    Text,
)
from panel.api.repositories import HostKey, shown_fingerprint
from panel.api.schema import operation
from tenants import access
from tenants.actions import host_shares, networks, volumes
from tenants.actions import hosts as actions
from tenants.errors import Absent
from tenants.formats.unikernels import ROOT_PATH
from tenants.models import Host, HostShare, Network, Organization, Volume


class HostSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Of this part. Null in a dry run.")
    name = serializers.CharField()
    organization = serializers.IntegerField(help_text="Whose part it is.")
    transport = serializers.ChoiceField(choices=Host.Transport.choices)
    path = serializers.CharField(
        help_text="In front of its unikernels' names on the host; “:” is the root path."
    )
    release = serializers.CharField(help_text="Of albatross, or newer; empty: not asked yet.")
    tenders = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="Of Solo5, such as solo5-hvt.2: images of these ABIs run there. Null: not known.",
    )
    most_unikernels = serializers.IntegerField()
    memory = serializers.IntegerField(help_text="In MB, of all its unikernels together.")
    storage = serializers.IntegerField(help_text="In MB, of all its block volumes.")
    cpuids = serializers.ListField(child=serializers.IntegerField())
    public_key = serializers.CharField(
        allow_null=True,
        help_text="To be authorized on the host. Null without SSH, or for guests.",
    )
    host_key_fingerprint = serializers.CharField(allow_null=True)
    offered_host_key_fingerprint = serializers.CharField(
        allow_null=True, help_text="Of the key that the host showed and that waits to be confirmed."
    )
    target = serializers.IntegerField(allow_null=True, help_text="Its sync target. Null in a dry run.")


class NetworkSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run.")
    bridge = serializers.CharField()
    subnet = serializers.CharField()
    gateway = serializers.CharField()
    first = serializers.CharField()
    last = serializers.CharField()
    addresses = serializers.DictField(
        child=serializers.CharField(), help_text="Who has which address: a unikernel's name by address."
    )


class VolumeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run.")
    label = serializers.CharField()  # type: ignore[assignment]
    size = serializers.IntegerField(help_text="In MB.")
    deleted = serializers.BooleanField(help_text="It is being deleted on the host.")


class NewHost(Shape):
    organization = Identifier()
    name = Text(max_length=400)
    transport = Choice(choices=Host.Transport.choices)
    host = Text(required=False, default="", max_length=400)
    port = Number(
        required=False,
        default=0,
        min_value=0,
        max_value=HIGHEST_PORT,
        help_text="0: 22 for SSH, 1025 for TLS.",
    )
    username = Text(required=False, default="", max_length=400)
    socket_folder = Text(required=False, default=actions.DEFAULT_FOLDER, max_length=1000)
    path = Text(
        required=False,
        default="",
        max_length=400,
        help_text="Made from the organization's name; “:” is the root path, without a label.",
    )
    server_ca = Text(required=False, default="", max_length=300_000, help_text="PEM; for TLS.")
    authority = Text(required=False, default="", max_length=300_000, help_text="PEM; for TLS.")
    authority_key = Text(
        required=False,
        default="",
        max_length=300_000,
        write_only=True,
        help_text="PEM; for TLS. Sealed at once, never shown.",
    )

    example = {
        "organization": 1,
        "name": "rock",
        "transport": "ssh",
        "host": "rock.example.org",
        "username": "rookery",
    }


class Quota(Shape):
    most_unikernels = Number(required=False, min_value=1, max_value=10_000)
    memory = Number(required=False, min_value=16, max_value=host_shares.MOST_MEMORY, help_text="In MB.")
    storage = Number(required=False, min_value=0, max_value=host_shares.MOST_STORAGE, help_text="In MB.")
    cpuids = Numbers(required=False, max_length=64)

    example = {"memory": 1024, "most_unikernels": 16}


class NewNetwork(Shape):
    bridge = Text(max_length=400)
    subnet = Text(max_length=400)
    gateway = Text(required=False, default="", max_length=400)
    first = Text(required=False, default="", max_length=400)
    last = Text(required=False, default="", max_length=400)

    example = {"bridge": "service", "subnet": "10.0.0.0/24"}


class NewVolume(Shape):
    label = Text(max_length=400)  # type: ignore[assignment]
    size = Number(min_value=1, help_text="In MB.")

    example = {"label": "mail", "size": 64}


class NewShare(Shape):
    organization = Identifier()
    path = Text(required=False, default="", max_length=400)

    example = {"organization": 2}


class OrganizationQuery(PageQuery):
    organization = QueryIdentifier()


class HostView(ApiView):
    noun, tag = "host", "Hosts"

    def _rows(self) -> QuerySet[HostShare]:
        rows = access.visible_to(self.actor, HostShare)
        return rows.select_related("host", "organization", "sync_target")

    def _find(self, share_id: int) -> HostShare:
        row = self._rows().filter(pk=share_id).first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: HostShare, *, made: bool = False) -> dict[str, Any]:
        host, unreal = row.host, made and self.dry
        runs_it = access.may(self.actor, access.Verb.VIEW, host)
        return {
            "id": None if unreal else row.pk,
            "name": host.name,
            "organization": row.organization_id,
            "transport": host.transport,
            "path": row.path or ROOT_PATH,
            "release": host.release,
            "tenders": host.tenders,
            "most_unikernels": row.most_unikernels,
            "memory": row.memory,
            "storage": row.storage,
            "cpuids": sorted(row.cpuids),
            "public_key": (host.public_key or None) if runs_it and not unreal else None,
            "host_key_fingerprint": shown_fingerprint(host.host_key) if runs_it else None,
            "offered_host_key_fingerprint": shown_fingerprint(host.offered_host_key) if runs_it else None,
            "target": None if unreal else row.sync_target.pk,
        }


class Hosts(HostView):
    queries = {"list": OrganizationQuery}
    reported = frozenset({"release", "tenders", "offered_host_key_fingerprint"})

    def subject(self, share_id: int) -> Subject:
        row = self._find(share_id)
        return Subject([row.host, row], lambda: self._show(self._find(share_id)))

    @operation("Your organizations' parts of hosts", responses=HostSerializer)
    def list(self, request: Request) -> Response:
        rows = self._rows()
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])

        def show(found: Sequence[HostShare]) -> list[dict[str, Any]]:
            with access.asking_once():
                return [self._show(each) for each in found]

        return self.page(rows, show)

    @operation("Connect a host", request=NewHost, responses={201: HostSerializer})
    def create(self, request: Request) -> Response:
        given = self.body(NewHost)
        home = access.get(self.actor, Organization, pk=given.pop("organization"))

        def part(made: Host) -> HostShare:
            return made.shares.select_related("host", "sync_target").get(organization=home)

        return self.act(
            lambda: part(actions.add_host(actor=self.actor, organization=home, **given)),
            lambda row: self._show(row, made=True),
            status=201,
            location=lambda row: reverse("api:host", args=[row.pk]),
        )

    @operation("One of them", responses=HostSerializer)
    def retrieve(self, request: Request, share_id: int) -> Response:
        return Response(self._show(self._find(share_id)))

    @operation("Forget a host on which Rookery runs nothing", responses={200: HostSerializer, 204: None})
    def destroy(self, request: Request, share_id: int) -> Response:
        row = self._find(share_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.remove_host(actor=self.actor, host=row.host), lambda _: shown, status=204
        )

    @operation("Pin the host key that you compared", request=HostKey, responses=HostSerializer)
    def pin_host_key(self, request: Request, share_id: int) -> Response:
        given, row = self.body(HostKey), self._find(share_id)
        return self.act(
            lambda: actions.pin_host_key(
                actor=self.actor, host=row.host, fingerprint_seen=given["fingerprint"]
            ),
            lambda _: self._show(self._find(share_id)),
        )

    @operation("Change the quota policy of this part", request=Quota, responses=HostSerializer)
    def change_quota(self, request: Request, share_id: int) -> Response:
        given, row = self.body(Quota), self._find(share_id)
        return self.act(lambda: host_shares.change_quota(actor=self.actor, share=row, **given), self._show)

    @operation(
        "Give another organization a part of the host", request=NewShare, responses={201: HostSerializer}
    )
    def share_host(self, request: Request, share_id: int) -> Response:
        given, row = self.body(NewShare), self._find(share_id)
        home = access.get(self.actor, Organization, pk=given["organization"])
        return self.act(
            lambda: host_shares.share_host(
                actor=self.actor, host=row.host, organization=home, path=given["path"]
            ),
            lambda made: self._show(made, made=True),
            status=201,
            location=lambda made: reverse("api:host", args=[made.pk]),
        )

    @operation("Take an empty part back", responses={200: HostSerializer, 204: None})
    def unshare_host(self, request: Request, share_id: int) -> Response:
        row = self._find(share_id)
        shown = self._show(row)
        return self.act(
            lambda: host_shares.unshare_host(actor=self.actor, share=row), lambda _: shown, status=204
        )


class HostNetworks(HostView):
    noun = "network"

    @operation("Its networks, and who has which address", responses=NetworkSerializer)
    def list(self, request: Request, share_id: int) -> Response:
        rows = self._find(share_id).networks.prefetch_related("addresses__unikernel")
        return self.page(rows, lambda found: [self._network(each) for each in found])

    @operation("Give it a bridge of the host", request=NewNetwork, responses={201: NetworkSerializer})
    def create(self, request: Request, share_id: int) -> Response:
        given, row = self.body(NewNetwork), self._find(share_id)
        return self.act(
            lambda: networks.add_network(actor=self.actor, share=row, **given), self._network, status=201
        )

    @operation("Take back a network that nobody uses", responses={200: NetworkSerializer, 204: None})
    def destroy(self, request: Request, share_id: int, network_id: int) -> Response:
        network = self._find(share_id).networks.filter(pk=network_id).first()
        if network is None:
            raise Absent
        network.share = self._find(share_id)
        shown = self._network(network)
        return self.act(
            lambda: networks.remove_network(actor=self.actor, network=network), lambda _: shown, status=204
        )

    def _network(self, row: Network) -> dict[str, Any]:
        fields = ("bridge", "subnet", "gateway", "first", "last")
        owners = {each.address: str(each.unikernel or each.note) for each in row.addresses.all()}
        new = self.dry and self.action == "create"
        told = {name: getattr(row, name) for name in fields}
        return {"id": None if new else row.pk, **told, "addresses": owners}


class HostVolumes(HostView):
    noun = "volume"

    @operation("Its block volumes", responses=VolumeSerializer)
    def list(self, request: Request, share_id: int) -> Response:
        rows = self._find(share_id).volumes.all()
        return self.page(rows, lambda found: [self._volume(each) for each in found])

    @operation("Make a block volume", request=NewVolume, responses={201: VolumeSerializer})
    def create(self, request: Request, share_id: int) -> Response:
        given, row = self.body(NewVolume), self._find(share_id)
        return self.act(
            lambda: volumes.add_volume(actor=self.actor, share=row, **given), self._volume, status=201
        )

    @operation(
        "Delete a block volume with all that is in it; nothing brings it back",
        responses={200: VolumeSerializer, 204: None},
    )
    def destroy(self, request: Request, share_id: int, volume_id: int) -> Response:
        volume = self._find(share_id).volumes.filter(pk=volume_id).first()
        if volume is None:
            raise Absent
        volume.share = self._find(share_id)
        shown = self._volume(volume)
        return self.act(
            lambda: volumes.delete_volume(actor=self.actor, volume=volume), lambda _: shown, status=204
        )

    def _volume(self, row: Volume) -> dict[str, Any]:
        new = self.dry and self.action == "create"
        told = {"label": row.label, "size": row.size, "deleted": row.deleted_at is not None}
        return {"id": None if new else row.pk, **told}
