"""Making addresses: one with its passphrase, and those that every domain should have in one go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web import sentences
from panel.web.crumbs import below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, email_input, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, tell
from panel.web.quotas import lefts_inside
from tenants import access
from tenants.actions import mailboxes as actions
from tenants.errors import Invalid
from tenants.models import Domain, Mailbox

Kind, Verb = access.Kind, access.Verb


class MailboxForm(forms.Form):
    local_part = Typed(
        label="The address",
        widget=plain_input(maxlength="64", autocomplete="off", **{"data-address-local": True}),
    )
    targets = Typed(
        label="Who gets the mail",
        widget=forms.Textarea(
            {"rows": 2, "maxlength": "2000", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="One address per line, all in one domain. Each gets a mail and must agree first.",
    )
    note = Typed(
        label="Note",
        required=False,
        mark_optional=True,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="For you and your team; it is never written to the mail server.",
    )
    password_hash = Typed(widget=forms.HiddenInput)


def target_list(typed: str) -> list[str]:
    """Addresses as typed: one per line, or with commas between them."""
    return [part.strip() for part in typed.replace(",", "\n").splitlines() if part.strip()]


@page(methods=("GET", "HEAD", "POST"))
def address_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.MAILBOX, thing)
    form = MailboxForm(request.POST or None, initial={"local_part": request.GET.get("name", "")[:64]})
    form.fields["local_part"].suffix = f"@{thing.name}"  # type: ignore[attr-defined]
    tried: Tried[Mailbox] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: _create(request, thing, form.cleaned_data))
        if tried.value is not None:
            made = tried.value
            tell(
                request,
                f"{made} was made. We wrote to whoever is to get its mail; they agree first.",
            )
            return redirect("address", domain=thing.name, local_part=made.local_part)
    context = {
        **domain_context(request, row, "addresses"),
        "form": form,
        "returned": request.method == "POST",
        "crumbs": below_domain(thing.name, "New address", home="addresses"),
        "lefts": lefts_inside(request, thing.organization, "mailbox"),
    }
    return show(request, "panel/address/new.html", context, tried)


def _create(request: HttpRequest, domain: Domain, typed: dict[str, Any]) -> Mailbox:
    if not typed["password_hash"]:
        raise Invalid.of(
            "password_hash", "The fingerprint is missing.", "Type a passphrase, or make an alias."
        )
    typed = {**typed, "targets": target_list(typed["targets"])}
    return actions.create_mailbox(actor=actor_of(request), domain=domain, **typed)


class OfferForm(forms.Form):
    """postmaster, abuse and hostmaster in one go (RFC 2142)."""

    names = forms.MultipleChoiceField(label="Addresses to make", widget=forms.CheckboxSelectMultiple)
    target = Typed(
        label="Who gets their mail",
        widget=email_input(autocomplete="email", maxlength="254"),
        help_text="We write there once for each; nothing flows before it agreed.",
    )


def _offer_form(
    request: HttpRequest, domain: Domain, missing: list[str], *, bound: bool = False
) -> OfferForm:
    account = actor_of(request).account
    initial = {"names": missing, "target": account.email if account is not None else ""}
    form = OfferForm(request.POST if bound else None, initial=initial)
    form.fields["names"].choices = [(each, each) for each in missing]  # type: ignore[attr-defined]
    form.fields["names"].label = f"Addresses to make at {domain.name}"
    return form


def _missing(request: HttpRequest, domain: Domain) -> list[str]:
    offered = actions.OFFERED_LOCAL_PARTS
    mailboxes = access.mailboxes_in(actor_of(request), domain).filter(local_part__in=offered)
    there = set(mailboxes.values_list("local_part", flat=True))
    return [each for each in offered if each not in there]


def offer(request: HttpRequest, domain: Domain, count: int) -> OfferForm | None:
    """The form that makes the usual addresses, for a list with `count` of them.

    Offered while a domain is new; later one makes them like any other.
    """
    if count > len(actions.OFFERED_LOCAL_PARTS) or not shows(
        request, Verb.CREATE, Kind.MAILBOX, domain.organization_id
    ):
        return None
    missing = _missing(request, domain)
    return _offer_form(request, domain, missing) if missing else None


@page(methods=("POST",))
def addresses_offered(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.MAILBOX, thing)
    form = _offer_form(request, thing, _missing(request, thing), bound=True)

    def make() -> int:
        # All or none: a quota that ends in the middle leaves nothing behind.
        with transaction.atomic():
            for name in form.cleaned_data["names"]:
                actions.create_mailbox(
                    actor=actor, domain=thing, local_part=name, targets=[form.cleaned_data["target"]]
                )
        return len(form.cleaned_data["names"])

    tried = try_form(form, make, typed_in={"targets": "target"})
    if tried.value is not None:
        tell(request, f"{sentences.amount(tried.value, 'address was', 'addresses were')} made.")
        return redirect("addresses", domain=thing.name)
    context = {
        **domain_context(request, row, "addresses"),
        "offer": form,
        "crumbs": below_domain(thing.name, "Usual addresses", home="addresses"),
    }
    return show(request, "panel/address/offered.html", context, tried)
