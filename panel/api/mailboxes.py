"""Addresses and who gets their mail. Hashes of passphrases come in and never go out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView, T
from panel.api.etags import Subject
from panel.api.fields import Choice, Flag, Moment, PageQuery, Shape, Switch, Text, Texts, WriteQuery
from panel.api.mailbox_rows import BY_GENERATION, pieces_in_state, rows_of, show_rows
from panel.api.schema import operation
from tenants import access
from tenants.actions import mailboxes as actions
from tenants.actions import targets as target_actions
from tenants.address_states import MEANINGS
from tenants.address_states import AddressState as State
from tenants.errors import Absent, Checks, Invalid
from tenants.formats.text import check_text
from tenants.lists import matching
from tenants.models import Domain, Mailbox, TargetAddress


class TargetSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    confirmed_at = serializers.DateTimeField(
        allow_null=True, help_text="When its holder agreed; no mail goes there before."
    )
    exchange = serializers.ChoiceField(
        choices=TargetAddress.Exchange.choices,
        allow_blank=True,
        help_text="Whether the relay can tell it from the others; mail goes there in “” and “accepted”.",
    )


class MailboxSerializer(serializers.Serializer[Any]):
    """An address."""

    address = serializers.CharField()
    domain = serializers.CharField()
    kind = serializers.ChoiceField(
        choices=Mailbox.Kind.choices, help_text="Nobody can log in with an alias: it has no passphrase."
    )
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(
        choices=[(state.value, MEANINGS[state]) for state in State], help_text="The first that holds."
    )
    observed = serializers.BooleanField(help_text="Whether its last change was read back from outside.")
    targets = TargetSerializer(many=True)
    delivers_to = serializers.ListField(
        child=serializers.CharField(), help_text="Of an alias: mailboxes whose targets get its mail, too."
    )
    made_for = serializers.CharField(
        allow_null=True, help_text="Of an alias that a person made: the mailbox whose holder holds it."
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When it goes into the trash by itself; null: it does not."
    )
    note = serializers.CharField(help_text="The team's; empty for those who only hold the address.")
    generation = serializers.IntegerField(
        help_text="Proved once the sync target's observed_generation has reached it."
    )
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)

    example = {
        "address": "ada@example.org",
        "domain": "example.org",
        "kind": "mailbox",
        "enabled": True,
        "state": "works",
        "observed": True,
        "targets": [{"address": "ada@home.example", "confirmed_at": "2026-11-21T09:13:20Z", "exchange": ""}],
        "delivers_to": [],
        "made_for": None,
        "expires_at": None,
        "note": "Analyst",
        "generation": 42,
        "created_at": "2026-11-21T09:12:00Z",
        "changed_at": "2026-11-21T09:13:20Z",
        "trashed_at": None,
    }


class MailboxQuery(PageQuery):
    q = Text(
        required=False,
        max_length=100,
        help_text="How the name begins; with an @, the whole of an address that gets the mail.",
    )
    kind = Choice(required=False, choices=Mailbox.Kind.choices)
    state = Choice(
        required=False,
        choices=[(state.value, MEANINGS[state]) for state in State],
        help_text="Without it: all that are not in the trash; all that are in it: domains/{domain}/trash/. "
        + ", ".join(BY_GENERATION)
        + " come in the order of their last change, whatever `order` says.",
    )


class MailboxRemoval(WriteQuery):
    never_again = Flag(required=False, default=False, help_text="Also never give this name again.")
    reason = Text(required=False, default="", max_length=400, help_text="Why, for whoever asks later.")


_HASH = "BLAKE2b-512 of the passphrase, 128 hex digits: printf %s PASSPHRASE | b2sum. Never shown again."


_ACCEPT = "Send also to targets that share a mail server, which the relay mixes up: the team may risk it."


class NewMailbox(Shape):
    local_part = Text(max_length=400)
    targets = Texts(help_text="Each holder is asked by mail before anything goes there.")
    password_hash = Text(
        required=False, max_length=400, write_only=True, help_text=f"{_HASH} Without it: an alias."
    )
    note = Text(required=False, max_length=400)
    accept_shared = Switch(required=False, help_text=_ACCEPT)
    expires_at = Moment(
        required=False, allow_null=True, help_text="When it goes into the trash by itself; null: never."
    )

    example = {
        "local_part": "ada",
        "targets": ["ada@home.example"],
        "password_hash": "0123456789abcdef" * 8,
        "note": "Analyst",
    }


class MailboxChange(Shape):
    note = Text(required=False, max_length=400)
    enabled = Switch(required=False)

    example = {"enabled": False}


class NewPassphrase(Shape):
    password_hash = Text(max_length=400, write_only=True, help_text=_HASH)

    example = {"password_hash": "0123456789abcdef" * 8}


class NewTarget(Shape):
    address = Text(max_length=400)
    accept_shared = Switch(required=False, help_text=_ACCEPT)

    example = {"address": "ada@home.example"}


class MailboxView(ApiView):
    """What viewsets of an address share: finding it, and answering a write with its body."""

    reported = frozenset({"state", "observed"})

    def find(self, address: tuple[str, str]) -> Mailbox:
        local_part, domain = address
        return access.get(self.actor, Mailbox, local_part=local_part, domain__name=domain)

    def subject(self, address: tuple[str, str]) -> Subject:
        mailbox = self.find(address)
        return Subject([mailbox], lambda: self.show(mailbox))

    def show(self, mailbox: Mailbox) -> dict[str, Any]:
        # Who deleted their own address sees what became of it, though they see it no more.
        shown = show_rows(list(rows_of(Mailbox.objects.filter(pk=mailbox.pk))))[0]
        # The note is the team's, not for those who hold the address.
        is_told = access.may(self.actor, access.Verb.VIEW, mailbox.domain)
        return shown if is_told else {**shown, "note": ""}

    def write(
        self, do: Callable[[], Any], find: Callable[[Any], Mailbox], *, status: int = 200, place: bool = False
    ) -> Response:
        """Act on a mailbox and answer with its body."""
        return self.act(
            do,
            lambda done: self.show(find(done)),
            status=status,
            location=(lambda done: mailbox_url(find(done))) if place else None,
            tagged=True,
        )


def mailbox_url(mailbox: Mailbox) -> str:
    return reverse("api:mailbox", args=[str(mailbox)])


class DomainMailboxes(MailboxView):
    noun, plural, tag = "mailbox", "mailboxes", "Addresses"
    orders = {
        "address": ("local_part",),
        "-address": ("-local_part",),
        "changed": ("changed_at", "pk"),
        "-changed": ("-changed_at", "-pk"),
    }
    queries = {"list": MailboxQuery}

    @operation("The addresses of a domain", responses=MailboxSerializer)
    def list(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        rows = access.mailboxes_in(self.actor, home)
        state = self.given.get("state")
        if state in BY_GENERATION:
            self.orders = {self.given.get("order", "generation"): ("generation", "pk")}
        if "kind" in self.given:
            rows = rows.filter(kind=self.given["kind"])
        if self.given.get("q"):
            with Checks() as checks:
                rows = matching(rows, home, check_text(self.given["q"], field="q", maximum=100))
            checks.finish()
        if not state:
            return self.page(rows_of(rows.filter(trashed_at=None)), show_rows)
        parts = pieces_in_state(rows, home, state)
        some = rows if len(parts) > 1 else parts[0] if parts else rows.none()
        return self.page(rows_of(some), show_rows, parts if len(parts) > 1 else ())

    @operation("Make an address", request=NewMailbox, responses={201: MailboxSerializer})
    def create(self, request: Request, domain: str) -> Response:
        given = self.body(NewMailbox)
        home = access.get(self.actor, Domain, name=domain)
        return self.write(
            lambda: actions.create_mailbox(actor=self.actor, domain=home, **given),
            _itself,
            status=201,
            place=True,
        )


class Mailboxes(MailboxView):
    noun, tag = "mailbox", "Addresses"
    queries = {"destroy": MailboxRemoval}

    @operation("One address", responses=MailboxSerializer)
    def retrieve(self, request: Request, address: tuple[str, str]) -> Response:
        return Response(self.show(self.find(address)))

    @operation("Change its note, or switch it on or off", request=MailboxChange, responses=MailboxSerializer)
    def partial_update(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(MailboxChange)
        mailbox = self.find(address)

        @transaction.atomic
        def change() -> Mailbox:
            access.require(self.actor, access.Verb.CHANGE, mailbox)
            if "note" in given:
                actions.change_note(actor=self.actor, mailbox=mailbox, note=given["note"])
            if "enabled" in given:
                actions.switch_mailbox(actor=self.actor, mailbox=mailbox, enabled=given["enabled"])
            return mailbox

        return self.write(change, _itself)

    @operation("Put it into the trash: gone outside, kept here", responses={200: MailboxSerializer})
    def destroy(self, request: Request, address: tuple[str, str]) -> Response:
        mailbox = self.find(address)
        if self.given["reason"] and not self.given["never_again"]:
            problem = "A reason is kept with a name that is not given again."
            raise Invalid.of("reason", problem, "Send never_again=true with it, or leave it out.")
        extra = {name: self.given[name] for name in ("never_again", "reason")}
        return self.write(lambda: actions.trash_mailbox(actor=self.actor, mailbox=mailbox, **extra), _itself)

    @operation("Bring it back from the trash as it was", responses=MailboxSerializer)
    def restore(self, request: Request, address: tuple[str, str]) -> Response:
        mailbox = self.find(address)
        return self.write(lambda: actions.restore_mailbox(actor=self.actor, mailbox=mailbox), _itself)

    @operation("Give it another passphrase", request=NewPassphrase, responses=MailboxSerializer)
    def set_passphrase(self, request: Request, address: tuple[str, str]) -> Response:
        self.require_fresh()
        given = self.body(NewPassphrase)
        mailbox = self.find(address)
        return self.write(lambda: actions.set_passphrase(actor=self.actor, mailbox=mailbox, **given), _itself)


class MailboxTargets(MailboxView):
    noun, tag = "mailbox_target", "Addresses"

    @operation("Who gets the mail of an address", responses=TargetSerializer)
    def list(self, request: Request, address: tuple[str, str]) -> Response:
        rows = self.find(address).targets.all()
        return self.page(rows, lambda found: [dict(TargetSerializer(each).data) for each in found])

    @operation(
        "Also send its mail here, once the holder agreed to a mail that asks",
        request=NewTarget,
        responses={201: MailboxSerializer},
    )
    def create(self, request: Request, address: tuple[str, str]) -> Response:
        given = self.body(NewTarget)
        mailbox = self.find(address)
        return self.write(
            lambda: target_actions.add_target(actor=self.actor, mailbox=mailbox, **given),
            lambda _: mailbox,
            status=201,
        )

    @operation("No longer send its mail here", responses={200: MailboxSerializer})
    def destroy(self, request: Request, address: tuple[str, str], target_address: str) -> Response:
        mailbox = self.find(address)
        return self.write(
            lambda: target_actions.remove_target(actor=self.actor, mailbox=mailbox, address=target_address),
            lambda _: mailbox,
        )

    @operation(
        "Ask its holder again; the link in the earlier mail stops working",
        responses={202: TargetSerializer},
    )
    def ask_target_again(self, request: Request, address: tuple[str, str], target_address: str) -> Response:
        mailbox = self.find(address)
        row = mailbox.targets.filter(address=target_address).first()
        if row is None:
            raise Absent
        return self.act(
            lambda: target_actions.send_confirmation_again(
                actor=self.actor, mailbox=mailbox, address=target_address
            ),
            lambda _: dict(TargetSerializer(row).data),
            status=202,
            tagged=False,
        )


def _itself(mailbox: T) -> T:
    return mailbox
