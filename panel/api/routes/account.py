"""One's own account."""

from __future__ import annotations

from django.urls import path

from panel.api.account import Me, Tokens
from panel.api.notices import NoticeChoices, Notices
from panel.api.routes import READ_AND_MAKE, Routes
from panel.api.sessions import Sessions

account: Routes = [
    path("", Me.as_view({"get": "retrieve", "delete": "destroy"}), name="account"),
    path("export/", Me.as_view({"get": "export"}), name="account-export"),
    path("sessions/", Sessions.as_view({"get": "list"}), name="sessions"),
    path(
        "sessions/close-others/", Sessions.as_view({"post": "close_other_sessions"}), name="sessions-others"
    ),
    path("sessions/<session_name:name>/", Sessions.as_view({"delete": "destroy"}), name="session"),
    path("notices/", Notices.as_view({"get": "list"}), name="notices"),
    path("notices/read/", Notices.as_view({"post": "mark_read"}), name="notices-read"),
    path(
        "notice-choices/", NoticeChoices.as_view({"get": "retrieve", "put": "choose"}), name="notice-choices"
    ),
    path("tokens/", Tokens.as_view(READ_AND_MAKE), name="tokens"),
    path("tokens/<id:token_id>/", Tokens.as_view({"get": "retrieve", "delete": "destroy"}), name="token"),
]
