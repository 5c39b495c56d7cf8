"""The pages behind links in mails: opening one shows a button, pressing it confirms."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from panel.web.fields import Tried, show
from panel.web.handling import actor_of, page
from tenants.actions import requests, targets
from tenants.errors import Absent


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def confirm_request(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm that one asked for an address. Who knows this link need not know the request's own page."""
    try:
        before = requests.find_by_confirmation(token)
        row = before
        if request.method == "POST":
            row = requests.confirm_request(actor=actor_of(request), confirm_token=token)
    except Absent:
        return _unknown(request)
    context = {
        "asked": row,
        "address": f"{row.local_part}@{row.domain.name}",
        "organization": row.domain.organization,
        "host_name": row.domain.name,
        "pressed_now": request.method == "POST" and before.confirmed_at is None,
    }
    return show(request, "public/confirm-request.html", context)


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def confirm_target(request: HttpRequest, token: str) -> HttpResponse:
    """Agree to get an address's mail."""
    try:
        before = targets.find_target_by_token(token)
        row = before
        if request.method == "POST":
            row = targets.confirm_target(actor=actor_of(request), token=token)
    except Absent:
        return _unknown(request)
    context = {
        "target": row,
        "mailbox": row.mailbox,
        "organization": row.mailbox.domain.organization,
        "host_name": row.mailbox.domain.name,
        "pressed_now": request.method == "POST" and before.confirmed_at is None,
    }
    return show(request, "public/confirm-target.html", context)


def _unknown(request: HttpRequest) -> HttpResponse:
    return show(request, "public/unknown-link.html", {}, Tried(ok=False, status=404))
