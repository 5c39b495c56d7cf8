"""Handing a domain over: offered on its settings, accepted on a page of its own, by operators at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Secret, Tried, Typed, email_input, plain_input, show, try_form
from panel.web.frame import organizations_of, shows
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.quotas import lefts
from tenants import access
from tenants.actions import domain_offers as actions
from tenants.belongings import belongings_of
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Domain, DomainOffer, Organization

Kind, Verb = access.Kind, access.Verb


class OfferForm(forms.Form):
    email = Typed(
        label="E-mail address of its new owner",
        required=False,
        mark_optional=True,
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="They are mailed the code, and nobody else can use it. Empty: whoever has the code can.",
    )
    days = forms.IntegerField(
        label="Days that it stands", min_value=1, max_value=actions.MOST_DAYS, initial=14
    )


class HandOverForm(forms.Form):
    organization: Any = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Organization that gets it"
    )


class CodeForm(forms.Form):
    code = Secret(
        label="Code of the offer",
        widget=plain_input(maxlength="100", autocomplete="off"),
        help_text="Whoever offers a domain was shown it once, or it was mailed to you.",
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip()


def _load(request: HttpRequest, domain: str) -> tuple[Any, Domain]:
    """Owners only: the page names what is theirs."""
    row = get_domain(request, domain)
    access.require(actor_of(request), Verb.DELETE, row.domain)
    return row, row.domain


def _hand_over_form(request: HttpRequest, thing: Domain, data: Any = None) -> HandOverForm | None:
    actor = actor_of(request)
    if not actor.is_operator:
        return None
    form = HandOverForm(data)
    others = access.visible_to(actor, Organization).exclude(pk=thing.organization_id).order_by("name")
    form.fields["organization"].queryset = others  # type: ignore[attr-defined]
    return form


def _show(
    request: HttpRequest,
    row: Any,
    tried: Tried[Any] | None = None,
    *,
    form: OfferForm | None = None,
    at_once: HandOverForm | None = None,
    **more: Any,
) -> HttpResponse:
    thing = row.domain
    offer = DomainOffer.objects.filter(domain=thing).first()
    context = {
        **domain_context(request, row, "domain-settings"),
        "crumbs": settings_crumbs(thing.name, "Hand over"),
        "offer": offer,
        "belongings": belongings_of(thing),
        "form": form or OfferForm(),
        "at_once": at_once or _hand_over_form(request, thing),
        **more,
    }
    return show(request, "panel/domain/offer.html", context, tried)


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def domain_offer(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing = _load(request, domain)
    if request.method != "POST":
        return _show(request, row)
    form = OfferForm(request.POST)
    tried = try_form(
        form, lambda: actions.offer_domain(actor=actor_of(request), domain=thing, **form.cleaned_data)
    )
    if tried.value is None:
        return _show(request, row, tried, form=form)
    return _show(request, row, offered=tried.value)


@page(methods=("POST",))
def domain_offer_end(request: HttpRequest, domain: str) -> HttpResponse:
    _, thing = _load(request, domain)
    actions.take_back_offer(actor=actor_of(request), domain=thing)
    tell(request, f"{thing.name} is not offered any more.")
    return redirect("domain-offer", domain=thing.name)


@page(methods=("POST",))
@fresh_sign_in()
def domain_hand_over(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing = _load(request, domain)
    access.require(actor_of(request), Verb.MANAGE, thing)
    form = _hand_over_form(request, thing, request.POST)
    if form is None:
        raise Absent
    tried = try_form(
        form, lambda: actions.hand_over_domain(actor=actor_of(request), domain=thing, **form.cleaned_data)
    )
    if tried.value is None:
        return _show(request, row, tried, at_once=form)
    tell(request, f"{thing.name} belongs to {tried.value.organization} now.")
    return redirect("domain", domain=thing.name)


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def take_over(request: HttpRequest) -> HttpResponse:
    """First the code, then what it gives and for which organization; a POST with that accepts."""
    actor = actor_of(request)
    form = CodeForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if request.method != "POST":
        return show(request, "panel/domain/take-over.html", context)

    def look() -> DomainOffer:
        try:
            return actions.find_offer(actor, form.cleaned_data["code"])
        except Absent:
            raise Invalid.of(
                "code",
                "No offer that you can accept has this code.",
                "Ask whoever offers the domain: it may have ended, or be for another person.",
            ) from None

    tried = try_form(form, look)
    if tried.value is None:
        return show(request, "panel/domain/take-over.html", context, tried)
    offer = tried.value
    able = [
        each
        for each in organizations_of(request)
        if each.pk != offer.domain.organization_id and shows(request, Verb.CREATE, Kind.DOMAIN, each.pk)
    ]
    wanted = request.POST.get("organization", "")
    chosen = next((each for each in able if str(each.pk) == wanted), None)
    if chosen is not None:
        try:
            taken = actions.accept_offer(actor=actor, code=form.cleaned_data["code"], organization=chosen)
            tell(request, f"{taken.name} belongs to {chosen} now. Its mail went on meanwhile.")
            return redirect("domain", domain=taken.name)
        except (Invalid, Conflict) as error:
            refuse(request, error)
    context |= {
        "offer": offer,
        "code": form.cleaned_data["code"],
        "belongings": belongings_of(offer.domain),
        "able": able,
        "domains_left": lefts(able, "domain", named=True),
        "addresses_left": lefts(able, "mailbox", named=True),
    }
    return show(request, "panel/domain/take-over.html", context)
