"""What somebody was told: the list behind the bell, and how they want to be told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web import times
from panel.web.account import person
from panel.web.fields import show, try_form
from panel.web.handling import actor_of, page, tell
from tenants.actions import notices as actions
from tenants.actions.digests import KEPT
from tenants.errors import Absent
from tenants.models import Notice
from tenants.notices import KINDS, Delivery, NoticeKind, kinds_for

SHOWN = 100


class NoticesForm(forms.Form):
    """A choice for each kind that this person gets and may choose about."""

    def __init__(self, data: Any, kinds: list[NoticeKind], chosen: dict[str, str]) -> None:
        super().__init__(data)
        for kind in kinds:
            self.fields[kind.name] = forms.ChoiceField(
                label=str(kind.title),
                help_text=str(kind.sentence),
                choices=Delivery.choices,
                initial=chosen[kind.name],
            )


def _line(row: Notice, seen: set[int]) -> dict[str, Any]:
    kind = KINDS.get(row.kind)
    return {
        "row": row,
        "path": row.path if row.pk in seen else "",
        "title": kind.title if kind is not None else "",
        "at": times.moment(row.at, timezone.now()),
    }


@page()
def notices(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    rows = actions.own_notices(actor).select_related("organization", "domain").order_by("-pk")
    newest = list(rows[:SHOWN])
    seen = actions.still_seen(actor, newest)
    context = {
        "lines": [_line(row, seen) for row in newest],
        "unread": any(row.read_at is None for row in newest),
        "newest": newest[0].pk if newest else 0,
        "days": KEPT.days,
        "is_cut": len(newest) == SHOWN,
    }
    return show(request, "account/notices.html", context)


@page(methods=("POST",))
def notices_read(request: HttpRequest) -> HttpResponse:
    """One that is named, or all up to the newest that the page showed."""
    one, up_to = (_number(request.POST.get(name, "")) for name in ("notice", "up_to"))
    read = actions.mark_notices_read(actor=actor_of(request), notice_id=one, up_to=up_to)
    if one is None:
        tell(request, "All were marked as read." if read else "All were read already.")
    return redirect("notices")


def _number(text: str) -> int | None:
    """An id from a form: nothing where there is none, and no such thing where it is none of ours."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Absent
    return int(text)


@page(methods=("GET", "HEAD", "POST"))
def account_notices(request: HttpRequest) -> HttpResponse:
    me, actor = person(request), actor_of(request)
    kinds = kinds_for(me.pk)
    form = NoticesForm(
        request.POST if request.method == "POST" else None,
        [each for each in kinds if not each.fixed],
        actions.chosen_by(me),
    )
    tried = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.choose_notices(actor=actor, choices=form.cleaned_data))
        if tried.ok:
            tell(request, "Saved." if tried.value else "Nothing was different.")
            return redirect("account-notices")
    context = {"form": form, "fixed": [each for each in kinds if each.fixed]}
    return show(request, "account/notice-choices.html", context, tried)
