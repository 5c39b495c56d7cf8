"""Looking up target domains one by one, and looking again at the addresses that depend on what was found."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

from tenants.actions.exchanges import want_lookups
from tenants.actions.lookups import record_lookup
from tenants.actions.warnings import review_address
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.text import printable
from tenants.models import Delivery, Domain, Finding, Mailbox, TargetAddress, TargetDomain
from workers.lookups import Dns, Silent, look_up

log = logging.getLogger(__name__)
EVERY = timedelta(hours=24)
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=4)
# Longer than one look-up may take, with all that is written after it.
CLAIM = timedelta(seconds=90)
_AT_ONCE = 200
MOST_NEW = 500


@dataclass(frozen=True)
class Scout:
    """Asks `dns`; the clocks and the jitter are injected."""

    dns: Dns
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = timezone.now
    jitter: Callable[[float, float], float] = field(default=random.SystemRandom().uniform)

    def look_up(self, domain_id: int) -> bool:
        """Look up one domain unless somebody does or it is not due; returns whether an answer was kept."""
        due = TargetDomain.objects.filter(pk=domain_id, next_look_at__lte=Now(), claimed_until__lte=Now())
        if not due.update(claimed_until=Now() + CLAIM):
            return False
        row = TargetDomain.objects.get(pk=domain_id)
        if not _is_wanted(row):
            row.delete()
            return False
        found, problem = None, ""
        try:
            found = look_up(row.name, self.dns, self.monotonic)
        except Silent as silent:
            problem = printable(str(silent), 200)
        failures = 0 if found is not None else row.failures + 1
        try:
            record_lookup(
                actor=Actor.rookery(),
                domain=row,
                found=found,
                problem=problem,
                next_look_at=self.now() + self._pause(failures),
            )
        except Absent:
            return False
        return found is not None

    def _pause(self, failures: int) -> timedelta:
        """A day, give or take, so that they spread over it; after failures less, doubling."""
        step = min(LONGEST_DELAY, FIRST_DELAY * float(1 << min(failures - 1, 10))) if failures else EVERY
        return step * self.jitter(0.8, 1.2)


def _is_wanted(row: TargetDomain) -> bool:
    """Does anything still lead there? A row made this week stays: what asked for it may be on its way."""
    if row.wanted_at > timezone.now() - timedelta(days=7):
        return True
    return (
        TargetAddress.objects.filter(host=row.name).exists()
        or Finding.objects.filter(hosts__contains=f" {row.name} ").exists()
    )


def due_domains() -> QuerySet[TargetDomain]:
    """What is to be looked up, an organization's first before another's second; the unknown first."""
    turn = Window(
        RowNumber(),
        partition_by=F("organization_id"),
        order_by=[F("looked_up_at").asc(nulls_first=True), "pk"],
    )
    due = TargetDomain.objects.filter(next_look_at__lte=Now(), claimed_until__lte=Now())
    return due.annotate(turn=turn).order_by("turn", "pk")


def review_dependents(domain_id: int, most: int = 2_000) -> int:
    """Look again at the addresses that depend on a domain; returns how many.

    Those with a target elsewhere too, and of a domain of this Rookery all. What is left after `most` comes
    with the next sweep: each batch is settled before the next, so nothing is done twice for ever.
    """
    row = TargetDomain.objects.filter(pk=domain_id, review_due__gt=0).first()
    if row is None:
        return 0
    there = TargetAddress.objects.filter(host=row.name, mailbox__trashed_at=None)
    if not Domain.objects.filter(name=row.name).exists():
        elsewhere = TargetAddress.objects.filter(mailbox=OuterRef("mailbox")).exclude(host=row.name)
        there = there.filter(Exists(elsewhere))
    # Aliases whose entries hold targets of several mailboxes.
    fed = Delivery.objects.filter(mailbox__targets__host=row.name, alias__trashed_at=None).distinct()
    last, count = row.reviewed_to, 0
    while count < most:
        # Whoever asked once more meanwhile has changed these columns.
        as_read = TargetDomain.objects.filter(pk=row.pk, review_due=row.review_due, reviewed_to=last)
        some = there.filter(mailbox__gt=last).order_by("mailbox").values_list("mailbox", flat=True)
        more = fed.filter(alias__gt=last).order_by("alias").values_list("alias", flat=True)
        batch = sorted({*some[:_AT_ONCE], *more[:_AT_ONCE]})[:_AT_ONCE]
        if not batch:
            as_read.update(review_due=0, reviewed_to=0)
            break
        for mailbox_id in batch:
            _review(mailbox_id)
        count += len(batch)
        last = batch[-1]
        if not as_read.update(reviewed_to=last):
            break
    return count


def _review(mailbox_id: int) -> None:
    mailbox = Mailbox.objects.select_related("domain__organization").filter(pk=mailbox_id).first()
    if mailbox is None:
        return
    try:
        review_address(actor=Actor.rookery(), mailbox=mailbox)
    except Absent:
        log.info("address %s went while it was looked at", mailbox_id)


def domains_to_review() -> QuerySet[TargetDomain]:
    return TargetDomain.objects.filter(review_due__gt=0).order_by("name")


def find_unlisted(most: int = MOST_NEW) -> int:
    """Have domains looked up that some door forgot to ask for; returns how many."""
    listed = TargetDomain.objects.filter(name=OuterRef("host"))
    targets = TargetAddress.objects.filter(~Exists(listed), ~Q(host="")).order_by()
    names = list(targets.values_list("host", flat=True).distinct()[:most])
    want_lookups(names, None)
    return len(names)
