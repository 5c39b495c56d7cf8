"""Downloads of a domain's addresses, written while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from panel.web.domains import get_domain
from panel.web.handling import actor_of, page
from tenants import access
from tenants.exports import exported
from tenants.formats.address_export import as_csv, as_json
from tenants.models import Mailbox

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
LINES_AT_ONCE = 1000


def download(request: HttpRequest, lines: Iterable[str], kind: str, name: str) -> HttpResponse:
    """A file that browsers keep rather than show; nothing on the way keeps a copy.

    A short one is answered whole, a long one is streamed.
    """
    parts = _parts(iter(lines))
    first = "" if request.method == "HEAD" else next(parts, "")
    second = next(parts, None) if first else None
    response: HttpResponseBase
    if second is None:
        response = HttpResponse(first, content_type=TYPES[kind])
    else:
        whole = _joined([first, second], parts)
        response = StreamingHttpResponse(
            _without_waiting(whole) if isinstance(request, ASGIRequest) else whole, content_type=TYPES[kind]
        )
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "no-store"
    return cast(HttpResponse, response)


def _parts(lines: Iterator[str]) -> Iterator[str]:
    while part := "".join(islice(lines, LINES_AT_ONCE)):
        yield part


def _joined(read: list[str], parts: Iterator[str]) -> Iterator[str]:
    yield from read
    yield from parts


async def _without_waiting(parts: Iterator[str]) -> AsyncIterator[str]:
    """Read from the database in a thread, while the server does other things."""
    while part := await sync_to_async(lambda: next(parts, ""))():
        yield part


@page()
def addresses_export(request: HttpRequest, domain: str, kind: str) -> HttpResponse:
    """All addresses in use, as an import takes them; no secret is in it."""
    thing = get_domain(request, domain).domain
    rows = exported(access.visible_to(actor_of(request), Mailbox), thing)
    return download(
        request, as_csv(rows) if kind == "csv" else as_json(rows), kind, f"addresses-{thing.name}"
    )
