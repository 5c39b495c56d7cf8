"""Checking whether the mail of domains works, one by one: once a day, and when somebody wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.mail_checks import record_findings
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.expectations import expected_of, primary_ports
from tenants.formats.mail_checks import Expected
from tenants.models import Domain, MailCheck, Zone
from tenants.name_servers import ask_servers_soon
from workers.mail_checks import Observer

# Longer than one look may take, with all that is written after it.
CLAIM = timedelta(seconds=150)
FIRST = timedelta(minutes=1)
_HINTED = 4


@dataclass(frozen=True)
class Checker:
    """`observer` is made for each domain, with the ports of name servers that are ours by address.

    `expect` adds what only this process knows to what is expected; see check_assembly.
    """

    observer: Callable[[Mapping[str, int]], Observer]
    now: Callable[[], datetime] = timezone.now
    expect: Callable[[Domain, Expected], Expected] = lambda domain, expected: expected

    def look(self, check_id: int) -> bool:
        """Check one domain unless somebody does or it is not due; returns whether it was done."""
        row = MailCheck.objects.select_related("domain__organization").filter(pk=check_id).first()
        if row is None or not _claim(row):
            return False
        zone = Zone.objects.select_related("target__repository__primary").filter(domain=row.domain).first()
        observer = self.observer(primary_ports(zone) if zone is not None else {})
        at = self.now()
        expected = self.expect(row.domain, expected_of(row))
        findings = observer.look(expected, at, row.wanted)
        try:
            record_findings(actor=Actor.rookery(), check=row, findings=findings, only=row.wanted, at=at)
        except Absent:
            return False
        if zone is not None and (not row.wanted or "agreement" in row.wanted):
            ask_servers_soon(zone)
        return True


def _claim(row: MailCheck) -> bool:
    """Take what is wanted now; what is wanted later is another look's."""
    due = due_checks().filter(pk=row.pk, wanted=row.wanted)
    return bool(due.update(claimed_until=Now() + CLAIM, next_look_at=Now() + CLAIM, wanted=[]))


def checks_to_do() -> list[int]:
    """A few of those: there is a sweep every some seconds, and what waits in a queue is in people's way."""
    return list(due_checks().values_list("pk", flat=True)[:_HINTED])


def due_checks() -> QuerySet[MailCheck]:
    """What is to be checked, the longest due first."""
    return MailCheck.objects.filter(next_look_at__lte=Now(), claimed_until__lte=Now()).order_by(
        "next_look_at"
    )


def begin_checks(most: int = 200) -> int:
    """Make the rows of domains that have none; returns how many. A new domain is set up first."""
    missing = list(Domain.objects.filter(mail_check=None).order_by("pk")[:most])
    first = timezone.now() + FIRST
    rows = [MailCheck(domain=each, next_look_at=first) for each in missing]
    MailCheck.objects.bulk_create(rows, ignore_conflicts=True)
    return len(missing)
