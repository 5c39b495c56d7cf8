"""Downloads of a domain's addresses, written while they are read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from panel.web.domains import get_domain
from panel.web.handling import actor_of, page
from tenants import access
from tenants.exports import exported
from tenants.formats.address_export import as_csv, as_json
from tenants.models import Mailbox

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def download(lines: object, kind: str, name: str) -> StreamingHttpResponse:
    """A file that browsers keep rather than show; nothing on the way keeps a copy."""
    response = StreamingHttpResponse(lines, content_type=TYPES[kind])  # type: ignore[arg-type]
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


@page()
def addresses_export(request: HttpRequest, domain: str, kind: str) -> HttpResponse:
    """All addresses in use, as an import takes them; no secret is in it."""
    thing = get_domain(request, domain).domain
    rows = exported(access.visible_to(actor_of(request), Mailbox), thing)
    lines = as_csv(rows) if kind == "csv" else as_json(rows)
    answer: HttpResponseBase = download(lines, kind, f"addresses-{thing.name}")
    return answer  # type: ignore[return-value]
