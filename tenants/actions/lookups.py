"""What workers record about target domains. Nobody else may."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.exchanges import Exchanges
from tenants.guards import exchanges_of
from tenants.models import Domain, TargetDomain
from tenants.models.sync import LONG_AGO


@transaction.atomic
def record_lookup(
    *, actor: Actor, domain: TargetDomain, found: Exchanges | None, problem: str, next_look_at: datetime
) -> bool:
    """Keep what the DNS said, or (`found` is None) that it was silent; returns whether anything changed.

    Addresses that depend on the domain are looked at again when it changed; every time for a domain of this
    Rookery, since what it forwards to may have become a circle.
    """
    if not actor.system:
        raise Forbidden("Only Rookery's workers look up names.")
    lock(domain)
    domain.next_look_at, domain.claimed_until = next_look_at, LONG_AGO
    if found is None:
        domain.failures += 1
        domain.problem = problem[:200]
        domain.save(update_fields=["next_look_at", "claimed_until", "failures", "problem"])
        return False
    before = exchanges_of(domain)
    domain.answer, domain.hosts, domain.dmarc = found.answer.value, list(found.hosts), found.dmarc.value
    domain.addresses = sorted(found.addresses)
    domain.failures, domain.problem, domain.looked_up_at = 0, "", timezone.now()
    changed = exchanges_of(domain) != before
    if changed or Domain.objects.filter(name=domain.name).exists():
        domain.review_due, domain.reviewed_to = domain.review_due + 1, 0
    domain.save()
    return changed


final("It notes what the DNS said; nothing was changed.", "record_lookup")
