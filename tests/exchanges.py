"""What the DNS said about target domains, without asking it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from tenants.actions.exchanges import want_lookups
from tenants.actions.lookups import record_lookup
from tenants.actor import Actor
from tenants.formats.exchanges import Answer, Dmarc, Exchanges
from tenants.models import Mailbox, TargetAddress, TargetDomain
from tenants.tokens import digest, new_token
from workers.errands.scout import review_dependents

SHARED_HOST = "mx.shared.example"


def served(host: str, *, dmarc: Dmarc = Dmarc.ABSENT) -> Exchanges:
    """A domain whose mail goes to that one server, at an address of its own."""
    return Exchanges(Answer.EXCHANGES, (host,), frozenset({f"2001:db8::{abs(hash(host)) % 65_536:x}"}), dmarc)


def dns_says(domain: str, found: Exchanges | None, *, reviewed: bool = True) -> TargetDomain:
    """A worker looked `domain` up and, unless that is still to come, looked at what depends on it."""
    want_lookups([domain], None)
    row = TargetDomain.objects.get(name=domain)
    problem = "" if found else "nobody answered in time"
    record_lookup(
        actor=Actor.rookery(), domain=row, found=found, problem=problem, next_look_at=timezone.now()
    )
    if reviewed:
        review_dependents(row.pk)
    row.refresh_from_db()
    return row


def shared_pair(mailbox: Mailbox) -> None:
    """Two confirmed targets that flow, of which it became known later that they share a server."""
    for name in ("north", "south"):
        host = f"{name}.shared.example"
        TargetAddress.objects.create(
            mailbox=mailbox,
            address=f"{name}@{host}",
            digest=digest(new_token()),
            asked_at=timezone.now(),
            confirmed_at=timezone.now(),
        )
        dns_says(host, served(SHARED_HOST), reviewed=False)
    Mailbox.objects.filter(pk=mailbox.pk).update(reached=True)


def nothing_to_look_at() -> None:
    """As if workers had looked at everything: the sweep finds no domain, address or passphrase to look at."""
    later = timezone.now() + timedelta(days=1)
    TargetDomain.objects.update(next_look_at=later, review_due=0)
    Mailbox.objects.update(likened_at=F("changed_at"))
