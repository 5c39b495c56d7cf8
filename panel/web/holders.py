"""Who holds an address: letting people in, handing it over; one's own note about it, and deleting it."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from panel.web import fragments
from panel.web.address import show_address
from panel.web.address_people import HolderForm, OwnNoteForm
from panel.web.crumbs import address_crumbs
from panel.web.fields import Tried, Typed, email_input, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.actions import holders as actions
from tenants.actions.mailboxes import trash_mailbox
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Holding, Mailbox

Verb = access.Verb


class HandOverForm(forms.Form):
    email = Typed(
        label="E-mail address of the new person",
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="They get a link to sign in, and are asked whether its mail may come there.",
    )
    keep_targets = forms.BooleanField(
        label="Its mail goes on to those who get it now",
        required=False,
        help_text="For the address of an office; not for one that somebody used for letters of their own.",
    )


class TypedAgainForm(forms.Form):
    address = Typed(
        label="Type the address to go on",
        widget=email_input(autocomplete="off", maxlength="320"),
    )


def _load(request: HttpRequest, domain: str, local_part: str) -> Mailbox:
    return fragments.load_mailbox(actor_of(request), domain__name=domain.lower(), local_part=local_part)


def _url(mailbox: Mailbox, name: str = "address") -> str:
    return reverse(name, kwargs={"domain": mailbox.domain.name, "local_part": mailbox.local_part})


@page(methods=("POST",))
def holder_add(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    form = HolderForm(request.POST)
    tried = try_form(
        form,
        lambda: actions.add_holder(
            actor=actor_of(request), mailbox=mailbox, email=form.cleaned_data["email"]
        ),
    )
    if tried.value is None:
        return show_address(request, mailbox, tried, holder_form=form)
    tell(request, f"We wrote to {tried.value.account.email}; they hold {mailbox} now, too.")
    return redirect(_url(mailbox))


@page(methods=("POST",))
def holder_remove(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """Let somebody go, or leave; whoever left sees the address no more."""
    mailbox = _load(request, domain, local_part)
    email = request.POST.get("email", "")
    if not email or "\0" in email or len(email) > 254:
        raise Absent
    try:
        actions.remove_holder(actor=actor_of(request), mailbox=mailbox, email=email)
    except (Invalid, Conflict) as error:
        refuse(request, error)
        return redirect(_url(mailbox))
    tell(request, f"{email} does not hold {mailbox} any more.")
    still_seen = access.may(actor_of(request), Verb.VIEW, mailbox)
    return redirect(_url(mailbox) if still_seen else reverse("own-addresses"))


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def hand_over(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """What handing over means, before it is done."""
    mailbox = _load(request, domain, local_part)
    actor = actor_of(request)
    access.require(actor, Verb.MANAGE, mailbox)
    form = HandOverForm(request.POST or None)
    tried: Tried[Mailbox] | None = None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.hand_over(actor=actor, mailbox=mailbox, **form.cleaned_data),
        )
        if tried.ok:
            tell(request, f"{mailbox} was handed over to {form.cleaned_data['email']}; we wrote to them.")
            return redirect(_url(mailbox))
    holders = [row.account.email for row in mailbox.holdings.select_related("account").order_by("since")]
    context = {
        "mailbox": mailbox,
        "form": form,
        "holders": holders,
        "url": _url(mailbox),
        "crumbs": address_crumbs(actor, mailbox, "Hand over"),
    }
    return show(request, "panel/address/hand-over.html", context, tried)


@page(methods=("POST",))
def own_note(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    form = OwnNoteForm(request.POST)

    def act() -> Holding:
        return actions.change_own_note(
            actor=actor_of(request), mailbox=mailbox, note=form.cleaned_data["own_note"]
        )

    tried = try_form(form, act, typed_in={"note": "own_note"})
    if not tried.ok:
        return show_address(request, mailbox, tried, own_note_form=form)
    tell(request, "Your note is saved.")
    return redirect(_url(mailbox))


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def delete_own(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """Who holds an address alone deletes it; they cannot bring it back themselves, so it is typed again."""
    mailbox = _load(request, domain, local_part)
    actor = actor_of(request)
    access.require(actor, Verb.DELETE, mailbox)
    if not access.holds(actor, mailbox):
        raise Forbidden("You do not hold this address. Put it into the trash on its page.")
    form = TypedAgainForm(request.POST or None)
    tried: Tried[Mailbox] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: _delete(request, mailbox, form))
        if tried.ok:
            tell(request, f"{mailbox} was deleted. Mail to it is not taken any more.")
            return redirect("own-addresses")
    context = {
        "mailbox": mailbox,
        "form": form,
        "url": _url(mailbox),
        "crumbs": address_crumbs(actor, mailbox, "Delete"),
    }
    return show(request, "panel/address/delete.html", context, tried)


def _delete(request: HttpRequest, mailbox: Mailbox, form: forms.Form) -> Mailbox:
    if form.cleaned_data["address"].lower() != str(mailbox):
        raise Invalid.of("address", "That is not the address.", f"Type {mailbox} to delete it.")
    return trash_mailbox(actor=actor_of(request), mailbox=mailbox)
