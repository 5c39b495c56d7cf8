"""What reads a relay repository: linked unikernels, which restart after a change."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Identifier, Shape
from panel.api.schema import operation
from tenants import access
from tenants.actions import readers as actions
from tenants.errors import Absent, Invalid
from tenants.models import Domain, Repository, RepositoryReader, Unikernel


class ReaderSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run that would link it.")
    unikernel = serializers.IntegerField()
    name = serializers.CharField(help_text="Of the unikernel.")
    role = serializers.ChoiceField(choices=RepositoryReader.Role.choices)
    wanted_commit = serializers.CharField(help_text="What was proved in the branch; empty until then.")
    read_commit = serializers.CharField(help_text="What it started with; empty while nobody knows.")
    waiting = serializers.BooleanField(help_text="Whether it has something to read.")
    urgent = serializers.BooleanField(help_text="It does not wait for a quiet moment.")
    restarts_at = serializers.DateTimeField(allow_null=True, help_text="Not before this; null for never.")
    held = serializers.CharField(help_text="Why it does not restart although it is due; else empty.")
    restarted_at = serializers.DateTimeField(allow_null=True)
    serving = serializers.ChoiceField(
        choices=[("", "not restarted yet"), *RepositoryReader.Serving.choices],
        help_text="Whether it answers on its port since its restart.",
    )
    serving_why = serializers.CharField(help_text="Why it is not known to serve; else empty.")


class RestartSerializer(serializers.Serializer[Any]):
    readers = ReaderSerializer(many=True, help_text="What restarts now.")


class NewReader(Shape):
    unikernel = Identifier(help_text="Of the same organization, and reading nothing yet.")
    role = Choice(choices=RepositoryReader.Role.choices)

    example = {"unikernel": 3, "role": "submission"}


class Readers(ApiView):
    noun, tag = "reader", "Repositories"
    reported = frozenset(ReaderSerializer().fields)

    def subject(self, domain: str, reader_id: int | None = None) -> Subject:
        row = self._find(domain, reader_id or 0)
        return Subject([row], lambda: self._show(row))

    def _repository(self, domain: str) -> Repository:
        home = access.get(self.actor, Domain, name=domain)
        return access.get(self.actor, Repository, domain=home)

    def _find(self, domain: str, reader_id: int) -> RepositoryReader:
        rows = RepositoryReader.objects.filter(repository=self._repository(domain)).select_related(
            "unikernel__share", "repository"
        )
        row = rows.filter(pk=reader_id).first()
        if row is None:
            raise Absent
        return row

    def _show(self, row: RepositoryReader) -> dict[str, Any]:
        return {
            "id": None if self.dry and self.action == "link_reader" else row.pk,
            "unikernel": row.unikernel_id,
            "name": str(row.unikernel),
            "role": row.role,
            "wanted_commit": row.wanted_commit,
            "read_commit": row.read_commit,
            "waiting": row.is_waiting,
            "urgent": row.urgent,
            "restarts_at": row.due_at if row.is_waiting else None,
            "held": row.held,
            "restarted_at": row.restarted_at,
            "serving": row.serving,
            "serving_why": row.serving_why,
        }

    @operation("What reads the relay repository of a domain", responses=ReaderSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = RepositoryReader.objects.filter(repository=self._repository(domain)).select_related(
            "unikernel"
        )
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        "Link a unikernel: it restarts after changes",
        request=NewReader,
        responses={201: ReaderSerializer},
    )
    def link_reader(self, request: Request, domain: str) -> Response:
        given, repository = self.body(NewReader), self._repository(domain)
        access.require(self.actor, access.Verb.CHANGE, repository)
        unikernel = access.visible_to(self.actor, Unikernel).filter(pk=given["unikernel"]).first()
        if unikernel is None:
            raise Invalid.of("unikernel", "There is no such unikernel.", "Send the id of one of yours.")
        return self.act(
            lambda: actions.link_reader(
                actor=self.actor, repository=repository, unikernel=unikernel, role=given["role"]
            ),
            self._show,
            status=201,
            location=lambda row: reverse("api:reader", args=[domain, row.pk]),
        )

    @operation("One of them", responses=ReaderSerializer)
    def retrieve(self, request: Request, domain: str, reader_id: int) -> Response:
        return Response(self._show(self._find(domain, reader_id)))

    @operation("Restart it no more after changes", responses={200: ReaderSerializer, 204: None})
    def destroy(self, request: Request, domain: str, reader_id: int) -> Response:
        row = self._find(domain, reader_id)
        shown = self._show(row)
        return self.act(
            lambda: actions.unlink_reader(actor=self.actor, reader=row), lambda _: shown, status=204
        )

    @operation("Restart now what has something to read", responses=RestartSerializer)
    def restart_readers(self, request: Request, domain: str) -> Response:
        repository = self._repository(domain)
        return self.act(
            lambda: actions.restart_readers(actor=self.actor, repository=repository),
            lambda rows: {"readers": [self._show(each) for each in rows]},
            tagged=False,
        )
