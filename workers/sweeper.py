"""The sweep: rows that are due, fairly across organizations. A lost hint costs only until the next one."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

from tenants import limits, outbox
from tenants.errors import TooMany
from tenants.models import Installation, OutgoingMail, Run, SyncTarget
from workers.backup.schedule import due_backups
from workers.errands import (
    account_checks,
    canary_keeper,
    certificates,
    checker,
    exporter,
    feed_watcher,
    git_hosts,
    image_courier,
    key_smith,
    likeness,
    ownership,
    preparing,
    scout,
    server_asker,
    webhook_sender,
)
from workers.tidying import tidy

log = logging.getLogger(__name__)
AT_ONCE = 200
# Between the machine that wrote a time and the database.
CLOCKS_DIFFER = timedelta(seconds=1)
# Looking through all targets for domains that nobody asked to look up.
UNLISTED = limits.Limit("unlisted-domains", 1, timedelta(minutes=10), "They were looked for lately.")


def due_targets(now_margin: timedelta = timedelta(0)) -> QuerySet[SyncTarget]:
    """Targets that want a pass: asked for something, a check due, a preview waiting, or left by a worker
    that died; nobody has them.

    An organization's first target comes before another's second.
    """
    asked = Q(generation__gt=F("observed_generation")) & (
        Q(stop_code="") | Q(generation__gt=F("stop_generation"))
    )
    left = ~Q(lease_owner="")
    due = Q(next_try_at__lte=Now() + now_margin) & (asked | Q(next_check_at__lte=Now() + now_margin))
    return (
        SyncTarget.objects.filter(due | left | Q(pk__in=_previews()), lease_until__lt=Now())
        .annotate(
            turn=Window(RowNumber(), partition_by=F("organization_id"), order_by=F("next_try_at").asc())
        )
        .order_by("turn", "next_try_at")
    )


def waits(target_id: int) -> bool:
    """Was it put off after a failure? Hints that queued up meanwhile must not undo that; a preview may go."""
    later = Now() + CLOCKS_DIFFER
    return SyncTarget.objects.exclude(pk__in=_previews()).filter(pk=target_id, next_try_at__gt=later).exists()


def is_wanted(target_id: int) -> bool:
    """Is there still something to do, or a pass expected? While workers are busy, each sweep sends another
    hint. Each of those would be a pass, and where they come faster than passes, the work would never end."""
    return due_targets(account_checks.PASS_EXPECTED_IN).filter(pk=target_id).exists()


def _previews() -> QuerySet[Run, int]:
    """Targets with a preview to make. One that seems to run although nobody has the target was left."""
    waiting = (Run.State.QUEUED, Run.State.RUNNING)
    return Run.objects.filter(mode=Run.Mode.PREVIEW, state__in=waiting).values_list("target_id", flat=True)


def wants_another_pass(target_id: int) -> bool:
    return due_targets().filter(pk=target_id).exists()


def sweep() -> int:
    """Hint at everything that is due; returns how many hints were sent.

    Quiet targets cost a hint for each account, not a pass for each of them.
    """
    busy = due_targets().exclude(pk__in=account_checks.quiet_targets().values("pk"))
    hints = [("reconcile", target.pk, target.kind) for target in busy[:AT_ONCE]]
    hints += [("check_account", pk, "checks") for pk in account_checks.accounts_to_check(AT_ONCE)]
    mails = OutgoingMail.objects.filter(
        sent_at=None, given_up_at=None, next_try_at__lte=Now(), claimed_until__lt=Now()
    ).order_by("pk")
    hints += _for_each(mails, "deliver_mail", "mail")
    hints += _for_each(webhook_sender.due_webhooks(timezone.now()), "send_webhooks", "webhooks")
    hints += _for_each(git_hosts.asked_setups(), "serve_git_host", "checks")
    hints += _for_each(preparing.asked_preparations(), "serve_preparation", "images")
    hints += _errands()
    for task, row_id, queue in hints:
        try:
            outbox.send_hint(task, row_id, queue)
        except Exception as error:
            log.warning("the broker did not take a hint: %s", type(error).__name__)
            break
    tidy()
    Installation.objects.filter(pk=Installation.current_id()).update(swept_at=Now())
    return len(hints)


def _for_each(rows: QuerySet[Any], task: str, queue: str, most: int = AT_ONCE) -> list[tuple[str, int, str]]:
    """A hint at each of the first rows."""
    return [(task, pk, queue) for pk in rows.values_list("pk", flat=True)[:most]]


def _is_first(limit: limits.Limit) -> bool:
    """Of all the sweeps in this time; others may go on beside this one."""
    if limits.was_spent(limit, "sweep"):
        return False
    try:
        limits.spend(limit, "sweep")
    except TooMany:
        return False
    return True


def _errands() -> list[tuple[str, int, str]]:
    """What is to be looked up, looked at again, or compared."""
    if _is_first(UNLISTED):
        scout.find_unlisted()
        checker.begin_checks()
    now = timezone.now()
    hints = _for_each(scout.due_domains(), "look_up", "lookups")
    hints += _for_each(ownership.unproved_zones(), "prove_ownership", "lookups")
    hints += [("check_mail", pk, "mail_checks") for pk in checker.checks_to_do()]
    hints += _for_each(canary_keeper.due_canaries(), "send_canary", "mail_checks", canary_keeper.AT_ONCE)
    hints += _for_each(canary_keeper.due_letters(), "follow_letter", "mail_checks", canary_keeper.AT_ONCE)
    hints += _for_each(server_asker.zones_to_ask(), "ask_servers", "mail_checks", server_asker.AT_ONCE)
    hints += _for_each(certificates.due_zones(now), "look_at_certificates", "reviews")
    hints += _for_each(key_smith.unknown_keys(), "compute_signing_key", "images", key_smith.AT_ONCE)
    hints += _for_each(exporter.waiting_exports(), "make_export", "images", exporter.AT_ONCE)
    hints += _for_each(image_courier.due_fetches(), "fetch_image", "images", image_courier.AT_ONCE)
    hints += _for_each(feed_watcher.due_feeds(now), "look_at_feed", "images", feed_watcher.AT_ONCE)
    hints += _for_each(scout.domains_to_review(), "review", "reviews")
    if likeness.waiting().exists():
        hints.append(("compare_passphrases", 0, "reviews"))
    if due_backups(now).exists():
        hints.append(("make_backup", 0, "images"))
    return hints
