"""Choosing mailboxes of a domain: a search field and boxes to tick, with JavaScript or without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants import access
from tenants.actor import Actor
from tenants.bounded import begins_with
from tenants.models import Domain, Mailbox

OFFERED = 20
LONGEST_SEARCH = 100
LONGEST_CHOICE = 254
MOST_CHOSEN = 500


class Chosen(forms.MultipleChoiceField):
    """The ticked boxes, as they were sent; the action says what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(label="Mailboxes that get the mail", required=False)

    def to_python(self, value: Any) -> list[str]:
        return [str(each)[:LONGEST_CHOICE] for each in (value or [])[: MOST_CHOSEN + 1]]

    def validate(self, value: Any) -> None:
        """The action does."""


class DeliveriesForm(forms.Form):
    delivers_to = Chosen()


@dataclass(frozen=True)
class Picker:
    """`chosen` are ticked; `offered` match what is searched and are not. `more` match as well."""

    url: str
    domain: Domain
    q: str
    chosen: list[str]
    offered: list[str]
    more: int

    @property
    def is_needed(self) -> bool:
        """Is there more to choose from than one sees at once?"""
        return bool(self.q or self.more)


def wants_search(request: HttpRequest) -> bool:
    """Was the search button pressed, or something typed into the field? Then nothing is saved."""
    return request.method == "POST" and "find" in request.POST


def chosen_in(request: HttpRequest) -> list[str]:
    """The ticked boxes of a form that was sent."""
    return [each[:LONGEST_CHOICE] for each in request.POST.getlist("delivers_to")[: MOST_CHOSEN + 1]]


def choosable(actor: Actor, domain: Domain, *, only_own: bool) -> QuerySet[Mailbox]:
    """Mailboxes that an alias of `actor` may deliver to."""
    rows = access.held_mailboxes(actor) if only_own else access.visible_to(actor, Mailbox)
    return rows.filter(domain=domain, kind=Mailbox.Kind.MAILBOX, trashed_at=None)


def pick(request: HttpRequest, domain: Domain, rows: QuerySet[Mailbox], chosen: list[str]) -> Picker:
    """The state of the picker after this request."""
    typed = request.POST.get("q", "").replace("\0", "").strip().lower()[:LONGEST_SEARCH]
    others = rows.exclude(local_part__in=[each for each in chosen if "\0" not in each])
    found = others.filter(begins_with("local_part", typed.removesuffix(f"@{domain.name}")))
    names = list(found.order_by("local_part").values_list("local_part", flat=True)[: OFFERED + 1])
    return Picker(
        url=request.path,
        domain=domain,
        q=typed,
        chosen=[each for each in chosen if "\0" not in each],
        offered=names[:OFFERED],
        more=len(names) - OFFERED if len(names) > OFFERED else 0,
    )


def only_boxes(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """The boxes alone, for whoever types with JavaScript; None for a whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-Target") != "mailbox-boxes":
        return None
    return render(request, "panel/alias/boxes.html", context)
