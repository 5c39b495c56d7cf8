"""The trash of a domain: what is proved gone outside, what comes back, what is deleted for good and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import fragments, sentences, times
from panel.web.activity import address_url, cut
from panel.web.crumbs import below_domain, settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Typed, plain_input, show, try_form
from panel.web.fragments import run_url
from panel.web.frame import shows
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import trash as actions
from tenants.history import proved_by
from tenants.models import Domain, Evidence, Mailbox, SyncTarget
from tenants.relay_states import is_stopped, target_of

Kind, Verb = access.Kind, access.Verb
PAGE = 50
# While something is on its way the list asks again this often, then it stops: reloading starts anew.
LOOKS = 30


class DaysForm(forms.Form):
    days = forms.IntegerField(
        label="Days in the trash",
        min_value=1,
        max_value=366,
        help_text="So long an address can come back as it was. Then it is deleted for good.",
    )


class DeleteForm(forms.Form):
    address = Typed(
        label="Type the address to confirm",
        widget=plain_input(autocomplete="off", maxlength="320"),
    )


class EmptyForm(forms.Form):
    domain = Typed(
        label="Type the domain to confirm",
        widget=plain_input(autocomplete="off", maxlength="253"),
    )


@dataclass(frozen=True)
class TrashRow:
    """One address in the trash, ready to be drawn."""

    address: str
    url: str
    state: sentences.State
    sentence: str
    proof_url: str
    commit: str
    thrown: times.Moment | None
    kept_until: times.Moment | None
    restore_url: str
    delete_url: str


def outside(
    mailbox: Mailbox, target: SyncTarget | None, proved_at: datetime | None, now: datetime
) -> tuple[sentences.State, str]:
    """Whether the outside still has it: a state, and the sentence for it. Pure."""
    if target is None:
        return sentences.State("off", "Gone"), "It was never written to a mail server."
    if actions.is_gone(mailbox, target):
        since = proved_at or target.observed_at
        when = f" since {times.clock(since, now)}" if since else ""
        return sentences.State("ok", "Gone"), f"Gone outside{when}."
    if mailbox.local_part in target.proof.get("apart", {}):
        said = "Somebody changed it at the mail server, so it was left there. Decide what holds."
        return sentences.State("todo", "Still outside"), said
    if is_stopped(target):
        return sentences.State("fail", "Held up"), "Still outside: a person has to look at the repository."
    return sentences.ON_ITS_WAY, "Still being taken away from the mail server."


@page()
def domain_trash(request: HttpRequest, domain: str) -> HttpResponse:
    return _show(request, domain)


def _show(
    request: HttpRequest, name: str, tried: Any = None, empty_form: EmptyForm | None = None
) -> HttpResponse:
    row = get_domain(request, name)
    thing, now = row.domain, timezone.now()
    target = target_of(thing)
    url = reverse("domain-trash", kwargs={"domain": thing.name})
    trashed = access.mailboxes_in(actor_of(request), thing).filter(trashed_at__isnull=False)
    found = cut(proved_by(trashed, target), request.GET, url, size=PAGE)
    runs = {vars(each)["proved_by"] for each in found.rows} - {None}
    commits = dict(Evidence.objects.filter(run__in=runs, name="Commit").values_list("run_id", "value"))
    is_owner = shows(request, Verb.DELETE, Kind.DOMAIN, thing.organization_id)
    lines = [_row(each, thing, target, commits, now, is_owner=is_owner) for each in found.rows]
    looks = request.GET.get("look", "0")
    look = int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 4 else LOOKS
    moves = look < LOOKS and any(line.state.is_moving for line in lines)
    context = {
        **domain_context(request, row, "addresses"),
        "look_url": f"{url}?look={look + 1}" if moves and not request.GET.get("before") else "",
        "rows": lines,
        "pages": found.pages,
        "headline": headline(thing.name, lines, more=bool(found.pages["next_url"])),
        "days": thing.trash_days,
        "may_restore": shows(request, Verb.DELETE, Kind.MAILBOX, thing.organization_id),
        "is_owner": is_owner,
        "empty_form": empty_form or EmptyForm(),
        "crumbs": below_domain(thing.name, "Trash", home="addresses"),
    }
    return show(request, "panel/trash/list.html", context, tried)


def headline(name: str, rows: list[TrashRow], *, more: bool) -> str:
    if not rows:
        return f"The trash of {name} is empty."
    there = sum(row.state.word != "Gone" for row in rows)
    number = "Many addresses are" if more else sentences.amount(len(rows), "address is", "addresses are")
    if not there:
        return f"{number} in the trash of {name}, all proved gone outside."
    return f"{number} in the trash of {name}; {there} not proved gone yet."


def _row(
    mailbox: Mailbox,
    domain: Domain,
    target: SyncTarget | None,
    commits: Mapping[int, str],
    now: datetime,
    *,
    is_owner: bool,
) -> TrashRow:
    mailbox.domain = domain
    at = {"domain": domain.name, "local_part": mailbox.local_part}
    run_id, proved_at = vars(mailbox)["proved_by"], vars(mailbox)["proved_at"]
    state, sentence = outside(mailbox, target, proved_at, now)
    gone = state.word == "Gone"
    return TrashRow(
        address=str(mailbox),
        url=address_url(domain.name, mailbox.local_part),
        state=state,
        sentence=sentence,
        proof_url=run_url(run_id) if gone else _where_to_decide(domain, state),
        commit=commits.get(run_id, "")[:7] if gone else "",
        thrown=times.moment(mailbox.trashed_at, now),
        kept_until=times.moment(actions.kept_until(mailbox), now),
        restore_url=reverse("address-restore", kwargs=at),
        delete_url=reverse("address-delete", kwargs=at) if gone and is_owner else "",
    )


def _where_to_decide(domain: Domain, state: sentences.State) -> str:
    """Where a person sees what keeps an address outside; empty when nothing does."""
    at = {"domain": domain.name}
    places = {"todo": "findings", "fail": "repository"}
    return reverse(places[state.badge], kwargs=at) if state.badge in places else ""


@page(methods=("POST",))
def trash_empty(request: HttpRequest, domain: str) -> HttpResponse:
    """Delete for good all that is proved gone, after the domain's name was typed."""
    row = get_domain(request, domain)
    form = EmptyForm(request.POST)
    tried = try_form(
        form,
        lambda: actions.empty_trash(
            actor=actor_of(request), domain=row.domain, typed=form.cleaned_data["domain"]
        ),
    )
    if tried.value is None:
        return _show(request, domain, tried, form)
    done = tried.value
    left = f" {sentences.amount(done.left, 'is', 'are')} left." if done.left else ""
    tell(
        request, f"{sentences.amount(done.deleted, 'address was', 'addresses were')} deleted for good.{left}"
    )
    return redirect("domain-trash", domain=row.domain.name)


@page(methods=("GET", "HEAD", "POST"))
def address_delete(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """Delete one address for good: what goes and what stays, then the address typed."""
    row = get_domain(request, domain)
    mailbox = fragments.load_mailbox(actor_of(request), domain=row.domain, local_part=local_part)
    form, tried = DeleteForm(request.POST or None), None
    access.require(actor_of(request), Verb.DELETE, row.domain)
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.purge_mailbox(
                actor=actor_of(request), mailbox=mailbox, typed=form.cleaned_data["address"]
            ),
        )
        if tried.ok:
            tell(request, f"{mailbox} was deleted for good. Its name can be made again.")
            return redirect("domain-trash", domain=row.domain.name)
    target = target_of(row.domain)
    context = {
        **domain_context(request, row, "addresses"),
        "mailbox": mailbox,
        "form": form,
        "in_trash": mailbox.trashed_at is not None,
        "is_gone": mailbox.trashed_at is not None and actions.is_gone(mailbox, target),
        "crumbs": [
            {"label": "Domains", "url": reverse("domains")},
            {"label": row.domain.name, "url": reverse("addresses", kwargs={"domain": row.domain.name})},
            {"label": "Trash", "url": reverse("domain-trash", kwargs={"domain": row.domain.name})},
            {"label": mailbox.local_part},
        ],
    }
    return show(request, "panel/trash/delete.html", context, tried)


@page(methods=("GET", "HEAD", "POST"))
def trash_days(request: HttpRequest, domain: str) -> HttpResponse:
    """How long an address stays in the trash."""
    row = get_domain(request, domain)
    access.require(actor_of(request), Verb.CHANGE, row.domain)
    form, tried = DaysForm(request.POST or None, initial={"days": row.domain.trash_days}), None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.change_trash_days(
                actor=actor_of(request), domain=row.domain, days=form.cleaned_data["days"]
            ),
            typed_in={"trash_days": "days"},
        )
        if tried.ok:
            tell(
                request, f"Addresses of {row.domain.name} stay in the trash for {row.domain.trash_days} days."
            )
            return redirect("domain-settings", domain=row.domain.name)
    context = {
        **domain_context(request, row, "domain-settings"),
        "form": form,
        "crumbs": settings_crumbs(row.domain.name, "Days in the trash"),
    }
    return show(request, "panel/trash/days.html", context, tried)
