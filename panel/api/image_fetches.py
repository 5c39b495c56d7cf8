"""Images by URL, and the build servers that they may come from."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Identifier, PageQuery, QueryIdentifier, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import image_fetches as actions
from tenants.errors import Absent
from tenants.formats.https_address import LONGEST
from tenants.models import BuildServer, Image, ImageFetch, Organization


class BuildServerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run.")
    name = serializers.CharField(help_text="Its host name.")
    note = serializers.CharField()


class ImageFetchSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    organization = serializers.IntegerField()
    url = serializers.CharField()
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="That the image must have; empty: any.")
    state = serializers.ChoiceField(choices=ImageFetch.State.choices)
    received = serializers.IntegerField(help_text="In bytes.")
    length = serializers.IntegerField(allow_null=True, help_text="In bytes, where the server says so.")
    problem = serializers.CharField(help_text="Why it failed; else empty.")
    fix = serializers.CharField()
    image = serializers.IntegerField(allow_null=True, help_text="Once it is there.")
    created_at = serializers.DateTimeField()


class NewBuildServer(Shape):
    name = Text(max_length=400)
    note = Text(required=False, default="", max_length=400)

    example = {"name": "builds.robur.coop"}


class NewImageFetch(Shape):
    organization = Identifier()
    url = Text(max_length=LONGEST * 2, help_text="https, on a build server of the list.")
    sha256 = Text(required=False, default="", max_length=200, help_text="Nothing else is kept then.")
    name = Text(required=False, default="", max_length=400, help_text="Left out: as the file is called.")
    role = Choice(required=False, default=Image.Role.OTHER, choices=Image.Role.choices)
    era = Text(required=False, default="", max_length=400)
    note = Text(required=False, default="", max_length=2000)

    example = {"organization": 1, "url": "https://builds.robur.coop/job/relay/build/latest/f/bin/relay.hvt"}


class FetchQuery(PageQuery):
    organization = QueryIdentifier()


class BuildServers(ApiView):
    noun, tag = "build_server", "Images"

    @operation("Build servers that images may be fetched from", responses=BuildServerSerializer)
    def list(self, request: Request) -> Response:
        return self.page(BuildServer.objects.all(), lambda found: [self._show(each) for each in found])

    @operation(
        "Let images be fetched from one", request=NewBuildServer, responses={201: BuildServerSerializer}
    )
    def create(self, request: Request) -> Response:
        given = self.body(NewBuildServer)
        return self.act(lambda: actions.add_build_server(actor=self.actor, **given), self._show, status=201)

    @operation("Fetch nothing from it any more", responses={200: BuildServerSerializer, 204: None})
    def destroy(self, request: Request, build_server_id: int) -> Response:
        row = BuildServer.objects.filter(pk=build_server_id).first()
        if row is None:
            raise Absent
        shown = self._show(row)
        return self.act(
            lambda: actions.remove_build_server(actor=self.actor, server=row), lambda _: shown, status=204
        )

    def _show(self, row: BuildServer) -> dict[str, Any]:
        new = self.dry and self.action == "create"
        return {"id": None if new else row.pk, "name": row.name, "note": row.note}


class ImageFetches(ApiView):
    noun, plural, tag = "image_fetch", "image_fetches", "Images"
    queries = {"list": FetchQuery}
    reported = frozenset({"state", "received", "length", "problem", "fix", "image"})

    def subject(self, fetch_id: int) -> Subject:
        row = access.get(self.actor, ImageFetch, pk=fetch_id)
        return Subject([row], lambda: self._show(access.get(self.actor, ImageFetch, pk=fetch_id)))

    def _show(self, row: ImageFetch) -> dict[str, Any]:
        fields = ("url", "name", "sha256", "state", "received", "length", "problem", "fix", "created_at")
        new = self.dry and self.action == "create"
        return {
            "id": None if new else row.pk,
            "organization": row.organization_id,
            **{name: getattr(row, name) for name in fields},
            "image": row.image_id,
        }

    @operation("Images that are being fetched, or were within a week", responses=ImageFetchSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, ImageFetch)
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        "Fetch an image from a build server", request=NewImageFetch, responses={202: ImageFetchSerializer}
    )
    def create(self, request: Request) -> Response:
        given = self.body(NewImageFetch)
        home = access.get(self.actor, Organization, pk=given.pop("organization"))
        return self.act(
            lambda: actions.fetch_image(actor=self.actor, organization=home, **given),
            self._show,
            status=202,
            location=lambda row: reverse("api:image-fetch", args=[row.pk]),
        )

    @operation("How far one is", responses=ImageFetchSerializer)
    def retrieve(self, request: Request, fetch_id: int) -> Response:
        return Response(self._show(access.get(self.actor, ImageFetch, pk=fetch_id)))

    @operation("Try once more what failed", responses={202: ImageFetchSerializer})
    def fetch_image_again(self, request: Request, fetch_id: int) -> Response:
        row = access.get(self.actor, ImageFetch, pk=fetch_id)
        return self.act(
            lambda: actions.fetch_image_again(actor=self.actor, fetch=row), self._show, status=202
        )
