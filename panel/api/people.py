"""Who holds an address, handing it over, one's own note about it, and what was done with it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.fields import Shape, Switch, Text
from panel.api.mailboxes import MailboxSerializer, MailboxView
from panel.api.schema import operation
from tenants.actions import holders as actions
from tenants.history import events_of
from tenants.models import Event, Holding


class HolderSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(help_text="How this person signs in.")
    since = serializers.DateTimeField()
    note = serializers.CharField(
        allow_null=True, help_text="Your own note about the address; null for those of others."
    )

    example = {"email": "ada@home.example", "since": "2026-11-21T09:12:00Z", "note": "for the bank"}


class NewHolder(Shape):
    email = Text(max_length=400, help_text="They get a mail with a one-time link.")

    example = {"email": "grace@harbour.example"}


class NewOwner(Shape):
    email = Text(max_length=400, help_text="Whoever held it before does not any more, and is told by mail.")
    keep_targets = Switch(
        required=False, default=False, help_text="Its mail goes on to whom it went. False: to the new person."
    )

    example = {"email": "grace@harbour.example", "keep_targets": False}


class OwnNote(Shape):
    note = Text(max_length=400, help_text="Only you read it.")

    example = {"note": "for the bank"}


class ActivitySerializer(serializers.Serializer[Event]):
    """What was done with an address, for those who hold it: by whom and when, not from where."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    verb = serializers.CharField(help_text="For programs, e.g. set_passphrase.")
    sentence = serializers.CharField(help_text="For people; secrets are never in it.")
    actor = serializers.CharField(source="actor_name")
    via = serializers.CharField(help_text="web, api, command or worker.")


class Holders(MailboxView):
    noun, tag = "holder", "Addresses"

    @operation("Who holds an address", responses=HolderSerializer)
    def list(self, request: Request, address: tuple[str, str]) -> Response:
        rows = self.find(address).holdings.select_related("account")
        return self.page(rows, lambda found: [self._holder(each) for each in found])

    @operation(
        "Let another person hold it, with equal rights",
        request=NewHolder,
        responses={201: HolderSerializer},
    )
    def create(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(NewHolder)
        mailbox = self.find(address)
        return self.act(
            lambda: actions.add_holder(actor=self.actor, mailbox=mailbox, **given),
            self._holder,
            status=201,
            location=lambda made: reverse("api:mailbox-holder", args=[str(mailbox), made.account.email]),
            tagged=False,
        )

    @operation("Let somebody go, or leave it yourself", responses={200: HolderSerializer, 204: None})
    def destroy(self, request: Request, address: tuple[str, str], email: str) -> Response:
        mailbox = self.find(address)
        row = mailbox.holdings.select_related("account").filter(account__email=email.lower()).first()
        shown = self._holder(row) if row is not None else None
        return self.act(
            lambda: actions.remove_holder(actor=self.actor, mailbox=mailbox, email=email),
            lambda _: shown,
            status=204,
            tagged=False,
        )

    @operation(
        "Hand it over to one other person: new passphrase, new targets",
        request=NewOwner,
        responses=MailboxSerializer,
    )
    def hand_over(self, request: Request, address: tuple[str, str]) -> Response:
        self.require_fresh()
        given = self.body(NewOwner)
        mailbox = self.find(address)
        return self.act(
            lambda: actions.hand_over(actor=self.actor, mailbox=mailbox, **given),
            lambda _: self.show(mailbox),
        )

    @operation("Write your own note about it", request=OwnNote, responses=HolderSerializer)
    def set_own_note(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(OwnNote)
        mailbox = self.find(address)
        return self.act(
            lambda: actions.change_own_note(actor=self.actor, mailbox=mailbox, **given),
            self._holder,
            tagged=False,
        )

    def _holder(self, row: Holding) -> dict[str, Any]:
        mine = self.actor.account is not None and row.account_id == self.actor.account.pk
        values = {"email": row.account.email, "since": row.since, "note": row.note if mine else None}
        return dict(HolderSerializer(values).data)


class MailboxActivity(MailboxView):
    noun, plural, tag = "mailbox_event", "mailbox_events", "Addresses"
    orders = {"-id": ("-pk",), "id": ("pk",)}

    @operation("What anybody did with an address, the newest first", responses=ActivitySerializer)
    def list(self, request: Request, address: tuple[str, str]) -> Response:
        rows = events_of(self.actor, self.find(address).pk)
        return self.page(rows, lambda found: [dict(ActivitySerializer(each).data) for each in found])
