"""Taking a zone along: as a file for other servers, and as commands."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.handling import page
from panel.web.zones import load_zone
from tenants.zone_exports import EXPORTS, exported_zone

ABOUT = {
    "bind": (
        "A BIND file",
        "Every name server and most providers read it.",
    ),
    "nsupdate": (
        "For nsupdate",
        "Gives another primary these records by signed updates (RFC 2136). Others that it has stay.",
    ),
    "git": (
        "As commands",
        "A shell script that does what Rookery does: commit, push, tell the primary, ask for the serial.",
    ),
}


@page()
def zone_export(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing = load_zone(request, domain)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Export"),
        "zone": thing,
        "forms": [
            {"form": form, "title": title, "about": about, "file": f"{thing.name}.{EXPORTS[form]}"}
            for form, (title, about) in ABOUT.items()
        ],
    }
    return render(request, "panel/zone/export.html", context)


@page()
def zone_download(request: HttpRequest, domain: str, form: str) -> HttpResponse:
    """One of them as a file that browsers keep rather than show."""
    _, thing = load_zone(request, domain)
    if form not in EXPORTS:
        raise Http404
    response = HttpResponse(exported_zone(thing, form), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{thing.name}.{EXPORTS[form]}"'
    response["Cache-Control"] = "no-store"
    return response
