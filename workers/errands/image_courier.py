"""Fetching images from build servers: once at a time, with its progress told, and never kept by halves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from tenants.actions.image_fetches import fail_fetch, keep_fetched_image
from tenants.actor import Actor
from tenants.errors import ActionError, Invalid
from tenants.formats.https_address import check_https_address
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import BuildServer, ImageFetch
from workers.outward import Fetched, Fetcher, FetchError

log = logging.getLogger(__name__)
SECONDS = 240
"""That a fetch may take in all."""
AT_ONCE = 2
"""Fetches at a time, so that slow servers leave room for other work."""
MOST_TRIES = 3
_TELL_SECONDS = 0.5
# Longer than a fetch may take, with all that is written after it.
_CLAIM = timedelta(seconds=SECONDS + 40)


@dataclass(frozen=True)
class ImageCourier:
    """Fetches by `fetcher`; the clock is injected."""

    fetcher: Fetcher
    monotonic: Callable[[], float] = time.monotonic

    def fetch(self, fetch_id: int) -> bool:
        """Fetch one image unless somebody does, or too many are being fetched; whether it is there now."""
        row = _claim(fetch_id)
        if row is None:
            return False
        if row.tries > MOST_TRIES:
            _fail(row, "The worker that fetched it ended in the middle, several times.", "Try it later.")
            return False
        try:
            _, host = check_https_address(row.url)
            if not BuildServer.objects.filter(name=host).exists():
                said = f"{host} is not on the list of build servers any more."
                _fail(row, said, "Ask an operator to add it.")
                return False
            with self.fetcher.get(row.url, most=MOST_IMAGE, timeout=SECONDS) as fetched:
                pieces = self._telling(row, fetched)
                keep_fetched_image(actor=Actor.rookery(), fetch=row, contents=pieces)
        except FetchError as problem:
            _fail(row, problem.sentence, problem.fix)
        except Invalid as problem:
            _fail(row, " ".join(each.problem for each in problem.problems), problem.problems[0].fix)
        except ActionError as problem:
            _fail(row, problem.sentence, "Try again.")
        else:
            return True
        return False

    def _telling(self, row: ImageFetch, fetched: Fetched) -> Iterator[bytes]:
        """The pieces; now and then the row says how many bytes came."""
        rows = ImageFetch.objects.filter(pk=row.pk, tries=row.tries)
        rows.update(length=fetched.length)
        came, told = 0, self.monotonic()
        for piece in fetched.pieces:
            came += len(piece)
            yield piece
            if self.monotonic() - told >= _TELL_SECONDS:
                rows.update(received=came)
                told = self.monotonic()


def _claim(fetch_id: int) -> ImageFetch | None:
    if ImageFetch.objects.filter(claimed_until__gt=Now()).count() >= AT_ONCE:
        return None
    claimed = (
        due_fetches()
        .filter(pk=fetch_id)
        .update(
            state=ImageFetch.State.RUNNING,
            tries=F("tries") + 1,
            received=0,
            length=None,
            claimed_until=Now() + _CLAIM,
        )
    )
    rows = ImageFetch.objects.select_related("organization")
    return rows.get(pk=fetch_id) if claimed else None


def due_fetches() -> QuerySet[ImageFetch]:
    """What nobody fetches just now, the oldest first."""
    waiting = ImageFetch.objects.filter(state__in=ImageFetch.UNFINISHED, claimed_until__lte=Now())
    return waiting.order_by("pk")


def _fail(row: ImageFetch, problem: str, fix: str) -> None:
    log.info("image fetch %s: %s", row.pk, problem)
    sentence = problem[:1].upper() + problem[1:]
    fail_fetch(actor=Actor.rookery(), fetch=row, problem=sentence, fix=fix)
