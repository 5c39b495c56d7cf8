"""Unikernel images."""

from __future__ import annotations

import base64
import binascii
import builtins
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.body import FileParser, JSONParser, SentFile
from panel.api.etags import Subject
from panel.api.fields import (
    Choice,
    Identifier,
    Identifiers,
    PageQuery,
    QueryIdentifier,
    Shape,
    Switch,
    Text,
    WriteQuery,
)
from panel.api.schema import operation
from tenants import access
from tenants.actions import image_sharing
from tenants.actions import images as actions
from tenants.errors import Invalid, Problem
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Image, Organization

LARGEST_BODY = 64 << 20
_BESIDE = "Beside application/octet-stream."


class ImageParser(JSONParser):
    """Images are long: base64 of some 48 MiB at most, since all of it is in memory."""

    limit = LARGEST_BODY


class ImageFileParser(FileParser):
    limit = MOST_IMAGE


class DeviceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["network", "block"])


class ImageSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    organization = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Image.Role.choices)
    era = serializers.CharField()
    note = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField(help_text="In bytes, uncompressed.")
    target = serializers.CharField(help_text="hvt or spt run on albatross.")
    abi_version = serializers.IntegerField()
    machine = serializers.CharField()
    devices = DeviceSerializer(many=True)
    shared = serializers.BooleanField(help_text="Every organization may run it.")
    shared_with = serializers.ListField(
        child=serializers.IntegerField(), help_text="Organizations that may besides its own, for its owners."
    )
    created_at = serializers.DateTimeField()


class NewImage(Shape):
    organization = Identifier()
    contents = Text(
        max_length=LARGEST_BODY,
        help_text="The .hvt or .spt file in base64; also a zlib stream of it. Long ones as octets instead.",
    )
    name = Text(max_length=400)
    role = Choice(required=False, default=Image.Role.OTHER, choices=Image.Role.choices)
    era = Text(required=False, default="", max_length=400)
    note = Text(required=False, default="", max_length=2000)

    example = {"organization": 1, "contents": "f0VMRgIBAQ…", "name": "relay of 2025", "role": "relay"}


class SentImageQuery(WriteQuery):
    """What stands beside the file itself; a JSON body holds it."""

    organization = QueryIdentifier(help_text=f"{_BESIDE} Needed there.")
    name = Text(required=False, max_length=400, help_text=f"{_BESIDE} Needed there.")
    role = Choice(required=False, choices=Image.Role.choices, help_text=_BESIDE)
    era = Text(required=False, max_length=400, help_text=_BESIDE)
    note = Text(required=False, max_length=2000, help_text=_BESIDE)


class ImageNames(Shape):
    name = Text(required=False, max_length=400)
    role = Choice(required=False, choices=Image.Role.choices)
    era = Text(required=False, max_length=400)
    note = Text(required=False, max_length=2000)

    example = {"note": "Runs since May"}


class ImageShared(Shape):
    shared = Switch(help_text="With every organization.")
    organizations = Identifiers(
        required=False,
        max_length=image_sharing.MOST_CHOSEN,
        help_text="Those that may run it besides its own, exactly; left out: as they are.",
    )

    example = {"shared": False, "organizations": [2]}


class ImageQuery(PageQuery):
    organization = QueryIdentifier()


class Images(ApiView):
    noun, tag = "image", "Images"
    queries = {"list": ImageQuery, "create": SentImageQuery}
    parser_classes = [ImageParser, ImageFileParser]

    def get_parsers(self) -> builtins.list[BaseParser]:
        """A file is read where an image is made, and nowhere else."""
        action = getattr(self, "action", None) or self.action_map.get((self.request.method or "").lower())
        return super().get_parsers() if action == "create" else [JSONParser()]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as self.files:
            return super().dispatch(request, *args, **kwargs)

    def subject(self, image_id: int) -> Subject:
        row = access.get(self.actor, Image, pk=image_id)
        return Subject([row], lambda: self._show(access.get(self.actor, Image, pk=image_id)))

    def _show(self, row: Image) -> dict[str, Any]:
        fields = ("name", "role", "era", "note", "sha256", "size", "target", "abi_version", "machine")
        new = self.dry and self.action == "create"
        return {
            "id": None if new else row.pk,
            "organization": row.organization_id,
            **{name: getattr(row, name) for name in fields},
            "shared": row.shared,
            "shared_with": self._chosen(row),
            "created_at": row.created_at,
            "devices": [{"name": name, "kind": kind} for name, kind in row.devices],
        }

    def _chosen(self, row: Image) -> list[int]:
        """Who borrows an image is told to those who may change that, and to nobody else."""
        new = self.dry and self.action == "create"
        if new or not access.may(self.actor, access.Verb.CHANGE, row):
            return []
        return sorted(each.pk for each in row.shared_with.all())

    @operation("Images that you may run", responses=ImageSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, Image).prefetch_related("shared_with")
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        with access.asking_once():
            return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        f"Upload an image, as the file itself (at most {MOST_IMAGE >> 20} MiB, with the rest in the query)"
        " or in JSON; the same again gives the one that is there",
        request={"application/json": NewImage, "application/octet-stream": OpenApiTypes.BINARY},
        responses={201: ImageSerializer},
    )
    def create(self, request: Request) -> Response:
        contents, given = self._sent(request)
        home = access.get(self.actor, Organization, pk=given.pop("organization"))
        access.require_create(self.actor, access.Kind.IMAGE, home)

        def upload() -> Image:
            try:
                return actions.upload_image(actor=self.actor, organization=home, contents=contents, **given)
            except Invalid as error:
                raise Invalid(
                    Problem("contents" if each.field == "image" else each.field, each.problem, each.fix)
                    for each in error.problems
                ) from error

        return self.act(
            upload,
            self._show,
            status=201,
            location=lambda row: reverse("api:image", args=[row.pk]),
        )

    def _sent(self, request: Request) -> tuple[Iterable[bytes], dict[str, Any]]:
        """The image's bytes, and what was said beside them."""
        data: Any = request.data
        beside = {name: value for name, value in self.given.items() if name not in {"dry_run", "wait"}}
        if isinstance(data, SentFile) or request.content_type == FileParser.media_type:
            missing = [name for name in ("organization", "name") if not beside.get(name)]
            if missing:
                fix = "Write it into the query: ?organization=1&name=…"
                raise Invalid(Problem(name, "This parameter is missing.", fix) for name in missing)
            return (data.pieces() if isinstance(data, SentFile) else ()), beside
        if beside:
            raise Invalid.of(min(beside), "This stands beside a file only.", "Put it into the JSON body.")
        given = self.body(NewImage)
        try:
            return [base64.b64decode(given.pop("contents"), validate=True)], given
        except (binascii.Error, ValueError) as error:
            raise Invalid.of("contents", "This is not base64.", "Encode it: base64 -w0 FILE.") from error

    @operation("One of them", responses=ImageSerializer)
    def retrieve(self, request: Request, image_id: int) -> Response:
        return Response(self._show(access.get(self.actor, Image, pk=image_id)))

    @operation("Change what it is called", request=ImageNames, responses=ImageSerializer)
    def partial_update(self, request: Request, image_id: int) -> Response:
        given, row = self.body(ImageNames), access.get(self.actor, Image, pk=image_id)
        return self.act(lambda: actions.change_image(actor=self.actor, image=row, **given), self._show)

    @operation(
        "Let every organization run it, or chosen ones, or only its own; what runs goes on",
        request=ImageShared,
        responses=ImageSerializer,
    )
    def share_image(self, request: Request, image_id: int) -> Response:
        given, row = self.body(ImageShared), access.get(self.actor, Image, pk=image_id)
        return self.act(lambda: image_sharing.share_image(actor=self.actor, image=row, **given), self._show)

    @operation("Delete an image that nothing uses", responses={200: ImageSerializer, 204: None})
    def destroy(self, request: Request, image_id: int) -> Response:
        row = access.get(self.actor, Image, pk=image_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.delete_image(actor=self.actor, image=row), lambda _: shown, status=204
        )
