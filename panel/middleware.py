"""What every request passes: an id and a client address, security headers, and the actor that it acts as."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.logs import mask
from panel.sessions import SessionStore, note_use
from tenants import log_context
from tenants.actor import Actor, Via
from tenants.factors import lacking_for
from tenants.models import Account

GetResponse = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# What goes with every answer, also with those that are made before Django or a page is asked.
EVERY_ANSWER = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class PanelRequest(HttpRequest):
    """A request after our middleware; for type hints."""

    request_id: str
    client_ip: str | None
    actor: Actor


def client_ip(request: HttpRequest) -> str | None:
    """The client's address; forwarded headers count only behind a proxy that settings name."""
    peer = request.META.get("REMOTE_ADDR") or ""
    if peer in settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        hops = [hop.strip() for hop in forwarded if hop.strip()]
        while hops and hops[-1] in settings.TRUSTED_PROXIES:
            hops.pop()
        peer = hops[-1] if hops else peer
    try:
        return str(ipaddress.ip_address(peer))
    except ValueError:
        return None


class RequestContext:
    """Gives the request an id (also in the answer) and finds the client's address."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex  # type: ignore[attr-defined]
        request.client_ip = client_ip(request)  # type: ignore[attr-defined]
        if request.path == "/metrics":
            # Prometheus finds each web process by its address, and asks by that. Nothing in the answer hangs
            # on the name, and it is for whoever has the token.
            request.META["HTTP_HOST"] = urlsplit(settings.BASE_URL).netloc
        with log_context.working_for(request=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


def referrer_policy(request: HttpRequest) -> str:
    """No other site learns where somebody came from; of a page whose address is a secret, not even our own.

    `no-referrer` would say less still, but browsers then send the forms of the page with the origin `null`,
    which the CSRF check must refuse.
    """
    return "same-origin" if mask(request.path) == request.path else "strict-origin"


class SecurityHeaders:
    """No inline script or style, no frames, no referrer to other sites; private pages are not stored.

    Outside of what answers by itself: the way to TLS, static files, a host that is not ours.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in EVERY_ANSWER.items():
            response.setdefault(name, value)
        # Django's own has one for all pages.
        response["Referrer-Policy"] = referrer_policy(request)
        return response


class CurrentActor:
    """`request.actor` for HTML pages; the API sets its own after it knows the token."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = actor_of(request, Via.WEB)  # type: ignore[attr-defined]
        return self.get_response(request)


class StaffSessions:
    """An operator's session ends some hours after its sign-in, used or not. Notes uses of all sessions."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, Account):
            session = cast(SessionStore, request.session)
            row = session.row
            if row is not None and user.is_staff and timezone.now() - row.begun_at > settings.STAFF_SESSION:
                logout(request)
            elif row is not None and row.must_rotate:
                session.cycle_key()
            else:
                note_use(session)
        return self.get_response(request)


class NeededFactors:
    """Whoever lacks a second factor that they must have is led to setting one up, before anything else.

    Pages for everybody stay open; the API says it in its own way (panel.api.base).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        account = cast(PanelRequest, request).actor.account
        if account is None or getattr(view, "without_factor", False) or request.path.startswith("/api/"):
            return None
        return redirect("account-factors") if lacking_for(account) else None


def actor_of(request: HttpRequest, via: Via) -> Actor:
    user = getattr(request, "user", None)
    return Actor(
        account=user if isinstance(user, Account) and user.is_active else None,
        via=via,
        ip=getattr(request, "client_ip", None),
        request_id=getattr(request, "request_id", ""),
    )
