"""The git host of a repository: how it is set up, what would be done, and having exactly that done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.repositories import repository_crumbs
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import git_hosts
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import HostSetup, Repository
from tenants.same_by_hand.places import git_host_by_hand

Kind, Verb, State = access.Kind, access.Verb, HostSetup.State
BADGES = {
    State.UNKNOWN: ("off", "Not looked at"),
    State.READY: ("ok", "Set up"),
    State.TODO: ("todo", "To be done"),
    State.BY_HAND: ("todo", "By hand"),
    State.FAILED: ("fail", "Not seen"),
}


def _lines(label: str, help_text: str) -> Typed:
    return Typed(
        label=label,
        required=False,
        mark_optional=True,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        help_text=help_text,
    )


class KeysForm(forms.Form):
    readers = _lines("Public keys that fetch", "One on each line, as ssh-ed25519 AAAA…")
    writers = _lines("Public keys that fetch and push", "The primary's: it writes what unikernels tell it.")

    def __init__(self, *args: Any, repository: Repository, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if repository.kind == Repository.Kind.RELAY:
            del self.fields["writers"]

    def keys(self) -> dict[str, list[str]]:
        """The lines of each field that are not empty."""
        return {
            name: [line for line in text.splitlines() if line.strip()]
            for name, text in self.cleaned_data.items()
        }


def _load(request: HttpRequest, domain: str, repository_id: int) -> tuple[DomainRow, Repository]:
    """The domain's relay repository, or a zone repository of its organization."""
    row = get_domain(request, domain)
    seen = access.visible_to(actor_of(request), Repository).filter(organization=row.domain.organization_id)
    thing = seen.select_related("sync_target", "organization", "domain").filter(pk=repository_id).first()
    if thing is None or thing.domain_id not in (None, row.domain.pk):
        raise Absent
    return row, thing


@page(methods=("GET", "HEAD", "POST"))
def git_host(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    """What was seen last; a POST asks for a look."""
    row, thing = _load(request, domain, repository_id)
    setup = HostSetup.objects.filter(repository=thing).first()
    if request.method != "POST":
        return _show(request, row, thing, setup, KeysForm(initial=_initial(setup), repository=thing), None)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    form = KeysForm(request.POST, repository=thing)
    tried = try_form(form, lambda: git_hosts.look_at_git_host(actor=actor, repository=thing, **form.keys()))
    if tried.ok:
        tell(request, "A worker looks at it now. Nothing is changed.")
        return redirect("git-host", domain=row.domain.name, repository_id=thing.pk)
    return _show(request, row, thing, setup, form, tried)


def _initial(setup: HostSetup | None) -> dict[str, str]:
    keys = setup.keys if setup is not None else []
    return {
        name: "\n".join(each["key"] for each in keys if each["writes"] is writes)
        for name, writes in (("readers", False), ("writers", True))
    }


@page(methods=("POST",))
def git_host_prepare(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    """Have the plan carried out that was on the page."""
    row, thing = _load(request, domain, repository_id)
    plan = request.POST.get("plan", "")[:100]
    try:
        git_hosts.prepare_git_host(actor=actor_of(request), repository=thing, plan=plan)
        tell(request, "A worker does exactly this now, and looks again afterwards.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("git-host", domain=row.domain.name, repository_id=thing.pk)


def _show(
    request: HttpRequest,
    row: DomainRow,
    thing: Repository,
    setup: HostSetup | None,
    form: KeysForm,
    tried: Tried[HostSetup] | None,
) -> HttpResponse:
    at = {"domain": row.domain.name, "repository_id": thing.pk}
    is_relay = thing.kind == Repository.Kind.RELAY
    if is_relay:
        crumbs = repository_crumbs(row.domain, thing, "Git host")
    else:
        crumbs = zone_crumbs(row.domain.name, "Git host")
    badge, word = BADGES[State(setup.state) if setup is not None else State.UNKNOWN]
    looked = setup.looked_at if setup is not None else None
    context = {
        **domain_context(request, row, "domain-settings" if is_relay else "zone"),
        "crumbs": crumbs,
        "repository": thing,
        "repository_url": reverse("repository", args=[row.domain.name])
        if is_relay
        else reverse("zone-repository", kwargs=at),
        "setup": setup,
        "badge": badge,
        "word": word,
        "looked": times.moment(looked, timezone.now(), relative=True),
        "is_moving": setup is not None and bool(setup.asked),
        "may_prepare": setup is not None and setup.state == State.TODO and not setup.asked,
        "is_by_hand": setup is not None and setup.state == State.BY_HAND,
        "form": form,
        "by_hand": git_host_by_hand(thing),
        "prepare_url": reverse("git-host-prepare", kwargs=at),
        "may_change": shows(request, Verb.CHANGE, Kind.REPOSITORY, thing.organization_id),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "panel/repository/git_host_now.html", context)
    return show(request, "panel/repository/git_host.html", context, tried)
