"""Who asks: a program with a token, or a signed-in browser with its CSRF token."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as FrameworkSession
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from panel.api.errors import BadToken
from panel.middleware import actor_of as person_of
from tenants.actions.token_rows import find_token
from tenants.actor import Actor, Via
from tenants.models import Account, ApiToken

_LONGEST_KEY = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer rk_…` (RFC 6750). Another scheme is left to somebody else."""

    def authenticate(self, request: Request) -> tuple[Account, ApiToken] | None:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = key.strip()
        if not key.startswith(ApiToken.PREFIX) or len(key) > _LONGEST_KEY:
            raise BadToken
        token = find_token(key, getattr(request._request, "client_ip", None))
        if token is None:
            raise BadToken
        return token.account, token

    def authenticate_header(self, request: Request) -> str:
        given = request.META.get("HTTP_AUTHORIZATION", "").lower().startswith("bearer")
        return 'Bearer realm="rookery"' + (', error="invalid_token"' if given else "")


class SessionAuthentication(FrameworkSession):
    """The panel's own pages. Every write needs the CSRF token, as forms do."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(
                "The CSRF token of the panel is missing or old. Reload the page, then try again."
            ) from error


def actor_of(request: Request) -> Actor:
    """The actor behind an authenticated or anonymous request; a token narrows it."""
    http: Any = request._request
    token = request.auth
    if isinstance(token, ApiToken):
        return Actor(
            account=token.account,
            via=Via.API,
            ip=getattr(http, "client_ip", None),
            request_id=getattr(http, "request_id", ""),
            token=token.name,
            organization_id=token.organization_id,
            read_only=token.read_only,
            domain_id=token.domain_id,
            kinds=frozenset(token.kinds),
            verbs=frozenset(token.verbs),
        )
    if isinstance(request.user, Account):
        return person_of(http, Via.API)
    return Actor(via=Via.API, ip=getattr(http, "client_ip", None), request_id=getattr(http, "request_id", ""))
