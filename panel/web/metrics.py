"""What Prometheus reads, for whoever has the token: `Authorization: Bearer …`. Without one set, no page."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from panel.metrics.http import REGISTRY
from panel.web.handling import for_machines


@for_machines
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All measures, in the text format of Prometheus."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Digests have one length, whatever was given.
    same = compare_digest(_digest(given.strip()), _digest(settings.METRICS_TOKEN))
    if scheme.lower() != "bearer" or not same:
        return HttpResponse(
            "Send the token of ROOKERY_METRICS_TOKEN: Authorization: Bearer …\n",
            status=401,
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
