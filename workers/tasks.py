"""The tasks. With `celery.py`, the only place that knows Celery; ids in, nothing out."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from workers import sweeper
from workers.assembly import (
    account_check,
    controller,
    git_hosts,
    opener,
    preparations,
    the_courier,
    the_feed_watcher,
    the_notary,
    the_scout,
    the_webhook_sender,
)
from workers.backup import schedule
from workers.canary_assembly import the_keeper
from workers.check_assembly import the_checker, the_server_asker
from workers.controller import Controller, Ending
from workers.errands import certificates, exporter, feed_watcher, key_smith, likeness, post, scout
from workers.errands.image_courier import SECONDS
from workers.errands.preparing import SECONDS as SECONDS_TO_PREPARE

log = logging.getLogger(__name__)

# A pass that left more to do goes on at once, but never for ever in one task.
PASSES_AT_ONCE = 3
BATCHES_AT_ONCE = 10


@lru_cache(maxsize=1)
def _controller() -> Controller:
    return replace(controller(), out_of_time=(SoftTimeLimitExceeded,))


@shared_task
def reconcile(target_id: int) -> None:
    """Bring one target into agreement, unless it waits for its next try or somebody did: hints come late and
    twice."""
    for _ in range(PASSES_AT_ONCE):
        if sweeper.waits(target_id) or not sweeper.is_wanted(target_id):
            return
        ending = _controller().reconcile(target_id)
        log.info("target %s: %s", target_id, ending.value)
        if ending is not Ending.AGREED or not sweeper.wants_another_pass(target_id):
            return


@shared_task
def check_account(target_id: int) -> None:
    """Look at the tips of all quiet targets that share this one's SSH account."""
    same = account_check().check(target_id)
    log.info("the account of target %s: %s have not moved", target_id, same)


@shared_task
def sweep() -> None:
    """Find what is due, fairly across organizations, and hint at it. Correctness depends on this alone."""
    sweeper.sweep()


@shared_task
def deliver_mail(mail_id: int) -> None:
    """Send one mail that the panel owes somebody."""
    post.deliver(mail_id)


@shared_task
def look_up(domain_id: int) -> None:
    """Ask the DNS where mail of one target domain goes."""
    if the_scout().look_up(domain_id):
        scout.review_dependents(domain_id)


@shared_task
def prove_ownership(zone_id: int) -> None:
    """Look whether the domain of a new zone is its owner's."""
    the_notary().look(zone_id)


@shared_task(soft_time_limit=SECONDS + 20, time_limit=SECONDS + 30)
def fetch_image(fetch_id: int) -> None:
    """Fetch one image from a build server."""
    the_courier().fetch(fetch_id)


@shared_task(soft_time_limit=feed_watcher.SECONDS + 10, time_limit=feed_watcher.SECONDS + 20)
def look_at_feed(feed_id: int) -> None:
    """Look whether a job of a builds server has a newer build."""
    the_feed_watcher().look(feed_id)


@shared_task(soft_time_limit=key_smith.SECONDS, time_limit=key_smith.SECONDS + 10)
def compute_signing_key(key_id: int) -> None:
    """Compute the public key of a DKIM signer from its seed."""
    key_smith.compute(key_id, opener())


@shared_task(soft_time_limit=exporter.SECONDS, time_limit=exporter.SECONDS + 10)
def make_export(export_id: int) -> None:
    """Put one export together."""
    exporter.make(export_id, opener())


@shared_task
def look_at_certificates(zone_id: int) -> None:
    """Look how the certificates in one zone stand."""
    certificates.look(zone_id)


@shared_task
def check_mail(check_id: int) -> None:
    """Look whether the mail of one domain works."""
    the_checker().look(check_id)


@shared_task
def send_canary(canary_id: int) -> None:
    """One round of the canary of a mail stack."""
    the_keeper().look(canary_id)


@shared_task
def follow_letter(letter_id: int) -> None:
    """Send one letter that somebody follows through a mail stack, or look whether it arrived."""
    the_keeper().follow(letter_id)


@shared_task
def ask_servers(zone_id: int) -> None:
    """Ask the name servers of one zone which version they have."""
    the_server_asker().look(zone_id)


@shared_task
def serve_git_host(setup_id: int) -> None:
    """Look how a repository is set up on its git host, or set it up as was agreed."""
    git_hosts().serve(setup_id)


@shared_task(soft_time_limit=SECONDS_TO_PREPARE + 20, time_limit=SECONDS_TO_PREPARE + 30)
def serve_preparation(preparation_id: int) -> None:
    """Look what a host lacks for albatross, or make it so as was agreed."""
    preparations().serve(preparation_id)


@shared_task(soft_time_limit=schedule.SECONDS, time_limit=schedule.SECONDS + 10)
def make_backup(_: int) -> None:
    """Make the backup that is due."""
    schedule.back_up()


@shared_task
def send_webhooks(webhook_id: int) -> None:
    """Send what is due for one webhook."""
    the_webhook_sender().serve(webhook_id)


@shared_task
def review(domain_id: int) -> None:
    """Look again at the addresses that depend on one target domain."""
    scout.review_dependents(domain_id)


@shared_task
def compare_passphrases(_: int) -> None:
    """Find passphrases that are used more than once, among what changed; the next sweep sees to the rest."""
    for _ in range(BATCHES_AT_ONCE):
        if likeness.compare(opener()) < likeness.AT_ONCE:
            return
