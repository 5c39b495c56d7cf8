"""Sessions in the database (SESSION_ENGINE): the cookie has the key, the row its digest only.

Whoever reads the database, or a copy of it, gets no session by that. A row also says whose it is, from where
and since when, for the list on the page of the account.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth import SESSION_KEY as ACCOUNT_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest
from django.utils import timezone

from tenants.models import Session

# A last use is noted at most this often.
NOTED_EVERY = timedelta(minutes=1)
_ABOUT = "about_session"
_LONGEST_AGENT = 300


def digest(key: str) -> str:
    """What the database knows a session's key by. Keys are random and long: no salt is needed."""
    return hashlib.sha256(f"rookery session {key}".encode()).hexdigest()


class SessionStore(DatabaseStore):
    """As Django's, with digests in place of keys, and the columns of `tenants.models.Session`."""

    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    @property
    def digest(self) -> str:
        """Of the key that this session has now; "" before it has one."""
        return digest(self.session_key) if self.session_key else ""

    def _get_session_from_db(self) -> Session | None:
        live = Session.objects.filter(session_key=self.digest, expire_date__gt=timezone.now())
        self.row = live.first() if self.session_key else None
        if self.row is None:
            self._session_key = None
        return self.row

    async def _aget_session_from_db(self) -> Session | None:
        live = Session.objects.filter(session_key=self.digest, expire_date__gt=timezone.now())
        self.row = await live.afirst() if self.session_key else None
        if self.row is None:
            self._session_key = None
        return self.row

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return self._described(cast(Session, super().create_model_instance(data)), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        row = await super().acreate_model_instance(data)
        return self._described(cast(Session, row), data)

    def _described(self, row: Session, data: dict[str, Any]) -> Session:
        row.session_key = digest(row.session_key)
        about = data.get(_ABOUT, {})
        row.account_id = int(data[ACCOUNT_KEY]) if ACCOUNT_KEY in data else None
        row.ip, row.agent = about.get("ip"), about.get("agent", "")
        if "begun" in about:
            row.begun_at = datetime.fromisoformat(about["begun"])
        elif self.row is not None:
            row.begun_at = self.row.begun_at
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest(key)).delete()

    async def adelete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            await Session.objects.filter(session_key=digest(key)).adelete()


def describe(request: HttpRequest) -> None:
    """Write down from where and when this session begins: its person has just signed in."""
    request.session[_ABOUT] = {
        "ip": getattr(request, "client_ip", None),
        "agent": request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:_LONGEST_AGENT],
        "begun": timezone.now().isoformat(),
    }


def note_use(store: SessionStore) -> None:
    """The session was used just now; written where that was not known to the minute."""
    row, now = store.row, timezone.now()
    if row is None or now - row.seen_at < NOTED_EVERY:
        return
    Session.objects.filter(pk=row.pk).update(seen_at=now)
