"""What the watcher records about unikernels: lines, measurements and ends. Nobody else may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import outbox
from tenants.actions.audit import record
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.exits import End, explain
from tenants.models import (
    Account,
    ConsoleLine,
    Sample,
    SyncTarget,
    Unikernel,
    UnikernelExit,
    UnikernelWatch,
)
from tenants.models.watching import LONGEST_LINE
from tenants.notices import UNIKERNEL_ENDED

MOST_LINES = 20_000
"""Lines of one console that are kept, for at most LINES_FOR."""
LINES_FOR = timedelta(days=30)
EVERY_SAMPLE_FOR = timedelta(days=1)
LASTING_FOR = timedelta(days=31)
MOST_EXITS = 200
TOLD_AGAIN_AFTER = timedelta(hours=1)
# What is older was read from a console's past, and is no news.
NEWS_FOR = timedelta(minutes=10)
_AT_ONCE = 500


@dataclass(frozen=True)
class Line:
    """Of a console: harmless, masked, at most LONGEST_LINE characters."""

    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True)
class Measured:
    """CPU in microseconds, the rest in bytes; see tenants.models.Sample."""

    at: datetime
    cpu: int
    memory: int
    received: int
    sent: int


@dataclass(frozen=True)
class Ended:
    """One end, with the last words before it."""

    at: datetime
    end: End
    restarted: bool
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Life:
    """How it was seen: runs it, and since when."""

    running: bool
    started_at: datetime | None
    looked_at: datetime


@dataclass(frozen=True)
class Watched:
    """What was seen of one unikernel since the last time. `skipped` counts lines that came too fast."""

    lines: Sequence[Line] = ()
    skipped: int = 0
    samples: Sequence[Measured] = ()
    ends: Sequence[Ended] = ()
    life: Life | None = None


@transaction.atomic
def keep_watched(*, actor: Actor, seen: Mapping[int, Watched]) -> None:
    """Keep what was seen, by the ids of unikernels; those that are gone meanwhile are passed over."""
    _require_worker(actor)
    rows = Unikernel.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=seen).order_by("pk")
    there = {row.pk: row for row in rows.select_related("share__host", "share__organization")}
    here = {pk: each for pk, each in seen.items() if pk in there}
    ConsoleLine.objects.bulk_create(
        [
            ConsoleLine(unikernel_id=pk, at=line.at, text=line.text[:LONGEST_LINE])
            for pk, each in here.items()
            for line in each.lines
        ],
        batch_size=_AT_ONCE,
    )
    _keep_samples(here)
    UnikernelExit.objects.bulk_create(
        [
            UnikernelExit(
                unikernel_id=pk,
                at=ended.at,
                code=ended.end.code,
                signal=ended.end.signal,
                restarted=ended.restarted,
                words=ended.words[:LONGEST_LINE],
            )
            for pk, each in here.items()
            for ended in each.ends
        ],
        batch_size=_AT_ONCE,
    )
    for pk, each in here.items():
        _keep_life(actor, there[pk], each)


def _keep_samples(here: Mapping[int, Watched]) -> None:
    """The first of each ten minutes lasts."""
    made = []
    for pk, each in here.items():
        if not each.samples:
            continue
        lasting = Sample.objects.filter(unikernel=pk, lasting=True)
        last = lasting.order_by("-at").values_list("at", flat=True).first()
        for one in each.samples:
            lasts = last is None or _slot(one.at) != _slot(last)
            last = one.at if lasts else last
            made.append(
                Sample(
                    unikernel_id=pk,
                    at=one.at,
                    cpu=one.cpu,
                    memory=one.memory,
                    received=one.received,
                    sent=one.sent,
                    lasting=lasts,
                )
            )
    Sample.objects.bulk_create(made, batch_size=_AT_ONCE)


def _slot(at: datetime) -> int:
    return int(at.timestamp()) // 600


def _keep_life(actor: Actor, row: Unikernel, each: Watched) -> None:
    if not (each.life or each.skipped or each.ends):
        return
    watch, _ = UnikernelWatch.objects.get_or_create(unikernel=row)
    if each.life is not None:
        if watch.running and not each.life.running and row.running:
            _look_soon(row)
        watch.running, watch.started_at = each.life.running, each.life.started_at
        watch.looked_at = each.life.looked_at
    watch.skipped += each.skipped
    now = timezone.now()
    news = [one for one in each.ends if not one.end.by_command and now - one.at < NEWS_FOR]
    quiet = watch.told_at is not None and now - watch.told_at < TOLD_AGAIN_AFTER
    if news and row.running and row.deleted_at is None and not quiet:
        watch.told_at = now
        _tell(actor, row, news[-1])
    watch.save()


def _look_soon(row: Unikernel) -> None:
    """Its page should not say any longer that it runs. A target that waits for a person goes on waiting."""
    targets = SyncTarget.objects.filter(host_share=row.share_id, stop_code="")
    if targets.update(next_check_at=timezone.now()):
        target = targets.get()
        outbox.hint_on_commit("reconcile", target.pk, target.kind)


def _tell(actor: Actor, row: Unikernel, last: Ended) -> None:
    """One event and one mail each; further ends within the hour are on its page only."""
    said = explain(last.end)
    sentence = f"{row} on {row.share.host} {said.sentence}. "
    sentence += "Albatross starts it again." if last.restarted else "It is not started again."
    organization = row.share.organization
    record(
        actor,
        "unikernel_ended",
        row,
        sentence,
        organization=organization,
        after={"unikernel": row.pk, "code": last.end.code, "signal": last.end.signal},
    )

    def line() -> str:
        return _("%(unikernel)s on %(host)s ended") % {"unikernel": row, "host": row.share.host}

    def mail(_account: Account) -> Letter:
        again = _("Albatross starts it again.") if last.restarted else _("It is not started again.")
        page = f"{settings.BASE_URL}/unikernels/{row.pk}/console"
        body = _(
            "Hello,\n\n%(unikernel)s on %(host)s %(said)s. %(again)s %(advice)s\n\nIts last words and"
            " everything before are on its console:\n\n  %(page)s\n\nFurther ends within an hour are"
            " shown there and not mailed."
        )
        values = {"unikernel": row, "host": row.share.host, "said": said.sentence, "again": again}
        return Letter(line(), body % {**values, "advice": said.advice, "page": page})

    about = About(f"/unikernels/{row.pk}/console", thing=row, organization=organization)
    notify(UNIKERNEL_ENDED, about, line=line, mail=mail)


def forget_watched(*, actor: Actor, now: datetime | None = None) -> int:
    """Drop lines, measurements and ends that are too many or too old; returns how many."""
    _require_worker(actor)
    now = now or timezone.now()
    samples = Sample.objects.filter(at__lt=now - EVERY_SAMPLE_FOR, lasting=False)
    dropped = samples.delete()[0] + Sample.objects.filter(at__lt=now - LASTING_FOR).delete()[0]
    dropped += ConsoleLine.objects.filter(at__lt=now - LINES_FOR).delete()[0]
    dropped += _drop_surplus(ConsoleLine.objects.all(), MOST_LINES)
    dropped += _drop_surplus(UnikernelExit.objects.all(), MOST_EXITS)
    return dropped


def _drop_surplus(rows: QuerySet[Any], most: int) -> int:
    """All but the newest of each unikernel."""
    many = rows.values("unikernel").annotate(number=Count("pk")).filter(number__gt=most)
    dropped = 0
    for pk in many.values_list("unikernel", flat=True):
        own = rows.filter(unikernel=pk)
        oldest = own.order_by("-pk").values_list("pk", flat=True)[most - 1]
        dropped += own.filter(pk__lt=oldest).delete()[0]
    return dropped


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's own watcher records what it saw.")


final("It happened outside of Rookery. Start it again instead.", "unikernel_ended")
