"""Domains: the list, adding one, its overview, its activity and its settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences
from panel.web.activity import event_lines, with_proof
from panel.web.canary_line import canary_line, canary_lines
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import chosen_organization, narrowed, organizations_of, shows
from panel.web.handling import actor_of, page, tell
from panel.web.quotas import lefts
from panel.web.standing import DomainRow, domain_row, domain_rows, with_counts
from tenants import access
from tenants.actions import domains as actions
from tenants.errors import Absent
from tenants.models import Domain, Event, Organization, Stack

MOST_DOMAINS = 500
Kind, Verb = access.Kind, access.Verb


def get_domain(request: HttpRequest, name: str) -> DomainRow:
    """The domain of a page's address, judged; Absent when it does not exist for this person."""
    found = with_counts(access.visible_to(actor_of(request), Domain)).filter(name=name.lower()).first()
    if found is None:
        raise Absent
    return domain_row(found, timezone.now())


def domain_context(request: HttpRequest, row: DomainRow, tab: str) -> dict[str, Any]:
    """What every page of a domain shows above its content."""
    name = row.domain.name
    pages = (
        ("Overview", "domain", 0),
        ("Addresses", "addresses", 0),
        ("Requests", "domain-requests", row.facts.requests),
        ("DNS", "zone", 0),
        ("Mail stack", "stack", 0),
        ("Checks", "domain-checks", 0),
        ("Activity", "domain-activity", 0),
        ("Settings", "domain-settings", 0),
    )
    return {
        "domain": row.domain,
        "row": row,
        "standing": row.standing,
        "tabs_label": name,
        "tabs": [
            {
                "label": label,
                "url": reverse(url_name, kwargs={"domain": name}),
                "current": url_name == tab,
                "count": sentences.counted_in_words(count) if count else "",
            }
            for label, url_name, count in pages
        ],
        "crumbs": [{"label": "Domains", "url": reverse("domains")}, {"label": name}],
        "may_change": shows(request, Verb.CHANGE, Kind.DOMAIN, row.domain.organization_id),
        "may_make": shows(request, Verb.CREATE, Kind.MAILBOX, row.domain.organization_id),
        "may_decide": shows(request, Verb.DECIDE, Kind.REQUEST, row.domain.organization_id),
        "next": next_step(request, row),
    }


def next_step(request: HttpRequest, row: DomainRow) -> dict[str, str] | None:
    """The one button of a domain: {url, label}; None where this person may not press it."""
    step, name, organization_id = row.standing.next_step, row.domain.name, row.domain.organization_id
    if step == "connect" and not shows(request, Verb.CREATE, Kind.REPOSITORY, organization_id):
        return None
    if step == "requests" and not shows(request, Verb.DECIDE, Kind.REQUEST, organization_id):
        step = "addresses"
    at = {"domain": name}
    urls = {
        "connect": lambda: reverse("repository-new", kwargs=at),
        "repository": lambda: reverse("repository", kwargs=at),
        "checks": lambda: reverse("domain-checks", kwargs=at),
        "runs": lambda: f"{reverse('runs')}?domain={name}",
        "requests": lambda: reverse("domain-requests", kwargs=at),
        "addresses": lambda: reverse("addresses", kwargs=at),
        "unconfirmed": lambda: f"{reverse('addresses', kwargs=at)}?only=unconfirmed",
        "run": lambda: (
            reverse("run", kwargs={"run_id": row.stopped_run_id})
            if row.stopped_run_id
            else reverse("repository", kwargs=at)
        ),
    }
    if step not in urls:
        return None
    label = row.standing.button if step == row.standing.next_step else "Addresses"
    return {"url": urls[step](), "label": label}


def domain_cards(request: HttpRequest) -> list[dict[str, Any]]:
    """One card per domain of the chosen organization, those that need a person first."""
    seen = narrowed(request, access.visible_to(actor_of(request), Domain), "organization_id")
    now = timezone.now()
    rows = domain_rows(with_counts(seen).order_by("name")[:MOST_DOMAINS], now)
    stacks = access.visible_to(actor_of(request), Stack).select_related("domain")
    lines = canary_lines(stacks.filter(domain__in=[row.domain.pk for row in rows]), now)
    return [
        {
            "row": row,
            "standing": row.standing,
            "url": reverse("domain", kwargs={"domain": row.domain.name}),
            "next": next_step(request, row),
            "facts": _facts(row.facts),
            "canary_line": lines.get(row.domain.pk),
        }
        for row in rows
    ]


def _facts(facts: sentences.DomainFacts) -> list[str]:
    lines = [
        sentences.amount(facts.addresses, "address", "addresses"),
        sentences.amount(facts.requests, "request waiting", "requests waiting")
        if facts.requests
        else "no requests",
    ]
    if facts.unconfirmed:
        lines.append(f"{sentences.counted_in_words(facts.unconfirmed)} unconfirmed")
    return lines


def adding_url(request: HttpRequest) -> str:
    """Where a domain is added; empty for those who may not anywhere."""
    mine = [chosen_organization(request)] if chosen_organization(request) else organizations_of(request)
    may = any(each is not None and shows(request, Verb.CREATE, Kind.DOMAIN, each.pk) for each in mine)
    return reverse("domain-new") if may else ""


@page()
def domains(request: HttpRequest) -> HttpResponse:
    cards = domain_cards(request)
    standings = [card["standing"] for card in cards]
    context = {
        "cards": cards,
        "headline": sentences.domains_headline(standings),
        "add_url": adding_url(request),
        "shows_organization": chosen_organization(request) is None,
    }
    return render(request, "panel/domain/list.html", context)


class DomainForm(forms.Form):
    organization = forms.ModelChoiceField(queryset=Organization.objects.none(), label="Organization")
    name = Typed(
        label="Domain",
        widget=plain_input(maxlength="253", autocomplete="off", placeholder="example.org"),
        help_text="The part after the @. You need not own a server for it yet.",
    )


@page(methods=("GET", "HEAD", "POST"))
def domain_new(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    able = [each for each in organizations_of(request) if shows(request, Verb.CREATE, Kind.DOMAIN, each.pk)]
    if not able:
        access.require_create(actor, Kind.DOMAIN, chosen_organization(request))
        return redirect("organization-new")  # an operator's first step: domains need an owner
    form = DomainForm(request.POST or None, initial={"organization": chosen_organization(request) or able[0]})
    choices = access.visible_to(actor, Organization).filter(pk__in=[each.pk for each in able])
    field = form.fields["organization"]
    field.queryset = choices  # type: ignore[attr-defined]
    if len(able) == 1:
        field.widget = forms.HiddenInput()
    tried: Tried[Domain] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.create_domain(actor=actor, **form.cleaned_data))
        if tried.value is not None:
            tell(request, f"{tried.value.name} was added. Next, say where its users are kept.")
            return redirect("domain", domain=tried.value.name)
    return show(request, "panel/domain/new.html", {"form": form, "lefts": lefts(able, "domain")}, tried)


@page()
def domain(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    context, now = domain_context(request, row, "domain"), timezone.now()
    rows = access.visible_to(actor_of(request), Stack).select_related("domain")
    stack = rows.filter(domain=row.domain).first()
    return render(
        request,
        "panel/domain/overview.html",
        {
            **context,
            "facts": _facts(row.facts),
            "canary_line": canary_line(stack, now) if stack is not None else None,
            "events": event_lines(_events(request, row.domain)[:8], now),
            "public_url": public_url(row.domain),
            "has_repository": row.facts.connected,
            "may_stack": shows(request, Verb.CREATE, Kind.STACK, row.domain.organization_id),
        },
    )


def _events(request: HttpRequest, domain: Domain) -> Any:
    return with_proof(access.visible_to(actor_of(request), Event).filter(domain=domain))


def public_url(domain: Domain) -> str:
    """The page on which strangers ask for an address; empty while it is closed."""
    if not domain.is_open:
        return ""
    return settings.BASE_URL + reverse("ask", kwargs={"domain": domain.name})


def asking_sentence(domain: Domain) -> str:
    """Who may ask, and who decides."""
    return {
        Domain.Requests.CLOSED: f"Nobody can ask for an address at {domain.name}.",
        Domain.Requests.INVITATION: f"Whoever has an invitation can ask for an address at {domain.name}.",
        Domain.Requests.MODERATED: f"Anyone can ask for an address at {domain.name}, and you decide.",
        Domain.Requests.AUTOMATIC: f"Anyone can ask for an address at {domain.name}; a rule gives some.",
    }[Domain.Requests(domain.requests)]


class SettingsForm(forms.Form):
    requests = forms.ChoiceField(
        label="Who may ask for an address",
        choices=[
            (Domain.Requests.CLOSED, "Nobody: I make all addresses myself"),
            (Domain.Requests.INVITATION, "Whoever has an invitation of ours"),
            (Domain.Requests.MODERATED, "Anyone, on a public page; I decide each request"),
            (
                Domain.Requests.AUTOMATIC,
                "Anyone, on a public page; a rule gives some, I decide the rest",
            ),
        ],
        widget=forms.RadioSelect,
    )
    submission_host = Typed(
        label="Name of the mail server",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="What mail programs connect to, on port 465.",
    )


@page(methods=("GET", "HEAD", "POST"))
def domain_settings(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing = row.domain
    initial = {"requests": thing.requests, "submission_host": thing.submission_host}
    form = SettingsForm(request.POST or None, initial=initial)
    form.fields["submission_host"].widget.attrs["placeholder"] = f"smtp.{thing.name}"
    tried: Tried[Domain] | None = None
    if request.method == "POST":
        actor = actor_of(request)
        access.require(actor, Verb.CHANGE, thing)
        tried = try_form(form, lambda: actions.change_domain(actor=actor, domain=thing, **form.cleaned_data))
        if tried.ok:
            tell(request, f"The settings of {thing.name} are saved.")
            return redirect("domain-settings", domain=thing.name)
        thing.refresh_from_db(fields=["requests", "submission_host"])
    context = {
        **domain_context(request, row, "domain-settings"),
        "form": form,
        "may_see_roles": shows(request, Verb.VIEW, Kind.DOMAIN_ROLE, thing.organization_id),
        "asking": asking_sentence(thing),
        "public_url": public_url(thing),
        "has_repository": row.facts.connected,
        "repository": getattr(thing, "relay", None),
    }
    return show(request, "panel/domain/settings.html", context, tried)
