"""Requests for addresses: what waits, and a yes or a no with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.activity import MOST_PARTS, address_url, cut
from panel.web.domains import domain_context, get_domain, public_url
from panel.web.fields import Typed
from panel.web.frame import narrowed, shows
from panel.web.handling import actor_of, page, tell
from panel.web.standing import decidable_requests
from tenants import access
from tenants.actions import requests as actions
from tenants.bounded import count
from tenants.errors import ActionError, Conflict, Invalid
from tenants.models import AddressRequest, Domain

Status = AddressRequest.Status
Kind, Verb = access.Kind, access.Verb
MOST_WAITING = 200


class ReasonForm(forms.Form):
    reason = Typed(
        label="Reason",
        widget=forms.Textarea({"rows": 3, "maxlength": "500"}),
        help_text="It is sent to the person who asked.",
    )


def _lines(rows: QuerySet[AddressRequest] | list[AddressRequest], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "address": f"{row.local_part}@{row.domain.name}",
            "url": reverse("request", kwargs={"request_id": row.pk}),
            "target": row.target,
            "message": row.message,
            "state": sentences.request_state(row.status),
            "at": times.moment(row.decided_at or row.confirmed_at or row.asked_at, now),
            "by": str(row.decided_by) if row.decided_by else "",
        }
        for row in rows
    ]


def _lists(
    seen: QuerySet[AddressRequest], request: HttpRequest, url: str, domains: Sequence[int] = ()
) -> dict[str, Any]:
    """What waits (the oldest first), and all others by page. `domains` are theirs: an index knows each."""
    now = timezone.now()
    seen = seen.select_related("domain", "decided_by")
    waiting = seen.filter(status=Status.CONFIRMED).order_by("confirmed_at", "pk")[:MOST_WAITING]
    decided = seen.exclude(status=Status.CONFIRMED)
    others = cut(decided, request.GET, url, parts=[decided.filter(domain=each) for each in domains])
    return {"waiting": _lines(waiting, now), "others": _lines(others.rows, now), "pages": others.pages}


@page()
def requests(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    seen = narrowed(request, access.visible_to(actor, AddressRequest), "domain__organization_id")
    mine = count(narrowed(request, decidable_requests(actor), "domain__organization_id"))
    domains = narrowed(request, access.visible_to(actor, Domain), "organization_id")
    some = list(domains.order_by("pk").values_list("pk", flat=True)[: MOST_PARTS + 1])
    is_all = actor.is_operator or len(some) > MOST_PARTS
    lists = _lists(seen, request, reverse("requests"), () if is_all else some)
    context = {
        **lists,
        "headline": sentences.requests_headline(mine or len(lists["waiting"]), mine > 0),
    }
    return render(request, "panel/request/list.html", context)


@page()
def domain_requests(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    seen = access.visible_to(actor_of(request), AddressRequest).filter(domain=row.domain)
    context = domain_context(request, row, "domain-requests")
    url = reverse("domain-requests", kwargs={"domain": row.domain.name})
    context |= _lists(seen, request, url)
    context |= {
        "headline": sentences.requests_headline(row.facts.requests, context["may_decide"]),
        "public_url": public_url(row.domain),
    }
    return render(request, "panel/request/domain.html", context)


def _load(request: HttpRequest, request_id: int) -> AddressRequest:
    return access.get(actor_of(request), AddressRequest, pk=request_id)


@page()
def request_page(request: HttpRequest, request_id: int) -> HttpResponse:
    return _show(request, _load(request, request_id))


def _show(
    request: HttpRequest,
    row: AddressRequest,
    *,
    form: ReasonForm | None = None,
    refusal: ActionError | None = None,
    status: int = 200,
) -> HttpResponse:
    row.refresh_from_db()
    now = timezone.now()
    address = f"{row.local_part}@{row.domain.name}"
    decided_by = str(row.decided_by) if row.decided_by else ""
    may_decide = shows(request, Verb.DECIDE, Kind.REQUEST, row.domain.organization_id)
    context = {
        "row": row,
        "address": address,
        "state": sentences.request_state(row.status),
        "headline": sentences.request_headline(address, row.target, row.status, decided_by),
        "timeline": _timeline(row, now, may_decide, decided_by),
        "asked": times.moment(row.asked_at, now),
        "may_decide": may_decide and row.status == Status.CONFIRMED,
        "waits_for_others": row.status == Status.CONFIRMED and not may_decide,
        "form": form or ReasonForm(),
        "is_refusing": form is not None,
        "refusal": refusal,
        "mailbox_url": address_url(row.domain.name, row.local_part) if row.mailbox_id else "",
        "crumbs": [
            {"label": "Requests", "url": reverse("requests")},
            {"label": row.domain.name, "url": reverse("domain-requests", kwargs={"domain": row.domain.name})},
            {"label": address},
        ],
    }
    return render(request, "panel/request/show.html", context, status=status)


def _timeline(row: AddressRequest, now: datetime, may_decide: bool, decided_by: str) -> list[dict[str, Any]]:
    """The parcel's way as the owner sees it."""
    by = f"By {decided_by}" if decided_by else ""
    decided: dict[str, Any] = {
        Status.ASKED: {"title": "Decided", "state": "todo"},
        Status.CONFIRMED: {
            "title": "Your decision" if may_decide else "Being decided",
            "state": "needs" if may_decide else "live",
        },
        Status.APPROVED: {"title": "Approved", "state": "done", "detail": by},
        Status.REFUSED: {"title": "Refused", "state": "fail", "detail": row.reason or by},
        Status.WITHDRAWN: {"title": "Taken back", "state": "fail", "detail": "By the person who asked"},
        Status.EXPIRED: {"title": "Expired", "state": "fail", "detail": "Nobody confirmed it in time"},
        Status.TAKEN: {"title": "Not possible", "state": "fail", "detail": "The address was taken already"},
    }[Status(row.status)]
    confirmed = "done" if row.confirmed_at else "live" if row.status == Status.ASKED else "skip"
    return [
        _stage("Asked", "done", row.asked_at, now),
        _stage("Confirmed by mail", confirmed, row.confirmed_at, now, f"At {row.target}"),
        {**decided, "at": row.decided_at, "when": str(times.moment(row.decided_at, now) or "")},
        {
            "title": "Written to the mail server",
            "state": "done" if row.mailbox_id else "todo" if row.status in AddressRequest.OPEN else "skip",
            "detail": "Its page shows the proof" if row.mailbox_id else "",
        },
    ]


def _stage(title: str, state: str, at: datetime | None, now: datetime, detail: str = "") -> dict[str, Any]:
    return {
        "title": title,
        "state": state,
        "at": at,
        "when": str(times.moment(at, now) or ""),
        "detail": detail,
    }


@page(methods=("POST",))
def request_approve(request: HttpRequest, request_id: int) -> HttpResponse:
    row = _load(request, request_id)
    try:
        mailbox = actions.approve_request(actor=actor_of(request), request=row)
    except Conflict as error:
        return _show(request, row, refusal=error, status=409)
    except Invalid as error:
        return _show(request, row, refusal=error, status=400)
    tell(request, f"{mailbox} was approved. Below you see how it reaches the mail server.")
    return redirect("address", domain=mailbox.domain.name, local_part=mailbox.local_part)


@page(methods=("POST",))
def request_refuse(request: HttpRequest, request_id: int) -> HttpResponse:
    row = _load(request, request_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, row, form=form, status=400)
    try:
        actions.refuse_request(actor=actor_of(request), request=row, reason=form.cleaned_data["reason"])
    except Conflict as error:
        return _show(request, row, refusal=error, status=409)
    except Invalid as error:
        for problem in error.problems:
            form.add_error("reason", str(problem))
        return _show(request, row, form=form, status=400)
    tell(
        request, f"The request for {row.local_part}@{row.domain.name} was refused; we wrote to {row.target}."
    )
    return redirect("request", request_id=row.pk)
