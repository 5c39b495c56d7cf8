"""What workers find out about the canary of a mail stack: rounds, what is kept of them, and who is told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.canary import (
    ARRIVES_WITHIN,
    LENGTHS,
    Length,
    Part,
    Round,
    Standing,
    Verdict,
    Way,
    covered,
    next_round,
    pieces,
    remembered,
    turned,
)
from tenants.formats.canary.rounds import REMEMBERED
from tenants.models import (
    Account,
    Canary,
    CanaryOutage,
    CanaryRound,
    CanarySpan,
    CanaryWay,
    Condition,
    SyncTarget,
)
from tenants.models.sync import LONG_AGO
from tenants.notices import CANARY_TURNED

ROUNDS_KEPT = timedelta(days=2)
WAITS = timedelta(seconds=15)


@transaction.atomic
def begin_canary_round(*, actor: Actor, canary: Canary, way: Way, at: datetime) -> CanaryRound:
    """Note a round before its message is sent, so that whoever sees it arrive knows its tag."""
    _require_worker(actor)
    lock(canary)
    tag = secrets.token_hex(20)
    return CanaryRound.objects.create(canary=canary, way=way.value, tag=tag, began_at=at)


@transaction.atomic
def record_canary_sent(
    *, actor: Actor, row: CanaryRound, said: Round | None, problem: str = "", at: datetime
) -> None:
    """Note what the server said of a round's message. None: nothing was found out, for `problem`.

    Where nobody can see mail arrive, a message that was taken has to do.
    """
    _require_worker(actor)
    lock(row.canary)
    row.refresh_from_db()
    if said is not None and row.asked_at is not None:
        row.answers = [[each.after, each.asked, each.said] for each in said.answers]
        row.source = said.source[:60]
        row.save(update_fields=["answers", "source"])
    if row.verdict != Verdict.WAITING:
        return  # it arrived before the server's answer
    if said is None:
        _leave_open(row, problem[:300], at)
        return
    row.took = {part.value: milliseconds for part, milliseconds in said.took.items()}
    if said.failed is not None:
        row.failed, row.problem = said.failed.value, f"{said.problem[:298].removesuffix('.')}."
        _judge(row, Verdict.FAILED, at)
    elif not row.canary.home:
        _judge(row, Verdict.PROVED, at)
    else:
        row.save(update_fields=["took"])


@transaction.atomic
def record_canary_arrival(
    *, actor: Actor, tag: str, at: datetime, headers: Sequence[tuple[str, str]] = ()
) -> bool:
    """Note that the message with this tag arrived; whether it is one that somebody waited for."""
    _require_worker(actor)
    row = CanaryRound.objects.select_related("canary").filter(tag=tag).first()
    if row is None:
        return False
    lock(row.canary)
    row.refresh_from_db()
    if row.verdict != Verdict.WAITING:
        return True
    row.latency = max(0, round((at - row.began_at).total_seconds() * 1000))
    if row.asked_at is not None:
        row.headers = [list(each) for each in headers]
    _judge(row, Verdict.PROVED, at)
    return True


@transaction.atomic
def finish_canary_look(*, actor: Actor, canary: Canary, at: datetime) -> None:
    """End rounds whose message is lost, forget old history, and say when the next look is due."""
    _require_worker(actor)
    lock(canary)
    end_lost_rounds(canary, at)
    _forget(canary, at)
    canary.claimed_until = LONG_AGO
    canary.next_look_at = at + _until_next(canary)
    canary.save(update_fields=["claimed_until", "next_look_at"])


def end_lost_rounds(canary: Canary, at: datetime) -> None:
    """Give up what has not arrived in time, and letters that no worker took; the caller locks the canary."""
    late = canary.rounds.filter(began_at__lte=at - ARRIVES_WITHIN)
    for row in late.filter(verdict=Verdict.ASKED).order_by("began_at"):
        _leave_open(row, "No worker took it in time, and it was not sent.", at)
    for row in late.filter(verdict=Verdict.WAITING).order_by("began_at"):
        row.failed = Part.ARRIVED.value
        row.problem = f"It was taken, and did not arrive within {ARRIVES_WITHIN.seconds // 60} minutes."
        if not row.took:  # the worker that sent it was killed before it knew
            row.failed = ""
            _leave_open(row, "Nobody saw what became of it.", at)
            continue
        _judge(row, Verdict.FAILED, at)


def _leave_open(row: CanaryRound, problem: str, at: datetime) -> None:
    row.verdict, row.problem = Verdict.UNKNOWN.value, problem
    row.ended_at = at if row.asked_at is not None else None
    row.save()


def _until_next(canary: Canary) -> timedelta:
    if canary.rounds.filter(verdict=Verdict.WAITING, asked_at=None).exists():
        return WAITS
    standings = [(Standing(each.standing), each.recent) for each in canary.ways.all()]
    return next_round(standings, secrets.randbelow(1000) / 1000)


def _forget(canary: Canary, at: datetime) -> None:
    canary.rounds.filter(began_at__lt=at - ROUNDS_KEPT).delete()
    for length, (_covers, kept) in LENGTHS.items():
        canary.spans.filter(length=length.value, begins_at__lt=at - kept).delete()
    canary.outages.filter(ended_at__lt=at - LENGTHS[Length.DAY][1]).delete()


# One judged round -------------------------------------------------------------------------------------


def _judge(row: CanaryRound, verdict: Verdict, at: datetime) -> None:
    """Let a round count: for its way, its spans, and its outage. A letter counts for nothing: people send
    those when they know already that something is wrong, and as often as they like."""
    row.verdict, good = verdict.value, verdict is Verdict.PROVED
    if row.asked_at is not None:
        row.ended_at = at
        row.save()
        return
    row.save()
    way = CanaryWay.objects.get(canary=row.canary_id, way=row.way)
    _count(way, row, good, at)
    before = Standing(way.standing)
    way.recent = remembered(way.recent, good)
    after = turned(before, way.recent)
    way.judged_at, way.problem = at, "" if good else row.problem
    if good:
        way.proved_at, way.latency = at, row.latency
    if after is not before:
        way.standing, way.since = after.value, at
    way.save()
    if after is not before:
        _turn(way, row, before, after)


def _count(way: CanaryWay, row: CanaryRound, good: bool, at: datetime) -> None:
    stands_for = covered(way.judged_at, at)
    for length in Length:
        for piece in pieces(at - stands_for, at, length):
            span = _span(way, length, piece.begins)
            name = "proved" if good else "failed"
            CanarySpan.objects.filter(pk=span.pk).update(**{name: F(name) + piece.seconds})
        begins = next(pieces(at, at + timedelta(microseconds=1), length)).begins
        span = _span(way, length, begins)
        span.refresh_from_db()
        span.rounds += 1
        span.lost += not good
        if row.latency is not None:
            span.slowest = max(span.slowest or 0, row.latency)
        span.save()


def _span(way: CanaryWay, length: Length, begins: datetime) -> CanarySpan:
    span, _ = CanarySpan.objects.get_or_create(
        canary_id=way.canary_id, way=way.way, length=length.value, begins_at=begins
    )
    return span


# A turn -----------------------------------------------------------------------------------------------


def _turn(way: CanaryWay, row: CanaryRound, before: Standing, after: Standing) -> None:
    """The outage runs from the first bad round to the first good one of those that turned it."""
    good = after is Standing.WORKS
    judged = CanaryRound.objects.filter(
        canary=row.canary_id, way=row.way, verdict__in=[Verdict.PROVED, Verdict.FAILED], asked_at=None
    ).order_by("-began_at", "-pk")[:REMEMBERED]
    first = [each for each in judged if (each.verdict == Verdict.PROVED) == good][-1]
    if good:
        way.canary.outages.filter(way=way.way, ended_at=None).update(ended_at=first.began_at)
    else:
        CanaryOutage.objects.create(
            canary_id=way.canary_id,
            way=way.way,
            began_at=first.began_at,
            part=first.failed or Part.ACCEPTED.value,
            problem=first.problem,
        )
    _state(way.canary, row)
    if before is Standing.NEW and good:
        return  # what never was bad needs no mail
    _tell(way, first, good=good)


def _state(canary: Canary, row: CanaryRound) -> None:
    target = SyncTarget.objects.filter(stack=canary.stack_id).first()
    if target is None:
        return
    failing = [each for each in canary.ways.order_by("way") if each.standing == Standing.FAILING]
    told = " ".join(f"Mail {each.get_way_display()} fails. {each.problem}" for each in failing)
    Condition.objects.update_or_create(
        target=target,
        type=Condition.Type.CANARY,
        defaults={
            "status": not failing,
            "reason": "fails" if failing else "arrives",
            "message": told or "The canary's messages arrive.",
            "since": row.began_at,
            "seen_at": row.began_at,
        },
    )


def _tell(way: CanaryWay, first: CanaryRound, *, good: bool) -> None:
    canary, domain = way.canary, way.canary.stack.domain
    where = way.get_way_display()
    since = _("%(began_at)s UTC") % {"began_at": f"{first.began_at:%Y-%m-%d %H:%M}"}
    sentence = f"Mail {where} ({domain}) {'arrives again' if good else 'fails'} since {since}."
    record(
        Actor.rookery(),
        "record_canary_turn",
        canary,
        sentence if good else f"{sentence} {first.problem}",
        domain=domain,
        after={"way": way.way, "standing": way.standing},
    )
    values = {"domain": domain, "where": where_of(way), "since": since}

    def line() -> str:
        if good:
            return _("%(domain)s: mail %(where)s arrives again") % values
        return _("%(domain)s: mail %(where)s fails") % values

    def mail(_account: Account) -> Letter:
        if good:
            what = _("Mail %(where)s (%(domain)s) arrives again since %(since)s.") % values
        else:
            what = _("Mail %(where)s (%(domain)s) fails since %(since)s.") % values + f"\n\n{first.problem}"
        page = f"{settings.BASE_URL}/d/{domain}/stack/uptime"
        return Letter(
            line(),
            _("Hello,\n\n%(what)s\n\nHow it was lately:\n%(page)s\n") % {"what": what, "page": page},
        )

    about = About(f"/d/{domain}/stack/uptime", thing=canary.stack, domain=domain)
    notify(CANARY_TURNED, about, line=line, mail=mail)


def where_of(way: CanaryWay) -> str:
    """Which way, in the middle of a sentence."""
    return _("out of the domain") if way.way == Way.OUT else _("into the domain")


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers send a canary's messages.")


_HEARD = "It notes what was found; nothing was changed."
final(_HEARD, "begin_canary_round", "record_canary_sent", "record_canary_arrival")
final(_HEARD, "finish_canary_look", "record_canary_turn")
