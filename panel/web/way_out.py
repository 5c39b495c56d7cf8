"""The way out of one domain: what is in an export, asking for one, and fetching it with its key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from panel.web.asked_exports import exports_told
from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page
from tenants import access
from tenants.actions import exports as actions
from tenants.actions.exports import AskedExport
from tenants.errors import Conflict
from tenants.models import Domain, Export

Kind = access.Kind


class KeyForm(forms.Form):
    key = Typed(
        label="Its key",
        widget=forms.PasswordInput({"maxlength": "100", "autocomplete": "off"}),
        help_text="43 characters that were shown when the export was asked for.",
    )


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def way_out(request: HttpRequest, domain: str) -> HttpResponse:
    """What is in it and how earlier ones ended; a POST asks for one and shows its key on the answer, the only
    page that ever has it."""
    thing = _domain(request, domain)
    if request.method != "POST":
        return _show(request, thing)
    asked = actions.ask_for_export(actor=actor_of(request), domain=thing)
    return _show(request, thing, asked=asked, form=KeyForm(initial={"key": asked.key}))


@page(methods=("POST",))
@fresh_sign_in("key")
def way_out_fetch(request: HttpRequest, domain: str) -> HttpResponse:
    """The archive as a file; nothing on the way keeps a copy."""
    thing = _domain(request, domain)
    form = KeyForm(request.POST)
    tried = try_form(form, lambda: _fetch(request, thing, form.cleaned_data["key"]))
    if tried.value is None:
        return _show(request, thing, form=form, tried=tried)
    answer = HttpResponse(tried.value, content_type="application/gzip")
    name = f"{thing.name}-{timezone.now():%Y-%m-%d}.tar.gz"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _domain(request: HttpRequest, name: str) -> Domain:
    """For those who may take it along."""
    thing = get_domain(request, name).domain
    access.require_create(actor_of(request), Kind.EXPORT, thing.organization)
    return thing


def _fetch(request: HttpRequest, domain: Domain, key: str) -> bytes:
    row = _rows(request, domain).filter(state__in=Export.OPEN).first()
    if row is None:
        raise Conflict("There is no export to fetch. Ask for one.")
    return actions.fetch_export(actor=actor_of(request), export=row, key=key)


def _rows(request: HttpRequest, domain: Domain) -> Any:
    rows = access.visible_to(actor_of(request), Export).filter(domain=domain)
    return rows.select_related("domain__organization", "asked_by").defer("archive").order_by("-pk")


def _show(
    request: HttpRequest,
    domain: Domain,
    *,
    asked: AskedExport | None = None,
    form: KeyForm | None = None,
    tried: Tried[bytes] | None = None,
) -> HttpResponse:
    context = {
        **domain_context(request, get_domain(request, domain.name), "domain-settings"),
        "crumbs": settings_crumbs(domain.name, "The way out"),
        "key": asked.key if asked is not None else "",
        "form": form or KeyForm(),
        **exports_told(_rows(request, domain)),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "panel/parts/exports_now.html", context)
    return show(request, "panel/domain/way_out.html", context, tried)
