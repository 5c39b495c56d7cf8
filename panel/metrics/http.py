"""Requests that this process answered, by the template of the address: never the address itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from panel.metrics.database import WorkCollector

log = logging.getLogger("panel.access")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Our own registry: nothing that a library counts for itself gets out.
REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(WorkCollector())
ProcessCollector(namespace="rookery", registry=REGISTRY)
REQUESTS = Counter(
    "rookery_http_requests",
    "Requests that this process answered.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "rookery_http_request_seconds",
    "Until an answer began; pages that are shown live go on after it.",
    ["route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)


class Measured:
    """Counts the request; with structured logs, writes one line about it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - began
        route, method = route_of(request), request.method if request.method in METHODS else "OTHER"
        REQUESTS.labels(method, route, f"{response.status_code // 100}xx").inc()
        SECONDS.labels(route).observe(seconds)
        if settings.LOG_FORMAT == "json":
            told = {
                "method": method,
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000),
            }
            log.info("answered", extra={"told": told})
        return response


def route_of(request: HttpRequest) -> str:
    """The template of an address that exists; all others are one, however many somebody invents."""
    match = request.resolver_match
    if match is not None:
        return f"/{match.route}"
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"
