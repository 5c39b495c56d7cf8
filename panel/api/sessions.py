"""Where one is signed in: one's own browsers, and signing them out."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.schema import operation
from panel.sessions import SessionStore
from tenants.actions import sessions as actions
from tenants.errors import Absent
from tenants.formats.agents import in_words
from tenants.models import ApiToken, Session


class SessionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What it is closed by.")
    browser = serializers.CharField(help_text="In words, as far as it says what it is.")
    ip = serializers.IPAddressField(allow_null=True)
    begun_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField(help_text="When it was last used, to the minute.")
    here = serializers.BooleanField(help_text="Whether this request came by it.")


class ClosedSerializer(serializers.Serializer[Any]):
    closed = serializers.IntegerField(help_text="How many browsers were signed out.")


class Sessions(ApiView):
    """A token has no say here: whoever stole one must not see, or lock out, its person."""

    noun, tag = "session", "Account"
    orders = {"-seen_at": ("-seen_at", "-pk")}
    without_factor = frozenset({"list", "destroy", "close_other_sessions"})

    @operation("Where you are signed in (in a browser only)", responses=SessionSerializer)
    def list(self, request: Request) -> Response:
        account = actions.own(self.actor)
        rows = account.sessions.filter(expire_date__gt=timezone.now())
        return self.page(rows, lambda found: [self._show(each) for each in found])

    @operation(
        "Sign one of your browsers out (in a browser only)", responses={200: SessionSerializer, 204: None}
    )
    def destroy(self, request: Request, name: str) -> Response:
        if self.actor.token:
            raise Absent
        row = actions.own(self.actor).sessions.filter(session_key__startswith=name).first()
        if row is None:
            raise Absent
        shown = self._show(row)
        return self.act(
            lambda: actions.close_session(actor=self.actor, name=name), lambda _: shown, status=204
        )

    @operation("Sign all your other browsers out (in a browser only)", responses=ClosedSerializer)
    def close_other_sessions(self, request: Request) -> Response:
        return self.act(
            lambda: actions.close_other_sessions(actor=self.actor, keep=self._here()),
            lambda closed: {"closed": closed},
        )

    def _here(self) -> str:
        """The digest of the session that this request came by."""
        if isinstance(self.request.auth, ApiToken):
            return ""
        return cast(SessionStore, self.request._request.session).digest

    def _show(self, row: Session) -> dict[str, Any]:
        shown = {
            "name": row.session_key[: actions.NAME_LENGTH],
            "browser": in_words(row.agent),
            "ip": row.ip,
            "begun_at": row.begun_at,
            "seen_at": row.seen_at,
            "here": row.session_key == self._here(),
        }
        return dict(SessionSerializer(shown).data)
