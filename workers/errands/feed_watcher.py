"""Looking at jobs of builds servers: a few at a time, each within a bound, and never twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from tenants.actions.image_feeds import FoundBuild, fail_look, record_build
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.builds import JSON_TYPE, Job, read_finish_time, read_listing
from tenants.formats.text import FormatError
from tenants.models import BuildServer, ImageFeed
from workers.outward import Fetcher, FetchError

log = logging.getLogger(__name__)
REQUEST_SECONDS = 20
SECONDS = 2 * REQUEST_SECONDS
"""That a look may take in all."""
MOST_JSON = 1 << 20
AT_ONCE = 4
"""Looks that one sweep asks for, so that slow servers leave room for other work."""
_CLAIM = timedelta(seconds=SECONDS + 40)


@dataclass(frozen=True)
class FeedWatcher:
    """Looks by `fetcher`; the clock is injected."""

    fetcher: Fetcher
    now: Callable[[], datetime] = timezone.now

    def look(self, feed_id: int) -> bool:
        """Look at one job unless somebody does; whether the server answered as it should."""
        row = self._claim(feed_id)
        if row is None:
            return False
        rookery = Actor.rookery()
        try:
            try:
                found = self._newest(row.place)
            except (FetchError, FormatError) as problem:
                said = problem.sentence if isinstance(problem, FetchError) else problem.problem
                log.info("image feed %s: %s", row.pk, said)
                sentence = said[:1].upper() + said[1:]
                fail_look(actor=rookery, feed=row, problem=sentence, fix=problem.fix, at=self.now())
                return False
            record_build(actor=rookery, feed=row, found=found, at=self.now())
        except Absent:
            return False  # It was removed meanwhile.
        return True

    def _claim(self, feed_id: int) -> ImageFeed | None:
        now = self.now()
        claimed = due_feeds(now).filter(pk=feed_id).update(claimed_until=now + _CLAIM)
        rows = ImageFeed.objects.select_related("organization")
        return rows.filter(pk=feed_id).first() if claimed else None

    def _newest(self, job: Job) -> FoundBuild | None:
        """Raises FetchError and FormatError."""
        if not BuildServer.objects.filter(name=job.server).exists():
            said = f"{job.server} is not on the list of build servers any more."
            raise FetchError(said, "Ask an operator to add it.")
        listed = read_listing(self._read(job.address))
        if listed is None:
            return None
        return FoundBuild(listed, read_finish_time(self._read(job.build_address(listed.uuid)), listed))

    def _read(self, address: str) -> bytes:
        with self.fetcher.get(address, most=MOST_JSON, timeout=REQUEST_SECONDS, accept=JSON_TYPE) as fetched:
            return fetched.read()


def due_feeds(now: datetime) -> QuerySet[ImageFeed]:
    """What is to be looked at, and nobody looks at just now; what waits longest first."""
    return ImageFeed.objects.filter(next_look_at__lte=now, claimed_until__lte=now).order_by(
        "next_look_at", "pk"
    )
