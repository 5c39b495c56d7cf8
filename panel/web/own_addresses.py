"""A person's own addresses: the calm first page of somebody who runs nothing here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from panel.web import sentences
from panel.web.account import person
from panel.web.address_rows import for_list, who_gets_it
from panel.web.address_state import UNCONFIRMED, WORKS, AddressStanding
from panel.web.handling import actor_of, page
from panel.web.standing import address_standings, with_standing
from tenants import access
from tenants.models import AddressRequest, Holding, Mailbox

# Of finished requests only the latest are told; addresses tell the rest.
SHOWN_REQUESTS = 10
MOST_ADDRESSES = 200


@dataclass(frozen=True)
class OwnAddress:
    """One line: ready to be drawn. `others` is how many more people hold it."""

    mailbox: Mailbox
    standing: AddressStanding
    sentence: str
    who: str
    note: str
    others: int


@page()
def own_addresses(request: HttpRequest) -> HttpResponse:
    me, actor, now = person(request), actor_of(request), timezone.now()
    mailboxes = for_list(with_standing(access.held_mailboxes(actor))).annotate(people=Count("holdings"))
    rows = mailboxes.order_by("domain__name", "local_part")[: MOST_ADDRESSES + 1]
    notes = dict(Holding.objects.filter(account=me).values_list("mailbox_id", "note"))
    own = [_own(row, standing, notes, now) for row, standing in address_standings(rows)]
    asked = AddressRequest.objects.filter(account=me, mailbox=None).select_related("domain__organization")
    context = {
        "me": me,
        "headline": _headline(own),
        "addresses": own[:MOST_ADDRESSES],
        "are_more": len(own) > MOST_ADDRESSES,
        "asked": asked.exclude(status=AddressRequest.Status.APPROVED).order_by("-pk")[:SHOWN_REQUESTS],
    }
    return render(request, "account/addresses.html", context)


def _own(row: Mailbox, standing: AddressStanding, notes: dict[int, str], now: datetime) -> OwnAddress:
    return OwnAddress(
        mailbox=row,
        standing=standing,
        sentence=standing.sentence(str(row), now),
        who=who_gets_it(row),
        note=notes.get(row.pk, ""),
        others=vars(row)["people"] - 1,
    )


def _headline(own: list[OwnAddress]) -> str:
    if not own:
        return "You hold no address yet."
    if len(own) == 1:
        return own[0].sentence
    working = sum(each.standing.state == WORKS for each in own)
    waiting = sum(each.standing.state == UNCONFIRMED for each in own)
    if working == len(own):
        return f"Mail for all your {len(own)} addresses works."
    told = f"{working} of your {len(own)} addresses work"
    if waiting:
        told += f"; {sentences.amount(waiting, 'waits', 'wait')} for a button in our mail to be pressed"
    return f"{told}."
