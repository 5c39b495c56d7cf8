"""How long the audit log is kept: for as many days as the installation says."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Event

# How many go in one look: the sweep comes every few seconds.
AT_ONCE = 500


def forget_events(*, actor: Actor) -> int:
    """Delete the oldest events that are older than `settings.EVENT_DAYS`, some at once; returns how many.

    What an event told of stays as it is; it can be undone no more.
    """
    if not actor.system:
        raise Forbidden("Old events go by themselves; Rookery looks every few seconds.")
    before = timezone.now() - timedelta(days=settings.EVENT_DAYS)
    old = list(
        Event.objects.filter(at__lt=before).order_by("at", "pk").values_list("pk", flat=True)[:AT_ONCE]
    )
    if old:
        Event.objects.filter(pk__in=old).delete()
    return len(old)
