"""Deciding a request by the link in a mail: opening it shows two buttons, pressing one of them decides."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, show, try_form
from panel.web.handling import actor_of, page
from panel.web.requests import ReasonForm
from tenants.actions import decision_links
from tenants.errors import Absent, Forbidden, Invalid
from tenants.models import AddressRequest

CHOICES = {"approve": True, "refuse": False}


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def decide(request: HttpRequest, token: str) -> HttpResponse:
    """The link acts as the member to whom it was mailed, for this one request; nobody is signed in by it."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    try:
        # Counted first, so that guessing is.
        tried = _pressed(request, token, form) if request.method == "POST" else None
        if tried is not None and tried.value is not None:
            return show(request, "public/decided.html", _about(tried.value))
        if tried is not None and tried.status == 429:
            return show(request, "public/decision-over.html", {"form": form}, tried)
        link = decision_links.find_decision_link(token)
    except Absent:
        return show(request, "public/decision-over.html", {}, Tried(ok=False, status=404))
    context = {
        **_about(link.request),
        "decider": link.account,
        "is_refusing": request.POST.get("decision") == "refuse",
        "form": form,
        "works_until": times.moment(link.expires_at, timezone.now()),
    }
    return show(request, "public/decide.html", context, tried)


def _pressed(request: HttpRequest, token: str, form: ReasonForm) -> Tried[AddressRequest]:
    """A refusal of the action stays on the page; a link that decides no more is Absent."""
    choice = request.POST.get("decision", "")

    def act() -> AddressRequest:
        if choice not in CHOICES:
            raise Invalid.of("decision", "No button was pressed.", "Press one of the two.")
        return decision_links.decide_by_link(
            actor=actor_of(request), token=token, approve=CHOICES[choice], reason=form.cleaned_data["reason"]
        )

    try:
        return try_form(form, act)
    except Forbidden as error:
        form.add_error(None, error.sentence)
        return Tried(ok=False, status=403)


def _about(row: AddressRequest) -> dict[str, object]:
    now = timezone.now()
    return {
        "row": row,
        "address": row.address,
        "host_name": row.domain.name,
        "organization": row.domain.organization,
        "asked": times.moment(row.asked_at, now),
        "confirmed": times.moment(row.confirmed_at, now),
        "lapses": times.moment(row.decide_by, now),
    }
