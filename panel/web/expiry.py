"""The end of an address: when it is, and moving it on. The page behind the link in the reminder."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web import fragments
from panel.web.aliases import EXPIRY_IS_TYPED_IN, end_typed
from panel.web.crumbs import address_crumbs
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.actions import expiry as actions
from tenants.errors import Conflict, Invalid
from tenants.formats.ends import in_words, last_day
from tenants.models import Mailbox

Verb = access.Verb


class EndForm(forms.Form):
    expires_on = Typed(
        label="Last day",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text="Empty: it does not end by itself.",
    )


@page(methods=("GET", "HEAD", "POST"))
def address_expiry(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    initial = {"expires_on": last_day(mailbox.expires_at).isoformat()} if mailbox.expires_at else {}
    form = EndForm(request.POST or None, initial=initial)
    tried: Tried[Mailbox] | None = None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.change_expiry(
                actor=actor_of(request),
                mailbox=mailbox,
                expires_at=end_typed(form.cleaned_data["expires_on"]),
            ),
            typed_in=EXPIRY_IS_TYPED_IN,
        )
        if tried.ok:
            return _told(request, mailbox)
    now = timezone.now()
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    context = {
        "mailbox": mailbox,
        "at": at,
        "form": form,
        "until": in_words(mailbox.expires_at) if mailbox.expires_at else "",
        "days_left": max(0, (mailbox.expires_at - now).days) if mailbox.expires_at else None,
        "extended_until": in_words(now + timedelta(days=actions.extended_by(mailbox))),
        "may_manage": access.may(actor_of(request), Verb.MANAGE, mailbox) and not mailbox.trashed_at,
        "crumbs": address_crumbs(actor_of(request), mailbox, "Its end"),
    }
    return show(request, "panel/address/expiry.html", context, tried)


@page(methods=("POST",))
def address_extend(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    try:
        actions.extend_address(actor=actor_of(request), mailbox=mailbox)
    except (Invalid, Conflict) as error:
        refuse(request, error)
        return redirect("address-expiry", domain=mailbox.domain.name, local_part=mailbox.local_part)
    return _told(request, mailbox)


def _load(request: HttpRequest, domain: str, local_part: str) -> Mailbox:
    return fragments.load_mailbox(actor_of(request), domain__name=domain.lower(), local_part=local_part)


def _told(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    end = mailbox.expires_at
    tell(request, f"{mailbox} lasts until {in_words(end)}." if end else f"{mailbox} does not end by itself.")
    return redirect("address-expiry", domain=mailbox.domain.name, local_part=mailbox.local_part)
