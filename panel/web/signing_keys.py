"""The DKIM keys of a domain: the record of each, how the DNS stands to it, and the buttons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Secret, Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import signing_keys as actions
from tenants.actions.signing_keys import NewSigningKey
from tenants.errors import Conflict
from tenants.models import CheckLine, Domain, SigningKey
from tenants.same_by_hand.zones import signing_key_by_hand

Kind, Verb = access.Kind, access.Verb
# By the level of its line among the checks.
_SEEN = {
    "ok": ("ok", "As published"),
    "waiting": ("wait", "On its way"),
    "warn": ("todo", "Could be better"),
    "fail": ("fail", "Not as published"),
}


class SigningKeyForm(forms.Form):
    selector = Typed(
        label="Selector",
        widget=plain_input(maxlength="63", autocomplete="off", placeholder="s2026"),
        help_text="Part of its record's name. Take a new one for each key.",
    )
    algorithm = forms.ChoiceField(
        label="What the signer makes of its seed",
        choices=SigningKey.Algorithm.choices,
        initial=SigningKey.Algorithm.RSA_2048,
        widget=forms.RadioSelect,
    )
    seed = Secret(
        label="Seed of a signer that runs already",
        required=False,
        mark_optional=True,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text="Base64, as the signer has it. Empty: Rookery makes one and shows it once.",
    )


@page(methods=("GET", "HEAD", "POST"))
def signing_keys(request: HttpRequest, domain: str) -> HttpResponse:
    """The list; a POST makes one and shows its seed on the answer, the only page that ever has it."""
    row = get_domain(request, domain)
    actor, thing = actor_of(request), row.domain
    form = SigningKeyForm(request.POST if request.method == "POST" else None)
    tried: Tried[NewSigningKey] | None = None
    if request.method == "POST":
        access.require_create(actor, Kind.SIGNING_KEY, thing.organization)
        tried = try_form(
            form, lambda: actions.make_signing_key(actor=actor, domain=thing, **form.cleaned_data)
        )
        if tried.value is not None:
            return _made(request, row, tried.value)
    context = {
        **domain_context(request, row, "domain-settings"),
        **_keys(request, thing),
        "crumbs": settings_crumbs(thing.name, "DKIM keys"),
        "form": form,
    }
    if request.headers.get("HX-Request") == "true" and request.method == "GET":
        return render(request, "panel/signing_key/list.html", context)
    return show(request, "panel/signing_key/page.html", context, tried)


def _keys(request: HttpRequest, domain: Domain) -> dict[str, Any]:
    rows = access.visible_to(actor_of(request), SigningKey).filter(domain=domain).select_related("domain")
    keys = list(rows.order_by("retired_at", "selector"))
    lines = CheckLine.objects.filter(check_of__domain=domain, line__startswith="dkim:")
    said = {each.line.partition(":")[2]: each for each in lines}
    now = timezone.now()
    return {
        "keys": [_line(each, said.get(each.selector), now) for each in keys],
        "computing": any(not each.public_key and not each.problem for each in keys),
        "may_make": shows(request, Verb.CREATE, Kind.SIGNING_KEY, domain.organization_id),
        "may_change": shows(request, Verb.CHANGE, Kind.SIGNING_KEY, domain.organization_id),
    }


def _line(key: SigningKey, seen: CheckLine | None, now: Any) -> dict[str, Any]:
    return {
        "pk": key.pk,
        "id": str(key.pk),
        "selector": key.selector,
        "owner": key.owner,
        "algorithm": key.get_algorithm_display(),
        "record": key.record,
        "problem": key.problem,
        "by_hand": signing_key_by_hand(key),
        "retired": key.retired_at is not None,
        "made": times.moment(key.created_at, now),
        "badge": _badge(key, seen),
        "seen": seen.sentence if seen is not None and key.retired_at is None else "",
        "fix": seen.fix if seen is not None and key.retired_at is None else "",
    }


def _badge(key: SigningKey, seen: CheckLine | None) -> dict[str, str]:
    if key.problem:
        return {"state": "fail", "word": "Not computed"}
    if not key.public_key:
        return {"state": "live", "word": "Being computed"}
    if key.retired_at is not None:
        return {"state": "off", "word": "Retired"}
    state, word = _SEEN.get(seen.level if seen is not None else "", ("wait", "Not looked for yet"))
    return {"state": state, "word": word}


def _made(request: HttpRequest, row: DomainRow, new: NewSigningKey) -> HttpResponse:
    if not new.seed:
        tell(request, f"The key {new.row.selector} is kept. A worker computes its record.")
        return redirect("signing-keys", domain=row.domain.name)
    context = {
        **domain_context(request, row, "domain-settings"),
        "crumbs": settings_crumbs(row.domain.name, "New DKIM key"),
        "key": new.row,
        "seed": new.seed,
    }
    return show(request, "panel/signing_key/made.html", context)


def _key(request: HttpRequest, domain: str, key_id: int) -> SigningKey:
    thing = get_domain(request, domain).domain
    return access.get(actor_of(request), SigningKey, domain=thing, pk=key_id)


@page(methods=("POST",))
def signing_key_switch(request: HttpRequest, domain: str, signing_key_id: int) -> HttpResponse:
    key, in_use = _key(request, domain, signing_key_id), request.POST.get("in_use") == "on"
    actions.switch_signing_key(actor=actor_of(request), key=key, in_use=in_use)
    told = "is expected in the DNS again" if in_use else "is retired. Leave its record for a week"
    tell(request, f"The key {key.selector} {told}.")
    return redirect("signing-keys", domain=key.domain.name)


@page(methods=("POST",))
def signing_key_remove(request: HttpRequest, domain: str, signing_key_id: int) -> HttpResponse:
    key = _key(request, domain, signing_key_id)
    try:
        actions.remove_signing_key(actor=actor_of(request), key=key)
        tell(request, f"The key {key.selector} and its seed are gone.")
    except Conflict as error:
        refuse(request, error)
    return redirect("signing-keys", domain=key.domain.name)
