"""Only the API, as it hangs in the panel."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("api/", include("panel.api.urls"))]
