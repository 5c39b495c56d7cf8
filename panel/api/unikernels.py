"""Unikernels: desired instances of images in an organization's part of a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import (
    Identifier,
    Number,
    Numbers,
    PageQuery,
    QueryIdentifier,
    Shape,
    Switch,
    Text,
    Texts,
)
from panel.api.schema import operation
from tenants import access
from tenants.actions import unikernels as actions
from tenants.actions.host_adoption import answer_add_name
from tenants.actions.unikernels import Chosen
from tenants.errors import Absent, Invalid
from tenants.models import HostShare, Image, Unikernel


class UnikernelSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would make it.")
    host = serializers.IntegerField(help_text="The part of a host that it belongs to.")
    name = serializers.CharField()
    full_name = serializers.CharField(help_text="As albatross writes it.")
    image = serializers.IntegerField()
    memory = serializers.IntegerField(help_text="In MB.")
    cpuid = serializers.IntegerField()
    networks = serializers.DictField(
        child=serializers.IntegerField(), help_text="The id of a network by the image's device."
    )
    addresses = serializers.DictField(child=serializers.CharField(), help_text="By device.")
    blocks = serializers.DictField(child=serializers.CharField(), help_text="A volume's label by device.")
    arguments = serializers.ListField(
        child=serializers.CharField(), help_text="With references: {secret:seed}, {address:service}."
    )
    secrets = serializers.ListField(child=serializers.CharField(), help_text="Their names only.")
    restart_on_exit = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="Null: never. Exit codes; none means all that albatross restarts.",
    )
    startup = serializers.IntegerField()
    add_name = serializers.BooleanField(
        allow_null=True,
        help_text=(
            "Albatross puts --name=… in front of the arguments. Null: it was taken over, and nobody said yet;"
            " until then it is neither replaced nor started."
        ),
    )
    running = serializers.BooleanField(help_text="Whether it should run.")
    generation = serializers.IntegerField(help_text="Of the sync target, when this was asked for.")
    observed = serializers.BooleanField(help_text="The host was compared since, and agrees.")
    ended_words = serializers.CharField(help_text="What it said last, when it ended right after its start.")


class ByDevice(serializers.DictField):
    """A JSON object of texts or ids."""

    default_error_messages = {"not_a_dict": "This is not an object.\nSend an object: {{…}}."}

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=False, **options)


class UnikernelWish(Shape):
    image = Identifier(required=False)
    memory = Number(required=False, min_value=1, max_value=1 << 20, help_text="In MB.")
    cpuid = Number(required=False, min_value=0, max_value=1023)
    networks = ByDevice(required=False, child=Identifier())
    addresses = ByDevice(required=False, child=Text(max_length=400))
    blocks = ByDevice(required=False, child=Text(max_length=400))
    arguments = Texts(required=False, child=Text(max_length=5000))
    secrets = ByDevice(
        required=False,
        child=Text(max_length=5000, allow_null=True),
        write_only=True,
        help_text="Null removes one.",
    )
    restart_on_exit = Numbers(required=False, allow_null=True, max_length=256)
    startup = Number(required=False, min_value=0, max_value=1000)

    example = {"memory": 64, "arguments": ["--ipv4={address:service}", "--seed={secret:seed}"]}


class NewUnikernel(UnikernelWish):
    name = Text(max_length=400)
    image = Identifier()

    example = {"name": "relay", "image": 3, "networks": {"service": 1}}


class NameAnswer(Shape):
    add_name = Switch()

    example = {"add_name": True}


class UnikernelQuery(PageQuery):
    host = QueryIdentifier()


class UnikernelView(ApiView):
    noun, tag = "unikernel", "Unikernels"

    def _rows(self) -> QuerySet[Unikernel]:
        rows = access.visible_to(self.actor, Unikernel)
        return rows.select_related(
            "image", "share__host", "share__organization", "share__sync_target"
        ).prefetch_related("secrets", "addresses")

    def _find(self, unikernel_id: int) -> Unikernel:
        row = self._rows().filter(pk=unikernel_id).first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: Unikernel) -> dict[str, Any]:
        target = row.share.sync_target
        left = row.name in target.proof.get("left", [])
        fields = ("name", "full_name", "memory", "cpuid", "startup", "add_name", "running")
        reported = ("generation", "ended_words")
        return {
            "id": None if self.dry and self.action == "create" else row.pk,
            "host": row.share_id,
            **{name: getattr(row, name) for name in (*fields, *reported)},
            "image": row.image_id,
            "networks": dict(row.networks),
            "addresses": {each.device: each.address for each in row.addresses.all()},
            "blocks": dict(row.blocks),
            "arguments": list(row.arguments),
            "secrets": sorted(each.name for each in row.secrets.all()),
            "restart_on_exit": row.restart_on_exit,
            "observed": row.generation <= target.observed_generation and not left,
        }

    def _chosen(self, share: HostShare, given: Mapping[str, Any]) -> Chosen:
        """Ids become rows that exist for this actor. Raises Invalid."""
        chosen: dict[str, Any] = dict(given)
        if "image" in chosen:
            image = access.visible_to(self.actor, Image).filter(pk=chosen["image"]).first()
            if image is None:
                raise Invalid.of("image", "There is no such image.", "Send the id of one of yours.")
            chosen["image"] = image
        if "networks" in chosen:
            known = {each.pk: each for each in share.networks.all()}
            missing = [device for device, pk in chosen["networks"].items() if pk not in known]
            if missing:
                said = f"There is no such network for {missing[0][:80]}."
                raise Invalid.of("networks", said, "Send the id of a network of this host.")
            chosen["networks"] = {device: known[pk] for device, pk in chosen["networks"].items()}
        return cast(Chosen, chosen)


class HostUnikernels(UnikernelView):
    @operation(
        "Make a unikernel; whether it fits is said first",
        request=NewUnikernel,
        responses={201: UnikernelSerializer},
    )
    def create(self, request: Request, share_id: int) -> Response:
        given = self.body(NewUnikernel)
        rows = access.visible_to(self.actor, HostShare).select_related("host", "organization", "sync_target")
        share, name = rows.filter(pk=share_id).first(), given.pop("name")
        if share is None:
            raise Absent
        access.require_create(self.actor, access.Kind.UNIKERNEL, share.organization)
        chosen = self._chosen(share, given)
        return self.act(
            lambda: actions.create_unikernel(actor=self.actor, share=share, name=name, **chosen),
            # Read anew: after waiting, workers have written since.
            lambda row: self._show(self._find(row.pk)),
            status=201,
            location=lambda row: reverse("api:unikernel", args=[row.pk]),
        )


class Unikernels(UnikernelView):
    queries = {"list": UnikernelQuery}
    reported = frozenset({"observed", "ended_words"})

    def subject(self, unikernel_id: int) -> Subject:
        row = self._find(unikernel_id)
        return Subject([row], lambda: self._show(self._find(unikernel_id)))

    @operation("All that you may see", responses=UnikernelSerializer)
    def list(self, request: Request) -> Response:
        rows = self._rows()
        if "host" in self.given:
            rows = rows.filter(share=self.given["host"])
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation("One of them", responses=UnikernelSerializer)
    def retrieve(self, request: Request, unikernel_id: int) -> Response:
        return Response(self._show(self._find(unikernel_id)))

    @operation("Change how it should run", request=UnikernelWish, responses=UnikernelSerializer)
    def partial_update(self, request: Request, unikernel_id: int) -> Response:
        given, row = self.body(UnikernelWish), self._find(unikernel_id)
        access.require(self.actor, access.Verb.CHANGE, row)
        chosen = self._chosen(row.share, given)
        return self.act(
            lambda: actions.change_unikernel(actor=self.actor, unikernel=row, **chosen),
            lambda _: self._show(self._find(unikernel_id)),
        )

    @operation("End it; all is kept for its next start", responses=UnikernelSerializer)
    def stop_unikernel(self, request: Request, unikernel_id: int) -> Response:
        row = self._find(unikernel_id)
        return self.act(lambda: actions.stop_unikernel(actor=self.actor, unikernel=row), self._show)

    @operation("Run it, also again after it ended by itself", responses=UnikernelSerializer)
    def start_unikernel(self, request: Request, unikernel_id: int) -> Response:
        row = self._find(unikernel_id)
        return self.act(lambda: actions.start_unikernel(actor=self.actor, unikernel=row), self._show)

    @operation(
        "Say whether albatross puts --name=… in front of its arguments; it counts from its next start",
        request=NameAnswer,
        responses=UnikernelSerializer,
    )
    def answer_add_name(self, request: Request, unikernel_id: int) -> Response:
        given, row = self.body(NameAnswer), self._find(unikernel_id)
        return self.act(
            lambda: answer_add_name(actor=self.actor, unikernel=row, add_name=given["add_name"]), self._show
        )

    @operation(
        "End it for good; its row goes when that was proved", responses={200: UnikernelSerializer, 204: None}
    )
    def destroy(self, request: Request, unikernel_id: int) -> Response:
        row = self._find(unikernel_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.delete_unikernel(actor=self.actor, unikernel=row), lambda _: shown, status=204
        )
