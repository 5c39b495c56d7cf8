"""Runs: each pass of the controller that had something to tell, with its plan and its proof."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import fragments, sentences, times
from panel.web.activity import activity_tabs, cut, event_lines, with_proof
from panel.web.frame import narrowed
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.places import place_label, place_url
from panel.web.repositories import run_line
from tenants import access
from tenants.actions import sync
from tenants.bounded import count
from tenants.errors import Conflict
from tenants.models import Domain, Event, Run

MOST_EVENTS = 50


@page()
def runs(request: HttpRequest) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    seen = narrowed(request, access.visible_to(actor, Run), "organization_id")
    domain = request.GET.get("domain", "").replace("\0", "").lower()[:253]
    if domain:
        seen = seen.filter(target__repository__domain__name=domain)
    needing = count(seen.filter(state=Run.State.STOPPED))
    found = cut(seen, request.GET, reverse("runs"))
    domains = narrowed(request, access.visible_to(actor, Domain), "organization_id")
    context = {
        "runs": [run_line(run, now) for run in found.rows],
        "pages": found.pages,
        "headline": _headline(len(found.rows), needing),
        "domain": domain,
        "domains": list(domains.order_by("name").values_list("name", flat=True)[:500]),
        "tabs": activity_tabs("runs"),
    }
    return render(request, "panel/run/list.html", context)


def _headline(shown: int, needing: int) -> str:
    if needing:
        return f"{sentences.amount(needing, 'run waits', 'runs wait')} for a person."
    return "No run waits for a person." if shown else "Nothing was written anywhere yet."


@page()
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    run = fragments.load_run(actor, run_id)
    repository = run.target.repository
    domain = repository.domain if repository is not None else None
    events = _asked(request, run)
    context: dict[str, Any] = {
        **fragments.run_context(actor, run, now),
        "domain": domain,
        "place": place_label(run.target),
        "place_url": place_url(run.target),
        "events": event_lines(events, now),
        "who": list(dict.fromkeys(event.actor_name for event in events))[:5] or _who(run),
        "when": times.moment(run.created_at, now),
        "live_url": reverse("run-live", kwargs={"run_id": run.pk}),
        "poll_url": reverse("run-fragment", kwargs={"run_id": run.pk}),
        "crumbs": [
            {"label": "Runs", "url": f"{reverse('runs')}{f'?domain={domain.name}' if domain else ''}"},
            {"label": f"Run {run.pk}"},
        ],
    }
    return render(request, "panel/run/show.html", context)


def _who(run: Run) -> list[str]:
    return [str(run.asked_by)] if run.asked_by else ["Rookery, by its regular look"]


def _asked(request: HttpRequest, run: Run) -> list[Event]:
    """The events that this run carried: marked after the last proof before it, up to its generation."""
    if run.mode == Run.Mode.PREVIEW:
        return []
    before = (
        run.target.runs.filter(
            mode=Run.Mode.APPLY, state=Run.State.SUCCEEDED, generation__lt=run.generation, pk__lt=run.pk
        )
        .order_by("-generation")
        .values_list("generation", flat=True)
        .first()
    )
    events = access.visible_to(actor_of(request), Event).filter(
        sync_target=run.target, generation__gt=before or 0, generation__lte=run.generation
    )
    return list(with_proof(events)[:MOST_EVENTS])


@page(methods=("POST",))
def run_retry(request: HttpRequest, run_id: int) -> HttpResponse:
    run = fragments.load_run(actor_of(request), run_id)
    sync.check_now(actor=actor_of(request), target=run.target)
    tell(request, "A worker tries again now.")
    return redirect("run", run_id=run.pk)


@page(methods=("POST",))
def run_agree(request: HttpRequest, run_id: int) -> HttpResponse:
    """Agree to exactly what was shown: the checksum comes from the page that was read."""
    run = fragments.load_run(actor_of(request), run_id)
    try:
        sync.approve_plan(actor=actor_of(request), run=run, checksum=request.POST.get("checksum", "")[:64])
        tell(request, "Agreed. A worker goes on now.")
    except Conflict as error:
        refuse(request, error)
    return redirect("run", run_id=run.pk)
