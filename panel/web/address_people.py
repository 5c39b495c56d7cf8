"""What an address's page shows about the people who hold it, and to each of them about their own part."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from panel.web import times
from panel.web.fields import Typed, email_input
from panel.web.handling import actor_of
from tenants import access
from tenants.models import Mailbox

Verb = access.Verb


class HolderForm(forms.Form):
    email = Typed(
        label="Another person’s e-mail",
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="They get a link to sign in, and may do what everybody who holds it may.",
    )


class OwnNoteForm(forms.Form):
    own_note = Typed(
        label="Your note",
        required=False,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="Only you read it.",
    )


def holders_context(request: HttpRequest, mailbox: Mailbox) -> dict[str, Any]:
    """For templates/panel/address/people.html, and for the switch."""
    actor, now = actor_of(request), timezone.now()
    rows = list(mailbox.holdings.select_related("account").order_by("since", "pk"))
    mine = next((row for row in rows if actor.account and row.account_id == actor.account.pk), None)
    in_use = mailbox.trashed_at is None
    team = access.is_team(actor, mailbox)
    return {
        "holders": [
            {
                "email": row.account.email,
                "since": times.moment(row.since, now),
                "is_me": row is mine,
            }
            for row in rows
        ],
        "holding": mine,
        "runs_it": team and in_use,
        "may_leave": mine is not None and in_use and (len(rows) > 1 or not mailbox.enabled or team),
        "may_delete_own": mine is not None and in_use and not team and len(rows) == 1,
        "may_switch": in_use
        and access.may(actor, Verb.SWITCH, mailbox)
        and (team or mailbox.enabled or mailbox.off_by_holder),
        "off_by_team": in_use and not mailbox.enabled and not mailbox.off_by_holder and not team,
        "holder_form": HolderForm(),
        "own_note_form": OwnNoteForm(initial={"own_note": mine.note if mine is not None else ""}),
    }
