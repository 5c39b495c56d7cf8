"""Who else reads and writes zones: keys, secondary servers, and the repository with its primary."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import HIGHEST_PORT, Choice, Number, Shape, Switch, Text
from panel.api.repositories import HostKey, show_repository
from panel.api.schema import operation
from panel.api.zones import OfDomain
from tenants import access
from tenants.actions import repositories, secondaries, tsig_keys, zone_repositories
from tenants.actions.tsig_keys import NewKey
from tenants.errors import Absent
from tenants.models import Organization, PrimaryServer, Repository, SecondaryServer, TsigKey, Zone


class ZoneKeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField(help_text="Its full name, which says what it may do.")
    right = serializers.ChoiceField(choices=TsigKey.Right.choices)
    algorithm = serializers.CharField()
    every_zone = serializers.BooleanField(help_text="It covers every zone of the repository.")
    own = serializers.BooleanField(help_text="Rookery's own.")
    replaces = serializers.IntegerField(allow_null=True, help_text="The key that it follows; both work.")
    known = serializers.BooleanField(help_text="The primary was proved to know it.")
    removed = serializers.BooleanField(help_text="It is being removed.")


class NewZoneKeySerializer(ZoneKeySerializer):
    secret = serializers.CharField(allow_null=True, help_text="Told once; null in a dry run.")


class NewZoneKey(Shape):
    used_by = Text(max_length=100, help_text="The first part of its name: who uses it.")
    right = Choice(required=False, default=TsigKey.Right.UPDATE, choices=TsigKey.Right.choices)
    every_zone = Switch(required=False, default=False)

    example = {"used_by": "letsencrypt", "right": "update"}


def _show_key(key: TsigKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "name": key.name,
        "right": key.right,
        "algorithm": key.algorithm,
        "every_zone": key.zone_id is None,
        "own": key.own,
        "replaces": key.replaces_id,
        "known": not key.removed and key.generation <= key.repository.sync_target.observed_generation,
        "removed": key.removed,
    }


class ZoneKeys(OfDomain):
    noun, plural = "zone_key", "zone_keys"
    shown_once = frozenset({"secret"})

    @operation("Keys of a zone and of all zones of its repository", responses=ZoneKeySerializer)
    def list(self, request: Request, domain: str) -> Response:
        return self.page(self._of(self.find_zone(domain)), lambda found: [_show_key(each) for each in found])

    def _of(self, zone: Zone) -> Any:
        seen = access.visible_to(self.actor, TsigKey).filter(repository=zone.target.repository_id)
        return (seen.filter(zone=zone) | seen.filter(zone=None)).select_related("repository__sync_target")

    @operation(
        "Make a key; its secret is told once", request=NewZoneKey, responses={201: NewZoneKeySerializer}
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewZoneKey)
        zone = self.find_zone(domain)
        repository = _repository_of(zone)
        return self.act(
            lambda: tsig_keys.create_key(
                actor=self.actor,
                repository=repository,
                zone=None if given["every_zone"] else zone,
                used_by=given["used_by"],
                right=given["right"],
            ),
            self._show_new,
            status=201,
        )

    def _show_new(self, new: NewKey) -> dict[str, Any]:
        unreal = {"id": None, "secret": None} if self.dry else {"secret": new.secret}
        return {**_show_key(new.row), **unreal}

    def _find(self, domain: str, key_id: int) -> TsigKey:
        found: TsigKey | None = self._of(self.find_zone(domain)).filter(pk=key_id).first()
        if found is None:
            raise Absent
        return found

    @operation("Make the key that follows this one", responses={201: NewZoneKeySerializer})
    def rotate_key(self, request: Request, domain: str, key_id: int) -> Response:
        key = self._find(domain, key_id)
        return self.act(lambda: tsig_keys.rotate_key(actor=self.actor, key=key), self._show_new, status=201)

    @operation("Take a key from the primary", responses={200: ZoneKeySerializer, 204: None})
    def destroy(self, request: Request, domain: str, key_id: int) -> Response:
        key = self._find(domain, key_id)
        return self.act(
            lambda: tsig_keys.remove_key(actor=self.actor, key=key), lambda _: _show_key(key), status=204
        )


def _repository_of(zone: Zone) -> Repository:
    if zone.target.repository is None:
        raise Absent
    return zone.target.repository


class SecondarySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    host = serializers.CharField()
    address = serializers.CharField()
    transfer = serializers.ChoiceField(choices=SecondaryServer.Transfer.choices)
    key_name = serializers.CharField(allow_null=True, help_text="Of the key that it transfers with.")


class NewSecondarySerializer(SecondarySerializer):
    secret = serializers.CharField(allow_null=True, help_text="Of its key; told once.")


class NewSecondary(Shape):
    host = Text(max_length=400)
    address = Text(max_length=100)
    transfer = Choice(
        required=False, default=SecondaryServer.Transfer.KEY, choices=SecondaryServer.Transfer.choices
    )

    example = {"host": "ns6.gandi.net", "address": "217.70.177.40", "transfer": "open"}


def _show_server(row: SecondaryServer) -> dict[str, Any]:
    return {
        "id": row.pk,
        "host": row.host,
        "address": row.address,
        "transfer": row.transfer,
        "key_name": row.key.name if row.key else None,
    }


class Secondaries(OfDomain):
    noun, plural = "secondary", "secondaries"
    shown_once = frozenset({"secret"})

    @operation("Name servers that copy a zone", responses=SecondarySerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = self.find_zone(domain).secondaries.select_related("key")
        return self.page(rows, lambda found: [_show_server(each) for each in found])

    @operation(
        "Add one, with its NS record and address",
        request=NewSecondary,
        responses={201: NewSecondarySerializer},
    )
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewSecondary)
        zone = self.find_zone(domain)

        def show(made: tuple[SecondaryServer, NewKey | None]) -> dict[str, Any]:
            row, new = made
            secret = new.secret if new is not None and not self.dry else None
            return {**_show_server(row), **({"id": None} if self.dry else {}), "secret": secret}

        return self.act(
            lambda: secondaries.add_secondary(actor=self.actor, zone=zone, **given), show, status=201
        )

    @operation("Remove one, with its NS record and key", responses={200: SecondarySerializer, 204: None})
    def destroy(self, request: Request, domain: str, server_id: int) -> Response:
        row = self.find_zone(domain).secondaries.select_related("key", "zone").filter(pk=server_id).first()
        if row is None:
            raise Absent
        shown = _show_server(row)
        return self.act(
            lambda: secondaries.remove_secondary(actor=self.actor, server=row), lambda _: shown, status=204
        )


class PrimarySerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    port = serializers.IntegerField()
    grammar = serializers.ChoiceField(choices=PrimaryServer.Grammar.choices)


class ZoneRepositorySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    host = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    path = serializers.CharField()
    branch = serializers.CharField()
    primary = PrimarySerializer()
    public_key = serializers.CharField(allow_null=True, help_text="To be authorized on the git host.")
    host_key_fingerprint = serializers.CharField(allow_null=True)
    offered_host_key_fingerprint = serializers.CharField(allow_null=True)
    target = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewZoneRepository(Shape):
    host = Text(max_length=400)
    port = Number(required=False, default=22, min_value=1, max_value=HIGHEST_PORT)
    username = Text(required=False, default="git", max_length=400)
    path = Text(max_length=1000)
    branch = Text(required=False, default="main", max_length=400)
    address = Text(max_length=100, help_text="Of the primary that reads it.")
    primary_port = Number(required=False, default=53, min_value=1, max_value=HIGHEST_PORT)
    grammar = Choice(required=False, default=PrimaryServer.Grammar.NEW, choices=PrimaryServer.Grammar.choices)
    root_key = Text(
        required=False,
        max_length=2000,
        write_only=True,
        help_text="One that the primary knows and that covers every zone, as name:SHA256:secret.",
    )

    example = {"host": "git.example.org", "path": "zone.git", "address": "192.0.2.53"}


class NewPrimary(Shape):
    address = Text(max_length=100)
    port = Number(required=False, default=53, min_value=1, max_value=HIGHEST_PORT)
    grammar = Choice(required=False, default=PrimaryServer.Grammar.NEW, choices=PrimaryServer.Grammar.choices)

    example = {"address": "192.0.2.53"}


def _show(row: Repository) -> dict[str, Any]:
    shown = show_repository(row)
    del shown["domain"], shown["reload"]
    primary = {name: getattr(row.primary, name) for name in ("address", "port", "grammar")}
    return {**shown, "primary": primary}


class ZoneRepositories(ApiView):
    noun, plural, tag = "zone_repository", "zone_repositories", "Zones"
    reported = frozenset({"offered_host_key_fingerprint"})

    def subject(self, organization_id: int, repository_id: int) -> Subject:
        row = self._find(organization_id, repository_id)
        return Subject([row], lambda: _show(self._find(organization_id, repository_id)))

    @operation("Zone repositories of an organization", responses=ZoneRepositorySerializer)
    def list(self, request: Request, organization_id: int) -> Response:
        home = access.get(self.actor, Organization, pk=organization_id)
        rows = access.visible_to(self.actor, Repository).filter(organization=home, kind=Repository.Kind.ZONE)
        return self.page(
            rows.select_related("primary", "sync_target"), lambda found: [_show(each) for each in found]
        )

    @operation(
        "Connect one; the answer has our public key",
        request=NewZoneRepository,
        responses={201: ZoneRepositorySerializer},
    )
    def create(self, request: Request, organization_id: int) -> Response:
        given = self.body(NewZoneRepository)
        home = access.get(self.actor, Organization, pk=organization_id)

        def show(made: Repository) -> dict[str, Any]:
            unreal = {"id": None, "public_key": None, "target": None} if self.dry else {}
            return {**_show(made), **unreal}

        return self.act(
            lambda: zone_repositories.connect_zone_repository(actor=self.actor, organization=home, **given),
            show,
            status=201,
        )

    def _find(self, organization_id: int, repository_id: int) -> Repository:
        home = access.get(self.actor, Organization, pk=organization_id)
        return access.get(
            self.actor, Repository, organization=home, kind=Repository.Kind.ZONE, pk=repository_id
        )

    @operation("One of them", responses=ZoneRepositorySerializer)
    def retrieve(self, request: Request, organization_id: int, repository_id: int) -> Response:
        return Response(_show(self._find(organization_id, repository_id)))

    @operation("Correct its primary", request=NewPrimary, responses=ZoneRepositorySerializer)
    def change_primary(self, request: Request, organization_id: int, repository_id: int) -> Response:
        given = self.body(NewPrimary)
        row = self._find(organization_id, repository_id)
        return self.act(
            lambda: zone_repositories.change_primary(actor=self.actor, repository=row, **given),
            lambda _: _show(row),
        )

    @operation("Pin the host key that you compared", request=HostKey, responses=ZoneRepositorySerializer)
    def confirm_zone_host_key(self, request: Request, organization_id: int, repository_id: int) -> Response:
        given = self.body(HostKey)
        row = self._find(organization_id, repository_id)
        return self.act(
            lambda: repositories.confirm_host_key(
                actor=self.actor, repository=row, fingerprint_seen=given["fingerprint"]
            ),
            _show,
        )
