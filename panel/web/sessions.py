"""Where one is signed in: the list of one's sessions, and buttons that close them."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.sessions import SessionStore
from panel.web.account import person
from panel.web.handling import actor_of, page, tell
from tenants.actions import sessions as actions
from tenants.formats.agents import in_words

MOST = 200


@page(without_factor=True)
def sessions(request: HttpRequest) -> HttpResponse:
    here = cast(SessionStore, request.session).digest
    rows = person(request).sessions.filter(expire_date__gt=timezone.now()).order_by("-seen_at")[:MOST]
    found = [
        {
            "row": row,
            "name": row.session_key[: actions.NAME_LENGTH],
            "browser": in_words(row.agent),
            "here": row.session_key == here,
        }
        for row in rows
    ]
    found.sort(key=lambda each: not each["here"])
    others = sum(not each["here"] for each in found)
    return render(request, "account/sessions.html", {"sessions": found, "others": others})


@page(methods=("POST",), without_factor=True)
def session_close(request: HttpRequest) -> HttpResponse:
    """One that is named, or all but this one."""
    actor, name = actor_of(request), request.POST.get("session", "")
    if name:
        actions.close_session(actor=actor, name=name)
        tell(request, "That browser was signed out.")
    else:
        actions.close_other_sessions(actor=actor, keep=cast(SessionStore, request.session).digest)
        tell(request, "All your other browsers were signed out.")
    return redirect("account-sessions")
