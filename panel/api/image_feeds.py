"""Jobs of builds servers that are watched, and what is done about the builds that they propose."""

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
from tenants.actions import image_feeds as actions
from tenants.formats.https_address import LONGEST
from tenants.models import Image, ImageFeed, Organization


class ImageFeedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    organization = serializers.IntegerField()
    url = serializers.CharField(help_text="Of the job.")
    role = serializers.ChoiceField(choices=Image.Role.choices)
    era = serializers.CharField()
    state = serializers.ChoiceField(choices=ImageFeed.State.choices)
    build = serializers.CharField(help_text="UUID of the newest build that was seen; empty: none.")
    file_name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the file of that build.")
    size = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    built_at = serializers.DateTimeField(allow_null=True)
    fetch = serializers.IntegerField(allow_null=True, help_text="The image fetch that was asked for.")
    problem = serializers.CharField(help_text="Of the last look; empty: none.")
    fix = serializers.CharField()
    looked_at = serializers.DateTimeField(allow_null=True)
    next_look_at = serializers.DateTimeField()


class NewImageFeed(Shape):
    organization = Identifier()
    url = Text(max_length=LONGEST * 2, help_text="The page of a job, on a build server of the list.")
    role = Choice(required=False, default=Image.Role.OTHER, choices=Image.Role.choices)
    era = Text(required=False, default="", max_length=400)

    example = {"organization": 1, "url": "https://builds.robur.coop/job/dns-resolver", "role": "resolver"}


class ImageFeedKind(Shape):
    role = Choice(required=False, choices=Image.Role.choices)
    era = Text(required=False, max_length=400)

    example = {"era": "2026"}


class SeenBuild(Shape):
    sha256 = Text(max_length=200, help_text="Of the build that was seen: another one is refused.")

    example = {"sha256": "0" * 64}


class FeedQuery(PageQuery):
    organization = QueryIdentifier()


class ImageFeeds(ApiView):
    noun, tag = "image_feed", "Images"
    queries = {"list": FeedQuery}
    reported = frozenset(
        {"state", "build", "file_name", "sha256", "size", "built_at", "fetch", "problem", "fix"}
        | {"looked_at", "next_look_at"}
    )

    def subject(self, feed_id: int) -> Subject:
        row = self._find(feed_id)
        return Subject([row], lambda: self._show(self._find(feed_id)))

    def _find(self, feed_id: int) -> ImageFeed:
        return access.get(self.actor, ImageFeed, pk=feed_id)

    def _show(self, row: ImageFeed) -> dict[str, Any]:
        fields = ("role", "era", "state", "build", "file_name", "sha256", "size", "built_at")
        reported = ("problem", "fix", "looked_at", "next_look_at")
        new = self.dry and self.action == "create"
        return {
            "id": None if new else row.pk,
            "organization": row.organization_id,
            "url": row.place.address,
            **{name: getattr(row, name) for name in (*fields, *reported)},
            "fetch": row.fetch_id,
        }

    @operation("Jobs of builds servers that are watched", responses=ImageFeedSerializer)
    def list(self, request: Request) -> Response:
        rows = access.visible_to(self.actor, ImageFeed)
        if "organization" in self.given:
            rows = rows.filter(organization=self.given["organization"])
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation("Watch one", request=NewImageFeed, responses={201: ImageFeedSerializer})
    def create(self, request: Request) -> Response:
        given = self.body(NewImageFeed)
        home = access.get(self.actor, Organization, pk=given.pop("organization"))
        return self.act(
            lambda: actions.add_feed(actor=self.actor, organization=home, **given),
            self._show,
            status=201,
            location=lambda row: reverse("api:image-feed", args=[row.pk]),
        )

    @operation("One of them", responses=ImageFeedSerializer)
    def retrieve(self, request: Request, feed_id: int) -> Response:
        return Response(self._show(self._find(feed_id)))

    @operation("Change what its images are for", request=ImageFeedKind, responses=ImageFeedSerializer)
    def partial_update(self, request: Request, feed_id: int) -> Response:
        given, row = self.body(ImageFeedKind), self._find(feed_id)
        return self.act(lambda: actions.change_feed(actor=self.actor, feed=row, **given), self._show)

    @operation("Watch it no more; its images stay", responses={200: ImageFeedSerializer, 204: None})
    def destroy(self, request: Request, feed_id: int) -> Response:
        row = self._find(feed_id)
        shown = self._show(row)
        return self.act(lambda: actions.remove_feed(actor=self.actor, feed=row), lambda _: shown, status=204)

    @operation("Look now whether there is a newer build", responses={202: ImageFeedSerializer})
    def look_at_feed(self, request: Request, feed_id: int) -> Response:
        row = self._find(feed_id)
        return self.act(lambda: actions.look_at_feed(actor=self.actor, feed=row), self._show, status=202)

    @operation(
        "Fetch the build that is proposed, or was ignored",
        request=SeenBuild,
        responses={202: ImageFeedSerializer},
    )
    def take_build(self, request: Request, feed_id: int) -> Response:
        given, row = self.body(SeenBuild), self._find(feed_id)
        return self.act(
            lambda: actions.take_build(actor=self.actor, feed=row, **given),
            lambda _: self._show(row),
            status=202,
        )

    @operation("Ignore the build that is proposed", request=SeenBuild, responses=ImageFeedSerializer)
    def ignore_build(self, request: Request, feed_id: int) -> Response:
        given, row = self.body(SeenBuild), self._find(feed_id)
        return self.act(lambda: actions.ignore_build(actor=self.actor, feed=row, **given), self._show)
