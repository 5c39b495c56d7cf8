"""The least that Django does for a request: one view, no middleware, no database, for uvicorn."""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use: nothing is signed here",
    MIDDLEWARE=[],
    LOGGING_CONFIG=None,
)


def nothing(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse(b"nothing\n", content_type="text/plain")


urlpatterns = [path("", nothing)]
application = get_asgi_application()
