"""All addresses of the panel. HTML under /, programs under /api/v1/."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("panel.web.urls")),
    path("api/", include("panel.api.urls")),
]

handler400 = "panel.web.errors.bad_request"
handler403 = "panel.web.errors.forbidden"
handler404 = "panel.web.errors.not_found"
handler500 = "panel.web.errors.broken"
