"""What a web process may not be given."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require_no_workers_key() -> None:
    """In production, whoever takes the web process over must not find what opens secrets."""
    if settings.PRODUCTION and settings.WORKERS_KEY:
        raise ImproperlyConfigured(
            "A web process may not have the workers' key. Take ROOKERY_WORKERS_KEY and"
            " ROOKERY_WORKERS_KEY_FILE out of its environment; it needs ROOKERY_WORKERS_PUBLIC_KEY only."
        )
