"""The relay repository of a domain: where it is, our public key for it, and its pinned host key."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import HIGHEST_PORT, Choice, Number, Shape, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions import readers
from tenants.actions import repositories as actions
from tenants.formats import restarts
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Repository


class RepositorySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    domain = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    path = serializers.CharField()
    branch = serializers.CharField()
    reload = serializers.ChoiceField(
        choices=Repository.Reload.choices, help_text="How the mail servers are restarted after a push."
    )
    public_key = serializers.CharField(
        allow_null=True,
        help_text="To be authorized on the git host. Null in a dry run: a key is made when it is real.",
    )
    host_key_fingerprint = serializers.CharField(
        allow_null=True, help_text="Of the pinned host key; null until a person confirmed one."
    )
    offered_host_key_fingerprint = serializers.CharField(
        allow_null=True, help_text="Of the key that the host showed and that waits to be confirmed."
    )
    target = serializers.IntegerField(
        allow_null=True, help_text="Its sync target. Null in a dry run that would connect it."
    )
    restart_quiet = serializers.IntegerField(
        help_text="Seconds without a change before what reads it restarts."
    )
    restart_apart = serializers.IntegerField(help_text="Seconds between two restarts, unless it is urgent.")
    created_at = serializers.DateTimeField()


class NewRepository(Shape):
    host = Text(max_length=400)
    port = Number(required=False, default=22, min_value=1, max_value=HIGHEST_PORT)
    username = Text(required=False, default="git", max_length=400)
    path = Text(max_length=1000)
    branch = Text(required=False, default="main", max_length=400)
    reload = Choice(required=False, default=Repository.Reload.HAND, choices=Repository.Reload.choices)

    example = {"host": "git.example.org", "path": "relay.git", "branch": "main"}


class RestartPace(Shape):
    restart_quiet = Number(min_value=0, max_value=restarts.LONGEST_QUIET, help_text="In seconds.")
    restart_apart = Number(
        min_value=restarts.SHORTEST_APART, max_value=restarts.LONGEST_APART, help_text="In seconds."
    )

    example = {"restart_quiet": 60, "restart_apart": 900}


class HostKey(Shape):
    fingerprint = Text(max_length=400, help_text="What you compared: SHA256:…")

    example = {"fingerprint": "SHA256:uNiVztksCsDhcc0u9e8BrXJQKJeQfZSKDmOKyZqO1GA"}


def shown_fingerprint(line: str) -> str | None:
    """Of a key line; None for none, and for one that cannot be read."""
    if not line:
        return None
    try:
        return fingerprint(line)
    except ValueError:
        return None


def show_repository(row: Repository) -> dict[str, Any]:
    """Its body; the private key is not even loaded by the web process's callers."""
    return {
        "id": row.pk,
        "domain": str(row.domain),
        "host": row.host,
        "port": row.port,
        "username": row.username,
        "path": row.path,
        "branch": row.branch,
        "reload": row.reload,
        "public_key": row.public_key,
        "host_key_fingerprint": shown_fingerprint(row.host_key),
        "offered_host_key_fingerprint": shown_fingerprint(row.offered_host_key),
        "target": row.sync_target.pk,
        "created_at": row.created_at,
    }


def show_relay(row: Repository) -> dict[str, Any]:
    """Of one that unikernels read: with the pace of their restarts."""
    pace = {"restart_quiet": row.restart_quiet, "restart_apart": row.restart_apart}
    return {**show_repository(row), **pace}


class Repositories(ApiView):
    noun, tag = "repository", "Repositories"
    reported = frozenset({"offered_host_key_fingerprint"})

    def subject(self, domain: str) -> Subject:
        row = self._find(domain)
        return Subject([row], lambda: show_relay(row))

    def _find(self, domain: str) -> Repository:
        home = access.get(self.actor, Domain, name=domain)
        return access.get(self.actor, Repository, domain=home)

    @operation("Where the users of a domain are written", responses=RepositorySerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(show_relay(self._find(domain)))

    @operation(
        "Connect it; the answer has our public key",
        request=NewRepository,
        responses={201: RepositorySerializer},
    )
    def connect_repository(self, request: Request, domain: str) -> Response:
        given = self.body(NewRepository)
        home = access.get(self.actor, Domain, name=domain)

        def show(made: Repository) -> dict[str, Any]:
            unreal = {"id": None, "public_key": None, "target": None} if self.dry else {}
            return {**show_relay(made), **unreal}

        return self.act(
            lambda: actions.connect_repository(actor=self.actor, domain=home, **given),
            show,
            status=201,
            location=lambda _: reverse("api:repository", args=[home.name]),
        )

    @operation(
        "Choose when what reads it restarts after a change",
        request=RestartPace,
        responses=RepositorySerializer,
    )
    def change_restart_pace(self, request: Request, domain: str) -> Response:
        given, row = self.body(RestartPace), self._find(domain)
        quiet, apart = given["restart_quiet"], given["restart_apart"]
        return self.act(
            lambda: readers.change_restart_pace(actor=self.actor, repository=row, quiet=quiet, apart=apart),
            show_relay,
        )

    @operation("Pin the host key that you compared", request=HostKey, responses=RepositorySerializer)
    def confirm_host_key(self, request: Request, domain: str) -> Response:
        given = self.body(HostKey)
        row = self._find(domain)
        return self.act(
            lambda: actions.confirm_host_key(
                actor=self.actor, repository=row, fingerprint_seen=given["fingerprint"]
            ),
            show_relay,
        )
