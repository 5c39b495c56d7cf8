"""Pages for what went wrong. None of them says whether a thing exists that one may not see."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from panel.api import errors

log = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere (the setting CSRF_FAILURE_VIEW)."""
    return _page(request, 403)


def broken(request: HttpRequest) -> HttpResponse:
    """Our own mistake. Rendered without the frame: the database may be what is missing."""
    number = getattr(request, "request_id", "")
    if request.path.startswith("/api/"):
        return errors.broken_before_its_view(number)
    return HttpResponse(render_to_string("errors/500.html", {"number": number}), status=500)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    """With the frame for those who are signed in; bare when even that cannot be made."""
    if getattr(request, "actor", None) is not None:
        try:
            return render(request, f"errors/{status}.html", {"status": status}, status=status)
        except Exception:
            log.exception("the page for %s could not be framed", status)
    bare = {"status": status, "frame": {"layout": "public.html"}}
    return HttpResponse(render_to_string(f"errors/{status}.html", bare), status=status)
