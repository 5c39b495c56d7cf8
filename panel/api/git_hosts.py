"""The git host of a repository: how it is set up there, and having it set up as was shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Shape, Text, Texts
from panel.api.schema import operation
from tenants import access
from tenants.actions import git_hosts
from tenants.models import HostSetup, Organization, Repository


class SetupStepSerializer(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    command = serializers.CharField(help_text="For a POSIX shell; running it twice does no harm.")


class GitHostSerializer(serializers.Serializer[Any]):
    repository = serializers.IntegerField()
    state = serializers.ChoiceField(choices=HostSetup.State.choices)
    asked = serializers.ChoiceField(
        choices=HostSetup.Ask.choices,
        allow_blank=True,
        help_text="What a worker is asked for; empty: nothing.",
    )
    sentence = serializers.CharField()
    right = serializers.ListField(child=serializers.CharField(), help_text="What is as it should be.")
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What only a person can change."
    )
    steps = SetupStepSerializer(many=True)
    checksum = serializers.CharField(help_text="Identifies exactly these steps.")
    looked_at = serializers.DateTimeField(allow_null=True)


def _keys(help_text: str) -> Texts:
    return Texts(
        child=Text(max_length=git_hosts.MOST_KEY_TEXT),
        max_length=git_hosts.MOST_KEYS,
        help_text=help_text,
    )


class GitHostLook(Shape):
    readers = _keys("Public keys of SSH that shall fetch from this repository and do nothing else.")
    writers = _keys("Those that shall push to it, too.")

    example = {
        "readers": [],
        "writers": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"],
    }


class GitHostPlan(Shape):
    checksum = Text(max_length=100, help_text="Of the steps that you read.")

    example = {"checksum": "c" * 64}


_SHOWN = ("state", "asked", "sentence", "right", "problems", "steps", "looked_at")


def _show(repository: Repository) -> dict[str, Any]:
    row = HostSetup.objects.filter(repository=repository).first() or HostSetup(repository=repository)
    return {
        "repository": repository.pk,
        **{name: getattr(row, name) for name in _SHOWN},
        "checksum": row.plan,
    }


class GitHosts(ApiView):
    noun, tag = "git_host", "Repositories"
    reported = frozenset({*_SHOWN, "checksum"})

    def subject(self, organization_id: int, repository_id: int) -> Subject:
        row = self._find(organization_id, repository_id)
        return Subject([row], lambda: _show(row))

    def _find(self, organization_id: int, repository_id: int) -> Repository:
        home = access.get(self.actor, Organization, pk=organization_id)
        return access.get(self.actor, Repository, organization=home, pk=repository_id)

    @operation("How a repository is set up on its git host", responses=GitHostSerializer)
    def retrieve(self, request: Request, organization_id: int, repository_id: int) -> Response:
        return Response(_show(self._find(organization_id, repository_id)))

    @operation(
        "Have a worker look; nothing is changed", request=GitHostLook, responses={202: GitHostSerializer}
    )
    def look_at_git_host(self, request: Request, organization_id: int, repository_id: int) -> Response:
        given = self.body(GitHostLook)
        row = self._find(organization_id, repository_id)
        return self.act(
            lambda: git_hosts.look_at_git_host(actor=self.actor, repository=row, **given),
            lambda _: _show(row),
            status=202,
        )

    @operation("Have exactly that plan done", request=GitHostPlan, responses={202: GitHostSerializer})
    def prepare_git_host(self, request: Request, organization_id: int, repository_id: int) -> Response:
        given = self.body(GitHostPlan)
        row = self._find(organization_id, repository_id)
        return self.act(
            lambda: git_hosts.prepare_git_host(actor=self.actor, repository=row, plan=given["checksum"]),
            lambda _: _show(row),
            status=202,
        )
