"""Letters that people follow through a mail stack: rounds of its canary that somebody asked for.

They go the same ways, from the same address to the same place, and are found there by the same code; they
count in no standing and no history. Their lines are not kept a second time: consoles have them.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tenants import access, limits, outbox
from tenants.actions.audit import record
from tenants.actions.canary_rounds import end_lost_rounds
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.canary import Verdict, Way
from tenants.formats.text import printable
from tenants.models import Canary, CanaryRound, Stack
from tenants.models.sync import LONG_AGO

LETTERS = limits.Limit(
    "letters", 10, timedelta(minutes=10), "Ten letters were followed in this mail stack within ten minutes."
)


def follow_letter(*, actor: Actor, stack: Stack, way: str) -> CanaryRound:
    """Have a worker send one message through the stack, and see what becomes of it.

    Raises Conflict while another one goes that way, or where there is no canary or nothing shall run;
    TooMany after ten in ten minutes.
    """
    access.require(actor, access.Verb.SWITCH, stack)
    if way not in [each.value for each in Way]:
        raise Invalid.of("way", f"There is no way “{printable(way, 40)}”.", "Use in or out.")
    _require_possible(stack, way)
    limits.spend(LETTERS, str(stack.pk))
    return _ask(actor, stack, way)


def _require_possible(stack: Stack, way: str) -> Canary:
    canary = Canary.objects.filter(stack=stack).first()
    if stack.wanted != Stack.Wanted.RUNNING:
        raise Conflict(f"{stack} is {stack.get_wanted_display()}. Let it run first.")
    if canary is None:
        raise Conflict(f"{stack} has no canary, and a letter needs its address. Give it one first.")
    if canary.rounds.filter(way=way, verdict__in=_UNDER_WAY).exclude(asked_at=None).exists():
        raise Conflict("A letter is on this way already. Wait until it arrived or was given up.")
    return canary


@transaction.atomic
def _ask(actor: Actor, stack: Stack, way: str) -> CanaryRound:
    lock(stack)
    canary = _require_possible(stack, way)
    now = timezone.now()
    row = CanaryRound.objects.create(
        canary=canary,
        way=way,
        tag=secrets.token_hex(20),
        began_at=now,
        verdict=Verdict.ASKED.value,
        asked_at=now,
        asked_by=str(actor)[:300],
        release=stack.release,
    )
    record(
        actor,
        "follow_letter",
        stack,
        f"{actor} follows a letter {row.get_way_display()} through {stack}.",
        domain=stack.domain,
        after={"letter": row.pk, "way": way},
    )
    outbox.hint_on_commit("follow_letter", row.pk, "mail_checks")
    return row


@transaction.atomic
def begin_letter(*, actor: Actor, letter: CanaryRound, at: datetime) -> bool:
    """Note that a worker sends it now, by the release that has the traffic; False when one did before."""
    _require_worker(actor)
    lock(letter.canary)
    letter.refresh_from_db()
    if letter.verdict != Verdict.ASKED:
        return False
    letter.verdict, letter.began_at = Verdict.WAITING.value, at
    letter.release_id = Stack.objects.values_list("release", flat=True).get(pk=letter.canary.stack_id)
    letter.save(update_fields=["verdict", "began_at", "release"])
    return True


@transaction.atomic
def finish_letter_look(*, actor: Actor, canary: Canary, at: datetime) -> None:
    """Give up what is lost, and let the canary go on."""
    _require_worker(actor)
    lock(canary)
    end_lost_rounds(canary, at)
    Canary.objects.filter(pk=canary.pk).update(claimed_until=LONG_AGO)


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers send letters.")


_UNDER_WAY = (Verdict.ASKED.value, Verdict.WAITING.value)
final("The message was sent, and nothing was changed by it.", "follow_letter")
final("It notes what was found; nothing was changed.", "begin_letter", "finish_letter_look")
