"""Readable, stable addresses of the pages: /d/example.org/addresses."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("panel.web.public_urls")),
    path("", include("panel.web.panel_urls")),
]
