"""The first page: what is true now, what needs a person, what happened lately."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import sentences, times
from panel.web.activity import event_lines, with_proof
from panel.web.backups import restore_banner
from panel.web.domains import adding_url, domain_cards
from panel.web.frame import chosen_organization, narrowed, organizations_of
from panel.web.handling import actor_of, page
from panel.web.organizations import OrganizationForm
from tenants import access
from tenants.models import Event

LATELY = 8


@page()
def overview(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    now = timezone.now()
    hello = times.greeting(now)
    if not organizations_of(request):
        if not actor.is_operator:
            return redirect("own-addresses")
        context = {
            "headline": f"{hello}. Rookery is ready for its first organization.",
            "form": OrganizationForm(),
        }
        return render(request, "panel/overview_empty.html", context)
    cards = domain_cards(request)
    standings = [card["standing"] for card in cards]
    checked = [card["row"].facts.proved for card in cards if card["row"].facts.connected]
    oldest = max(
        (card["row"].checked_at for card in cards if card["row"].checked_at is not None),
        key=lambda at: now - at,
        default=None,
    )
    events = narrowed(request, access.visible_to(actor, Event), "organization_id")
    context = {
        "banner": restore_banner(request),
        "headline": sentences.overview_headline(hello, standings),
        "sentence": sentences.overview_sentence(
            standings,
            sum(card["row"].facts.requests for card in cards),
            times.ago(oldest, now) if oldest and all(checked) else "",
        ),
        "cards": cards,
        "events": event_lines(with_proof(events)[:LATELY], now),
        "add_url": adding_url(request),
        "shows_organization": chosen_organization(request) is None,
        "organization": chosen_organization(request),
    }
    return render(request, "panel/overview.html", context)
