"""The page of one's own address: how it stands, its passphrase, who gets its mail, what happened to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web.account import person
from panel.web.address_state import standing_of, with_standing
from panel.web.fields import Tried, Typed, email_input, show, try_form
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import mailboxes, targets
from tenants.errors import Absent, Invalid, Problem
from tenants.models import Event, Mailbox

SHOWN_EVENTS = 50


class PassphraseForm(forms.Form):
    password_hash = Typed(widget=forms.HiddenInput)


class TargetForm(forms.Form):
    address = Typed(
        label="Also send it to",
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="We write there; mail goes there once its holder has pressed the button in our mail.",
    )


class ListedTargetForm(forms.Form):
    """The buttons in the rows of the list."""

    address = Typed(widget=forms.HiddenInput)


def own_mailbox(request: HttpRequest, mailbox_id: int) -> Mailbox:
    mine = with_standing(access.visible_to(actor_of(request), Mailbox))
    mailbox = mine.filter(pk=mailbox_id, holder=person(request), trashed_at=None).first()
    if mailbox is None:
        raise Absent
    return mailbox


@page(methods=("GET", "HEAD", "POST"))
def mailbox_mine(request: HttpRequest, mailbox_id: int) -> HttpResponse:
    mailbox = own_mailbox(request, mailbox_id)
    if request.method != "POST":
        return _address_page(request, mailbox)
    change = _CHANGES.get(request.POST.get("do", ""))
    if change is None:
        raise Invalid.of("do", "This button is not known.", "Load the page again and try once more.")
    return change(request, mailbox)


def _passphrase(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    form = PassphraseForm(request.POST)
    tried = try_form(
        form,
        lambda: mailboxes.set_passphrase(
            actor=actor_of(request), mailbox=mailbox, password_hash=form.cleaned_data["password_hash"]
        ),
    )
    if not tried.ok:
        return _address_page(request, mailbox, passphrase=form, tried=tried)
    tell(
        request,
        "The new passphrase is accepted. Until the last step below is done, mail programs log in with the"
        " old one.",
    )
    return redirect("mailbox-mine", mailbox_id=mailbox.pk)


def _add(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    form = TargetForm(request.POST)

    def act() -> str:
        try:
            row = targets.add_target(
                actor=actor_of(request), mailbox=mailbox, address=form.cleaned_data["address"]
            )
        except Invalid as error:
            # The action checks the whole list; here only one address is typed.
            problems = [Problem("address", each.problem, each.fix) for each in error.problems]
            raise Invalid(problems) from error
        return row.address

    tried = try_form(form, act)
    if not tried.ok:
        return _address_page(request, mailbox, target=form, tried=tried)
    tell(request, f"We wrote to {tried.value}. Mail goes there once the button in that mail was pressed.")
    return redirect("mailbox-mine", mailbox_id=mailbox.pk)


def _remove(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    address = _listed(request)
    targets.remove_target(actor=actor_of(request), mailbox=mailbox, address=address)
    tell(request, f"{address} is to get no more mail of {mailbox}. Add it again to undo this.")
    return redirect("mailbox-mine", mailbox_id=mailbox.pk)


def _again(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    address = _listed(request)
    targets.send_confirmation_again(actor=actor_of(request), mailbox=mailbox, address=address)
    tell(request, f"We wrote to {address} again. Only the link in the new mail works.")
    return redirect("mailbox-mine", mailbox_id=mailbox.pk)


def _listed(request: HttpRequest) -> str:
    form = ListedTargetForm(request.POST)
    address = str(form.cleaned_data["address"]) if form.is_valid() else ""
    if not address or "\0" in address:
        raise Absent
    return address


_CHANGES: dict[str, Callable[[HttpRequest, Mailbox], HttpResponse]] = {
    "passphrase": _passphrase,
    "add": _add,
    "remove": _remove,
    "again": _again,
}


def _address_page(
    request: HttpRequest,
    mailbox: Mailbox,
    *,
    passphrase: PassphraseForm | None = None,
    target: TargetForm | None = None,
    tried: Tried[Any] | None = None,
) -> HttpResponse:
    context = {
        **_state(mailbox),
        "mailbox": mailbox,
        "targets": mailbox.targets.order_by("pk"),
        "passphrase_form": passphrase or PassphraseForm(),
        "target_form": target or TargetForm(),
        "events": Event.objects.filter(mailbox=mailbox).order_by("-pk")[:SHOWN_EVENTS],
        "crumbs": [{"label": "Your account", "url": reverse("account")}, {"label": str(mailbox)}],
    }
    return show(request, "account/address.html", context, tried)


def _state(mailbox: Mailbox) -> dict[str, Any]:
    """What account/address-now.html shows."""
    now = timezone.now()
    standing = standing_of(mailbox, now)
    return {
        "standing": standing,
        "sentence": standing.sentence(str(mailbox), now),
        "proof": {"id": "address-proof", "label": f"the last change of {mailbox}", **standing.proof},
    }


@page()
def mailbox_mine_fragment(request: HttpRequest, mailbox_id: int) -> HttpResponse:
    """The part of the page that changes by itself, for js/live.js."""
    return render(request, "account/address-now.html", _state(own_mailbox(request, mailbox_id)))
