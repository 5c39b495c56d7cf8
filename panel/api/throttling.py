"""How fast one may ask. Windows of a minute, counted in Django's cache.

With a cache that all web processes share the limits hold for all of them together; with the default one,
for each process. What public pages may cost is counted in the database besides (tenants.limits).
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tenants.limits import network_of
from tenants.models import Account, ApiToken

if TYPE_CHECKING:
    from rest_framework.views import APIView


@dataclass(frozen=True)
class Rate:
    name: str
    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count} per {self.seconds} s"


READS = Rate("read", 600, 60)
WRITES = Rate("write", 120, 60)
ANONYMOUS = Rate("anonymous", 60, 60)


def clock() -> float:
    return time.time()


def spend(rate: Rate, subject: str) -> int | None:
    """Count one use; returns the seconds to wait when the window is used up, else None."""
    now = clock()
    window = int(now // rate.seconds)
    key = f"api-{rate.name}-{hashlib.sha256(subject.encode()).hexdigest()[:24]}-{window}"
    cache.add(key, 0, timeout=rate.seconds + 5)
    try:
        used = cache.incr(key)
    except ValueError:  # dropped between the two: it was the oldest, so it was idle
        return None
    if used <= rate.count:
        return None
    return max(1, int((window + 1) * rate.seconds - now))


class ActorThrottle(BaseThrottle):
    """Per token, else per account, else per client network (/24 or /64)."""

    def __init__(self) -> None:
        self._wait: int | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        rate, subject = self._subject(request)
        self._wait = spend(rate, subject)
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait

    def _subject(self, request: Request) -> tuple[Rate, str]:
        rate = READS if request.method in SAFE_METHODS else WRITES
        if isinstance(request.auth, ApiToken):
            return rate, f"token {request.auth.pk}"
        if isinstance(request.user, Account):
            return rate, f"account {request.user.pk}"
        return ANONYMOUS, network_of(getattr(request._request, "client_ip", None))
