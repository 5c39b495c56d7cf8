"""The canary of a mail stack: made with it, heard of by workers, told to people when it turns."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.names import insert_held_name
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.models import Canary, CanaryWay, HeldName, Mailbox, Stack
from tenants.secrets import Purpose, seal
from tenants.stack_wishes import relay_of
from tenants.tokens import new_token

NAME = "rookery-canary"
_MOST_NAMES = 20


@transaction.atomic
def make_canary(*, actor: Actor, stack: Stack) -> Canary:
    """Give a stack that has none its canary. Raises Conflict when it has one, or is being removed."""
    access.require(actor, access.Verb.CHANGE, stack)
    lock(stack)
    if Canary.objects.filter(stack=stack).exists():
        raise Conflict(f"{stack} has a canary already.")
    if stack.wanted == Stack.Wanted.REMOVED:
        raise Conflict(f"{stack} is being removed.")
    relay = relay_of(stack.domain)
    target = relay.sync_target if relay is not None else None
    canary = insert_canary(actor, stack)
    if target is not None:
        carry_canary(stack, outbox.mark([target])[target.pk])
        canary.refresh_from_db()
    record(
        actor,
        "make_canary",
        canary,
        f"{stack} got the canary {canary}: mail goes to it and from it every few minutes.",
        domain=stack.domain,
        target=target,
        after={"address": str(canary)},
    )
    return canary


def insert_canary(actor: Actor, stack: Stack) -> Canary:
    """The rows themselves, with a name that nobody has; the relay is to be marked by the caller."""
    now = timezone.now()
    canary = Canary.objects.create(
        stack=stack,
        local_part=_free_name(stack),
        sealed_secret=seal(Purpose.CANARY, new_token()),
        home=_home_for(stack),
        made_at=now,
    )
    CanaryWay.objects.bulk_create(CanaryWay(canary=canary, way=way, since=now) for way in ("in", "out"))
    insert_held_name(
        actor, stack.domain, canary.local_part, HeldName.Kind.NEVER, "the canary of the mail stack has it"
    )
    return canary


def carry_canary(stack: Stack, generation: int) -> None:
    """Remember which generation of the relay carries the last change of the canary's entry."""
    Canary.objects.filter(stack=stack).update(generation=generation)


def _home_for(stack: Stack) -> str:
    """Where its mail arrives, unless that is in the domain itself: the relay looks nothing up twice."""
    home = settings.CANARY_HOME
    return "" if home.rpartition("@")[2] == stack.domain.name else home


def _free_name(stack: Stack) -> str:
    taken = set(
        Mailbox.objects.filter(domain=stack.domain, local_part__startswith=NAME)
        .order_by("local_part")
        .values_list("local_part", flat=True)[:_MOST_NAMES]
    )
    names = [NAME, *(f"{NAME}-{number}" for number in range(2, _MOST_NAMES + 2))]
    return next(name for name in names if name not in taken)


final("Remove the stack instead: its canary goes with it.", "make_canary")
