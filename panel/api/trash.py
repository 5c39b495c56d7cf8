"""The trash of a domain: what is proved gone outside, and deleting it for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.fields import Shape, Text
from panel.api.mailboxes import MailboxView
from panel.api.schema import operation
from tenants import access
from tenants.actions import trash as actions
from tenants.actions.marks import relay_target
from tenants.history import proved_by
from tenants.models import Domain, Evidence, Mailbox


class TrashedSerializer(serializers.Serializer[Any]):
    """An address in the trash."""

    address = serializers.CharField()
    trashed_at = serializers.DateTimeField()
    gone = serializers.BooleanField(help_text="Whether it was proved that the outside does not have it.")
    gone_since = serializers.DateTimeField(allow_null=True, help_text="When that was proved, where known.")
    run = serializers.IntegerField(allow_null=True, help_text="The run that proved it.")
    commit = serializers.CharField(help_text="The commit that took it away; empty where there is none.")
    kept_until = serializers.DateTimeField(help_text="Then it is deleted for good, once it is proved gone.")


class DeleteForGood(Shape):
    address = Text(max_length=400, help_text="The address once more, to confirm.")

    example = {"address": "ada@example.org"}


class EmptyTrash(Shape):
    domain = Text(max_length=400, help_text="The domain once more, to confirm.")

    example = {"domain": "example.org"}


class EmptiedSerializer(serializers.Serializer[actions.Emptied]):
    deleted = serializers.IntegerField(help_text="How many were deleted for good.")
    left = serializers.IntegerField(help_text="How many are still there, most as they are not proved gone.")


class Trash(ApiView):
    noun, plural, tag = "trashed_mailbox", "trashed_mailboxes", "Trash"
    orders = {"-id": ("-pk",), "id": ("pk",)}

    @operation("What is in the trash of a domain, and whether it is proved gone", responses=TrashedSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        target = relay_target(home)
        rows = access.mailboxes_in(self.actor, home).filter(trashed_at__isnull=False)
        rows = proved_by(rows.select_related("domain"), target)

        def show(found: Sequence[Mailbox]) -> list[dict[str, Any]]:
            runs = {vars(row)["proved_by"] for row in found}
            proofs = Evidence.objects.filter(run__in=runs - {None}, name="Commit")
            commits = dict(proofs.values_list("run_id", "value"))
            return [_show(row, actions.is_gone(row, target), commits) for row in found]

        return self.page(rows, show)

    @operation(
        "Delete for good all that is proved gone, some thousands at once",
        request=EmptyTrash,
        responses={200: EmptiedSerializer},
    )
    def empty_trash(self, request: Request, domain: str) -> Response:
        given = self.body(EmptyTrash)
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: actions.empty_trash(actor=self.actor, domain=home, typed=given["domain"]),
            lambda done: dict(EmptiedSerializer(done).data),
        )


class TrashedMailboxes(MailboxView):
    noun, tag = "trashed_mailbox", "Trash"

    @operation(
        "Delete a trashed address for good, once it is proved gone",
        request=DeleteForGood,
        responses={200: EmptiedSerializer},
    )
    def purge_mailbox(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(DeleteForGood)
        mailbox = self.find(address)
        return self.act(
            lambda: actions.purge_mailbox(actor=self.actor, mailbox=mailbox, typed=given["address"]),
            lambda left: dict(EmptiedSerializer(actions.Emptied(1, left)).data),
            tagged=False,
        )


def _show(row: Mailbox, gone: bool, commits: dict[int, str]) -> dict[str, Any]:
    run = vars(row)["proved_by"] if gone else None
    values = {
        "address": str(row),
        "trashed_at": row.trashed_at,
        "gone": gone,
        "gone_since": vars(row)["proved_at"] if gone else None,
        "run": run,
        "commit": commits.get(run, "") if run is not None else "",
        "kept_until": actions.kept_until(row),
    }
    return dict(TrashedSerializer(values).data)
