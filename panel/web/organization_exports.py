"""An organization as one file: what is in it, asking for it with secrets or without, and fetching it once."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from panel.web.asked_exports import exports_told
from panel.web.fields import show
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse
from tenants import access
from tenants.actions import exports as actions
from tenants.actions.exports import AskedExport
from tenants.errors import Absent, Conflict
from tenants.models import Export, Organization


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def organization_export(request: HttpRequest, organization_id: int) -> HttpResponse:
    """How earlier ones ended; a POST asks for one. With secrets its key is on the answer, and on no other
    page."""
    thing = _organization(request, organization_id)
    asked = None
    if request.method == "POST":
        wanted = request.POST.get("secrets", "")
        if wanted not in {"", "1"}:
            raise Absent  # no choice of this page
        asked = actions.ask_for_organization_export(
            actor=actor_of(request), organization=thing, secrets=wanted == "1"
        )
    return _show(request, thing, asked)


@page(methods=("POST",))
@fresh_sign_in()
def organization_export_fetch(request: HttpRequest, organization_id: int) -> HttpResponse:
    """The file as a worker wrote it, sealed if it has secrets."""
    thing = _organization(request, organization_id)
    row = _rows(request, thing).filter(state__in=Export.OPEN).first()
    try:
        if row is None:
            raise Conflict("There is no export to fetch. Ask for one.")
        content = actions.fetch_export(actor=actor_of(request), export=row)
    except Conflict as error:
        refuse(request, error)
        answer = _show(request, thing)
        answer.status_code = 409
        return answer
    kind = "application/octet-stream" if row.has_secrets else "application/json"
    answer = HttpResponse(content, content_type=kind)
    ending = "sealed" if row.has_secrets else "json"
    name = f"{slugify(thing.name) or 'organization'}-{timezone.now():%Y-%m-%d}.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _organization(request: HttpRequest, organization_id: int) -> Organization:
    """For those who may take it along."""
    actor = actor_of(request)
    thing = access.get(actor, Organization, pk=organization_id)
    access.require_create(actor, access.Kind.EXPORT, thing)
    return thing


def _rows(request: HttpRequest, thing: Organization) -> QuerySet[Export]:
    rows = access.visible_to(actor_of(request), Export).filter(organization=thing, domain=None)
    return rows.select_related("organization", "asked_by").defer("archive").order_by("-pk")


def organization_crumbs(thing: Organization, last: str) -> list[dict[str, str]]:
    return [
        {"label": thing.name, "url": reverse("organization", kwargs={"organization_id": thing.pk})},
        {"label": last},
    ]


def _show(request: HttpRequest, thing: Organization, asked: AskedExport | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "organization": thing,
        "crumbs": organization_crumbs(thing, "Take it along"),
        "key": asked.key if asked is not None else "",
        **exports_told(_rows(request, thing)),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "panel/parts/exports_now.html", context)
    return show(request, "panel/organization/export.html", context)
