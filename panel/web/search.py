"""Jump to a domain, an address, a run or a request. Finds only what this person may see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from panel.web import sentences
from panel.web.activity import address_url
from panel.web.fragments import run_url
from panel.web.handling import actor_of, page
from tenants import access
from tenants.actor import Actor
from tenants.bounded import begins_with, first_of_each
from tenants.models import AddressRequest, Domain, Mailbox, Run

EACH = 6
MOST_DOMAINS = 100
LONGEST = 200
ModelT = TypeVar("ModelT", bound=Model)
_RUN = re.compile(r"(?:run\s*)?#?([0-9]{1,12})")


@dataclass(frozen=True)
class Found:
    kind: str
    label: str
    url: str
    note: str = ""


@page()
def search(request: HttpRequest) -> HttpResponse:
    """A page of links; with the header HX-Request only the links."""
    typed = " ".join(request.GET.get("q", "").replace("\0", "").split())[:LONGEST]
    context = {"q": typed, "found": find(actor_of(request), typed) if typed else []}
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "panel/search/results.html" if fragment else "panel/search/page.html", context)


def find(actor: Actor, typed: str) -> list[Found]:
    """What `typed` may mean, the most likely first; each query reads a bounded number of rows."""
    text = typed.lower()
    return [*_runs(actor, text), *_domains(actor, text), *_addresses(actor, text), *_requests(actor, text)]


def _split(text: str) -> tuple[Q, Q]:
    """What to ask of a name, and of a domain: `ad`, `ada@exam` and `@exam` all find ada@example.org."""
    local_part, at, domain = text.rpartition("@")
    if not at:
        return begins_with("local_part", text), Q()
    return Q(local_part=local_part) if local_part else Q(), begins_with("name", domain)


def _in_domains(actor: Actor, rows: QuerySet[ModelT], text: str) -> list[QuerySet[ModelT]]:
    """`rows` that `text` may mean, domain by domain, each in the order of names: an index has each.

    Of those who see everything all rows are one piece; others have few domains, of which the first are asked.
    """
    name, place = _split(text)
    domains = access.visible_to(actor, Domain).filter(place).order_by("name")
    if actor.is_operator and actor.organization_id is None and not place:
        return [rows.filter(name).order_by("local_part", "pk")]
    ids = domains.values_list("pk", flat=True)[:MOST_DOMAINS]
    return [rows.filter(name, domain=each).order_by("local_part", "pk") for each in ids]


def _domains(actor: Actor, text: str) -> list[Found]:
    rows = access.visible_to(actor, Domain).filter(begins_with("name", text.lstrip("@"))).order_by("name")
    names = rows.values_list("name", flat=True)[:EACH]
    return [Found("Domain", name, reverse("domain", kwargs={"domain": name})) for name in names]


def _addresses(actor: Actor, text: str) -> list[Found]:
    seen = access.visible_to(actor, Mailbox)
    parts = _in_domains(actor, Mailbox.objects.all(), text)
    if "@" not in text:
        held = access.held_mailboxes(actor).values("pk")
        own = Mailbox.objects.filter(_split(text)[0]).order_by("pk")
        parts += [own.filter(pk__in=held), own.filter(made_for__in=held)]
    rows = seen.filter(pk__in=first_of_each(parts, EACH)).select_related("domain")
    return [
        Found("Address", str(row), address_url(row.domain.name, row.local_part), _word(row))
        for row in rows.order_by("trashed_at", "local_part", "pk")[:EACH]
    ]


def _word(mailbox: Mailbox) -> str:
    return "in the trash" if mailbox.trashed_at else "" if mailbox.enabled else "off"


def _requests(actor: Actor, text: str) -> list[Found]:
    rows = access.visible_to(actor, AddressRequest).select_related("domain")
    parts = _in_domains(actor, AddressRequest.objects.all(), text)
    if "@" in text:
        parts.append(AddressRequest.objects.filter(target=text).order_by("-pk"))
    rows = rows.filter(pk__in=first_of_each(parts, EACH)).order_by("-pk")
    return [
        Found(
            "Request",
            f"{row.local_part}@{row.domain.name}",
            reverse("request", kwargs={"request_id": row.pk}),
            sentences.request_state(row.status).word.lower(),
        )
        for row in rows[:EACH]
    ]


def _runs(actor: Actor, text: str) -> list[Found]:
    number = _RUN.fullmatch(text)
    if number is None:
        return []
    rows = access.visible_to(actor, Run).filter(pk=int(number.group(1)))
    return [Found("Run", f"Run {row.pk}", run_url(row.pk), row.title) for row in rows]
