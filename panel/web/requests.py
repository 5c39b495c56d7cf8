"""Requests for addresses: what waits, and a yes or a no with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.activity import MOST_PARTS, address_url, cut
from panel.web.domains import asking_sentence, domain_context, get_domain, public_url
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.frame import narrowed, shows
from panel.web.handling import actor_of, next_url, page, tell
from panel.web.standing import decidable_requests
from tenants import access
from tenants.actions import requests as actions
from tenants.bounded import count, counts, first_of_each
from tenants.errors import ActionError, Conflict, Invalid
from tenants.lists import matching_requests
from tenants.models import AddressRequest, Domain
from tenants.same_by_hand.addresses import request_by_hand

Status = AddressRequest.Status
Kind, Verb = access.Kind, access.Verb
MOST_WAITING = 200
_ID = re.compile("[1-9][0-9]{0,17}")


class ReasonForm(forms.Form):
    reason = Typed(
        label="Reason",
        widget=forms.Textarea({"rows": 3, "maxlength": "500"}),
        help_text="It is sent to the person who asked.",
    )


class RefuseForm(ReasonForm):
    """One reason for several, which are boxes in the list."""

    request = forms.MultipleChoiceField(
        required=False,
        widget=forms.MultipleHiddenInput,
        error_messages={"invalid_choice": "A request that was chosen is not there any more."},
    )

    def __init__(self, data: QueryDict, seen: QuerySet[AddressRequest]) -> None:
        super().__init__(data)
        typed = [each for each in data.getlist("request")[:MOST_WAITING] if _ID.fullmatch(each)]
        self.rows = {str(row.pk): row for row in seen.filter(pk__in=typed)}
        self.fields["request"].choices = [(pk, pk) for pk in self.rows]  # type: ignore[attr-defined]


# What people look for, and which requests these are.
FILTERS: dict[str, tuple[str, frozenset[Status]]] = {
    "": ("All", frozenset(Status)),
    "waiting": ("Waiting", frozenset({Status.CONFIRMED})),
    "unconfirmed": ("Not confirmed", frozenset({Status.ASKED})),
    "approved": ("Approved", frozenset({Status.APPROVED})),
    "refused": ("Refused", frozenset({Status.REFUSED})),
    "ended": ("Ended otherwise", frozenset(AddressRequest.ENDED_OTHERWISE)),
}
LONGEST_SEARCH = 100


def _lines(
    request: HttpRequest, rows: Iterable[AddressRequest], now: datetime, *, choosable: bool = False
) -> list[dict[str, Any]]:
    return [
        {
            "pk": row.pk,
            "address": f"{row.local_part}@{row.domain.name}",
            "url": reverse("request", kwargs={"request_id": row.pk}),
            "target": row.target,
            "message": row.message,
            "because": row.waits_because,
            "state": sentences.request_state(row.status),
            "at": times.moment(row.decided_at or row.confirmed_at or row.asked_at, now),
            "lapses": times.moment(row.decide_by, now),
            "by": str(row.decided_by) if row.decided_by else "a rule" if row.given_to else "",
            "may_choose": choosable and may_decide_in(request, row.domain),
        }
        for row in rows
    ]


def may_decide_in(request: HttpRequest, domain: Domain) -> bool:
    """Is deciding worth showing for requests of this domain?"""
    return shows(request, Verb.DECIDE, Kind.REQUEST, domain.organization_id, domain_id=domain.pk)


def _lists(
    seen: QuerySet[AddressRequest], request: HttpRequest, url: str, domains: Sequence[int] = ()
) -> dict[str, Any]:
    """What waits (the oldest first), and all others by page; both only as far as they are looked for.

    `domains` are theirs, for an index knows the requests of each; nothing where they are all that there are.
    """
    now = timezone.now()
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    typed = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    numbers = counts({key or "all": seen.filter(status__in=each) for key, (_, each) in FILTERS.items()})
    found = matching_requests(seen, typed, domains).select_related("domain", "decided_by")
    statuses = FILTERS[only][1]
    wholes = [found.filter(domain=each) for each in domains] or [found]
    waiting = found.none()
    if Status.CONFIRMED in statuses:
        waits = [each.filter(status=Status.CONFIRMED).order_by("confirmed_at", "pk") for each in wholes]
        waiting = found.filter(pk__in=first_of_each(waits, MOST_WAITING)).order_by("confirmed_at", "pk")
    parts = [each.filter(status=status) for each in wholes for status in statuses - {Status.CONFIRMED}]
    others = cut(
        found.filter(status__in=statuses - {Status.CONFIRMED}),
        request.GET,
        url,
        parts=parts if len(parts) <= MOST_PARTS else (),
    )
    rows = _lines(request, waiting[:MOST_WAITING], now, choosable=True)
    return {
        "waiting": rows,
        "may_choose": any(row["may_choose"] for row in rows),
        "others": _lines(request, others.rows, now),
        "pages": others.pages,
        "counts": numbers,
        "chips": [
            {
                "label": label,
                "count": sentences.counted_in_words(numbers[key or "all"]),
                "url": f"{url}?{urlencode({k: v for k, v in (('only', key), ('q', typed)) if v})}",
                "current": key == only,
            }
            for key, (label, _) in FILTERS.items()
            if not key or key == only or numbers[key]
        ],
        "list_url": url,
        "here": request.get_full_path(),
        "only": only,
        "q": typed,
        "is_narrowed": bool(only or typed),
        "reason_form": ReasonForm(),
    }


@page()
def requests(request: HttpRequest) -> HttpResponse:
    return _list_page(request)


def _list_page(
    request: HttpRequest, form: RefuseForm | None = None, tried: Tried[int] | None = None
) -> HttpResponse:
    actor = actor_of(request)
    seen = narrowed(request, access.visible_to(actor, AddressRequest), "domain__organization_id")
    mine = count(narrowed(request, decidable_requests(actor), "domain__organization_id"))
    domains = narrowed(request, access.visible_to(actor, Domain), "organization_id")
    some = list(domains.order_by("pk").values_list("pk", flat=True)[: MOST_PARTS + 1])
    is_all = actor.is_operator or len(some) > MOST_PARTS
    lists = _lists(seen, request, reverse("requests"), () if is_all else some)
    context = {
        **lists,
        "headline": sentences.requests_headline(mine or lists["counts"]["waiting"], mine > 0),
    }
    if form is not None:
        context |= {"reason_form": form, "here": next_url(request, reverse("requests"))}
    return show(request, "panel/request/list.html", context, tried)


@page()
def domain_requests(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    seen = access.visible_to(actor_of(request), AddressRequest).filter(domain=row.domain)
    context = domain_context(request, row, "domain-requests")
    url = reverse("domain-requests", kwargs={"domain": row.domain.name})
    context |= _lists(seen, request, url, [row.domain.pk])
    context |= {
        "headline": sentences.requests_headline(row.facts.requests, context["may_decide"]),
        "public_url": public_url(row.domain),
        "asking": asking_sentence(row.domain),
    }
    return render(request, "panel/request/domain.html", context)


@page(methods=("POST",))
def requests_refuse(request: HttpRequest) -> HttpResponse:
    """Say no to all that were chosen, with one reason. What is wrong is said above the list."""
    actor = actor_of(request)
    waiting = access.visible_to(actor, AddressRequest).select_related("domain__organization")
    form = RefuseForm(request.POST, waiting)

    def act() -> int:
        chosen = [form.rows[pk] for pk in dict.fromkeys(form.cleaned_data["request"])]
        return actions.refuse_requests(actor=actor, requests=chosen, reason=form.cleaned_data["reason"])

    tried = try_form(form, act, typed_in={"requests": "request"})
    if tried.value is None:
        return _list_page(request, form, tried)
    tell(
        request, f"{sentences.amount(tried.value, 'request was', 'requests were')} refused; we wrote to each."
    )
    return redirect(next_url(request, reverse("requests")))


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
    may_decide = may_decide_in(request, row.domain)
    context = {
        "row": row,
        "address": address,
        "state": sentences.request_state(row.status),
        "headline": sentences.request_headline(address, row.target, row.status, decided_by),
        "timeline": _timeline(row, now, may_decide, decided_by),
        "asked": times.moment(row.asked_at, now),
        "lapses": times.moment(row.decide_by, now) if row.status == Status.CONFIRMED else None,
        "may_decide": may_decide and row.status == Status.CONFIRMED,
        "waits_for_others": row.status == Status.CONFIRMED and not may_decide,
        "form": form or ReasonForm(),
        "is_refusing": form is not None,
        "by_hand": request_by_hand(actor_of(request), row),
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
    by = f"By {decided_by}" if decided_by else "By a rule" if row.given_to else ""
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
        Status.TAKEN: {"title": "Not possible", "state": "fail", "detail": row.waits_because},
        Status.LAPSED: {"title": "Not decided", "state": "fail", "detail": "Nobody decided it in time"},
    }[Status(row.status)]
    confirmed = "done" if row.confirmed_at else "live" if row.status == Status.ASKED else "skip"
    reminded = [_stage("Reminded", "done", row.reminded_at, now, "By mail")] if row.reminded_at else []
    return [
        _stage("Asked", "done", row.asked_at, now, "By invitation" if row.invitation_id else ""),
        _stage("Confirmed by mail", confirmed, row.confirmed_at, now, f"At {row.target}"),
        *reminded,
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
