"""Plans that a worker carries out as a person agreed: asking, agreeing, and writing down what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from tenants import outbox
from tenants.actions.locking import lock
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.models.agreed import AgreedPlan


@dataclass(frozen=True)
class Seen:
    """What a worker found, and did: the columns of AgreedPlan with the same names."""

    state: str
    sentence: str
    right: Sequence[str] = ()
    problems: Sequence[str] = ()
    steps: Sequence[Mapping[str, str]] = field(default=())
    plan: str = ""


def ask(row: AgreedPlan, what: AgreedPlan.Ask, task: str, queue: str = "checks") -> None:
    """Save it with what a worker is asked for. Whoever serves an earlier wish finds another one, and leaves
    it alone."""
    row.asked, row.asked_at = what, timezone.now()
    row.claimed_until = row.asked_at
    row.save()
    outbox.hint_on_commit(task, row.pk, queue)


def agree(row: AgreedPlan, plan: str, where: str, task: str, queue: str = "checks") -> None:
    """Have exactly the plan carried out that was shown. Raises Conflict for another one; `where` is the
    machine in a sentence."""
    if row.asked:
        raise Conflict(f"A worker is at {where} just now. Wait until it has looked.")
    if row.state != row.State.TODO or row.plan != plan:
        raise Conflict(f"That is not the plan that was shown last. Look at {where} again, and read it.")
    row.agreed = plan
    ask(row, row.Ask.PREPARE, task, queue)


def is_current(actor: Actor, row: AgreedPlan) -> bool:
    """Lock the row for what a worker saw; False when a person asked for something else meanwhile."""
    if not actor.system:
        raise Forbidden("Only Rookery's workers record what is outside.")
    asked_at = row.asked_at
    lock(row)
    return row.asked_at == asked_at


def write_seen(row: AgreedPlan, seen: Seen, **more: Any) -> None:
    """Write what a worker saw; `more` are columns of this kind of plan."""
    row.asked, row.agreed, row.looked_at = row.Ask.NOTHING, "", timezone.now()
    row.state, row.sentence, row.plan = seen.state, seen.sentence[:1000], seen.plan
    row.right, row.problems = list(seen.right), list(seen.problems)
    row.steps = [dict(each) for each in seen.steps]
    for name, value in more.items():
        setattr(row, name, value)
    row.save()
