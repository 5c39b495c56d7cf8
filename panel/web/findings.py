"""What stands outside otherwise than Rookery has it: one by one, with what a person can decide about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.domains import domain_context
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.repositories import load_repository, repository_crumbs
from panel.web.slices import by_name
from tenants.access import Kind, Verb
from tenants.actions import adoption
from tenants.bounded import counts
from tenants.errors import Conflict, Invalid
from tenants.guards import Guards
from tenants.models import Finding, SyncTarget

PAGE = 50
# What the list can be narrowed to: the address's word, its label, and which rows.
FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "changed": ("Changed outside", Q(kind__in=[Finding.Kind.DRIFT, Finding.Kind.CONFLICT])),
    "available": ("Can be taken over", Q(takeable=True, kind=Finding.Kind.FOREIGN)),
    "others": ("Others", Q(takeable=False, kind__in=[Finding.Kind.FOREIGN, Finding.Kind.SKIPPED])),
    "unsafe": ("Not written", Q(kind=Finding.Kind.UNSAFE)),
}
WORDS = {
    Finding.Kind.FOREIGN: ("off", "Not ours"),
    Finding.Kind.SKIPPED: ("off", "Skipped by ptt"),
    Finding.Kind.DRIFT: ("todo", "Changed outside"),
    Finding.Kind.CONFLICT: ("todo", "Conflict"),
    Finding.Kind.UNSAFE: ("fail", "Not written"),
}


def summary(target: SyncTarget) -> dict[str, int]:
    """How many findings there are of each filter (up to a bound), by its word; "all" for everything."""
    return counts({word or "all": target.findings.filter(rows) for word, (_, rows) in FILTERS.items()})


@page()
def findings(request: HttpRequest, domain: str) -> HttpResponse:
    row, repository, target = load_repository(request, domain)
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    numbers = summary(target)
    url = reverse("findings", kwargs={"domain": row.domain.name})
    rows = target.findings.filter(FILTERS[only][1])
    shown = by_name(
        rows,
        request.GET,
        url,
        "unit",
        size=PAGE,
        kept={"only": only},
        parts=[rows.filter(kind=kind) for kind in Finding.Kind] if only else (),
    )
    may_decide = shows(request, Verb.DECIDE, Kind.SYNC_TARGET, repository.organization_id)
    now = timezone.now()
    hosts = {host for each in shown.rows for host in each.hosts.split()}
    guards = Guards.about(hosts, repository.organization_id)
    context = {
        **domain_context(request, row, "domain-settings"),
        "headline": _headline(numbers),
        "repository": repository,
        "looked": times.moment(target.checked_at, now, relative=True),
        "lines": [_line(each, now, guards) for each in shown.rows],
        "chips": [
            {
                "label": label,
                "count": sentences.counted_in_words(numbers[word or "all"]),
                "url": f"{url}?only={word}" if word else url,
                "current": word == only,
            }
            for word, (label, _) in FILTERS.items()
            if not word or word == only or numbers[word]
        ],
        "pages": shown.pages,
        "may_decide": may_decide,
        "takeable": numbers["available"],
        "takeable_words": sentences.counted_in_words(numbers["available"]),
        "changed": numbers["changed"],
        "only": only,
        "crumbs": repository_crumbs(row.domain, repository, "Found outside"),
    }
    return render(request, "panel/repository/findings.html", context)


def _headline(counts: dict[str, int]) -> str:
    if not counts["all"]:
        return "Everything outside is as Rookery has it."
    if counts["changed"]:
        return f"{sentences.amount(counts['changed'], 'address was', 'addresses were')} changed outside."
    number = sentences.amount(counts["all"], "entry", "entries")
    return f"{number} outside {'is' if counts['all'] == 1 else 'are'} not Rookery's."


def _line(row: Finding, now: datetime, guards: Guards) -> dict[str, Any]:
    badge, word = WORDS[Finding.Kind(row.kind)]
    return {
        "unit": row.unit,
        "sentence": row.sentence,
        "told": guards.told(row.hosts.split()),
        "badge": "live" if row.decision else badge,
        "word": "Decided, a worker does it" if row.decision else word,
        "outside": row.outside if row.outside is not None else "nothing",
        "ours": row.ours if row.ours is not None else "nothing",
        "compares": row.repairable or row.ours is not None,
        "adopt": "Put it into the trash here too" if row.outside is None else "Take over what is outside",
        "may_adopt": row.takeable and not row.decision,
        "may_repair": row.repairable and not row.decision,
        "since": times.moment(row.since, now),
    }


@page(methods=("POST",))
def findings_decide(request: HttpRequest, domain: str) -> HttpResponse:
    """Decide about the `unit`s of the form, or about `all` of which the decision is possible."""
    row, _, target = load_repository(request, domain)
    decide(request, target)
    only = request.POST.get("only", "")
    suffix = f"?only={only}" if only in FILTERS and only else ""
    return redirect(f"{reverse('findings', kwargs={'domain': row.domain.name})}{suffix}")


def decide(request: HttpRequest, target: SyncTarget) -> None:
    """Decide as a form says, and tell what became of it."""
    units = None if request.POST.get("all") else [name[:200] for name in request.POST.getlist("unit")[:500]]
    decision = request.POST.get("decision", "")[:20]
    try:
        count = adoption.decide_findings(
            actor=actor_of(request), target=target, decision=decision, units=units
        )
        number = sentences.amount(count, "entry", "entries")
        tell(request, f"A worker does that for {number} now, if they are still as you saw them.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
