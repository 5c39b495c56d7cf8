"""Readable, stable addresses of the pages: /d/example.org/addresses."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("panel.web.public_urls")),
    path("", include("panel.web.panel_urls")),
    path("", include("panel.web.domain_urls")),
    path("", include("panel.web.zone_urls")),
    path("", include("panel.web.host_urls")),
]
