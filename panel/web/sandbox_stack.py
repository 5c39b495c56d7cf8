"""In the sandbox, one button makes ready what a mail stack needs first. Elsewhere there is no such page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel import sandbox_ready
from panel.web.domains import get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.errors import Absent

Kind, Verb = access.Kind, access.Verb


def may_make_ready(request: HttpRequest, organization_id: int) -> bool:
    """Is the button worth showing: in a sandbox, to whoever may do each of its parts?"""
    kinds = (Kind.STACK, Kind.HOST, Kind.REPOSITORY, Kind.ZONE, Kind.FIREWALL, Kind.IMAGE)
    return settings.SANDBOX and all(shows(request, Verb.CREATE, each, organization_id) for each in kinds)


@page(methods=("POST",))
def stack_sandbox(request: HttpRequest, domain: str) -> HttpResponse:
    if not settings.SANDBOX:
        raise Absent
    row = get_domain(request, domain)
    sandbox_ready.make_ready(actor=actor_of(request), domain=row.domain)
    tell(
        request,
        "Host, name server and images of the sandbox are ready. Choose, and read the plan.",
    )
    return redirect("stack-new", domain=row.domain.name)
