"""Undoing one event: desired state gets back what the event says was before, by the ordinary actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from tenants import access
from tenants.actions.audit import undoing
from tenants.actions.locking import lock
from tenants.actions.reversals import CIRCUMSTANCES, Reversal, load_actions, reversal_of
from tenants.actor import Actor
from tenants.errors import Conflict, Problem
from tenants.formats.text import printable
from tenants.history import find_event, hidden_fields, is_team, label
from tenants.models import Event

_LONGEST = 120


@dataclass(frozen=True)
class FieldChange:
    """One field of an event: what it was before, what the event made of it, and what it is now."""

    name: str
    before: Any
    after: Any
    now: Any

    @property
    def changed_since(self) -> bool:
        return bool(_comparable(self.now) != _comparable(self.after))


@dataclass(frozen=True)
class UndoPreview:
    """What undoing `event` would do. Without `possible`, `reason` says why not and what to do instead."""

    event: Event
    possible: bool
    sentence: str
    reason: str
    fields: tuple[FieldChange, ...] = ()

    @property
    def changed_since(self) -> tuple[FieldChange, ...]:
        return tuple(each for each in self.fields if each.changed_since)


class ChangedSince(Conflict):
    """Something that the event changed was changed again; each problem names such a field."""


def _comparable(value: Any) -> Any:
    """Lists of addresses have no order of their own."""
    return sorted(map(str, value)) if isinstance(value, list) else value


def in_words(value: Any) -> str:
    """A value of an event for people: “ada@home.example and 2 more”, “on”, “nothing”."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "nobody"
    return str(value) if value not in (None, "", {}) else "nothing"


def how_to_undo(verb: str) -> Reversal | str:
    """How events of `verb` are undone, or the sentence that says why they cannot be."""
    load_actions()
    return reversal_of(verb)


def preview_undo(actor: Actor, event: Event) -> UndoPreview:
    """Compare what `event` left with what is now. Quotas, loops and ranks are judged when it is done.

    Raises Absent when the event does not exist for the actor.
    """
    event = find_event(actor, event.pk)
    reversal = how_to_undo(event.verb)
    if isinstance(reversal, str):
        return UndoPreview(event, False, "", reversal)
    undone = Event.objects.filter(undoes=event).first()
    if undone is not None:
        reason = f"{undone.actor_name} undid this already. To do it again, undo that."
        return UndoPreview(event, False, "", reason)
    row = reversal.find(event)
    if row is None:
        reason = f"{event.subject} is gone: there is nothing that could be set back."
        return UndoPreview(event, False, "", reason)
    sentence = reversal.told(row, event)
    if not access.may(actor, reversal.needs, row):
        return UndoPreview(
            event, False, sentence, "You may see this, but not undo it. Ask an owner or manager."
        )
    now = reversal.present(row, event)
    hidden = CIRCUMSTANCES | hidden_fields(is_team=is_team(actor, event))
    fields = tuple(
        FieldChange(name, event.before.get(name), value, now.get(name))
        for name, value in event.after.items()
        if name not in hidden
    )
    reason = reversal.hindrance(row, event) or _what_changed(fields)
    return UndoPreview(event, not reason, sentence, reason, fields)


def _what_changed(fields: tuple[FieldChange, ...]) -> str:
    changed = [each for each in fields if each.changed_since]
    if not changed:
        return ""
    each = changed[0]
    others = ", ".join(f"“{label(other.name)}”" for other in changed[1:])
    more = f" So did {others}." if others else ""
    return (
        f"“{label(each.name)}” changed since: this made it “{_short(each.after)}”, now it is"
        f" “{_short(each.now)}”.{more} Undo the later change first, or change it by hand."
    )


def _short(value: Any) -> str:
    return printable(in_words(value), _LONGEST)


@transaction.atomic
def undo_event(*, actor: Actor, event: Event) -> Event:
    """Set back what `event` changed, and return the new event, which names the one that it undoes.

    Everything goes through the ordinary action with its checks (rights, rank, quota, loops, names). Raises
    Conflict with the reason when it cannot be undone, or ChangedSince when something was changed since. Of
    two at the same time one wins. Undoing the new event does again what was undone.
    """
    event = find_event(actor, event.pk)
    lock(event)
    reversal = how_to_undo(event.verb)
    row = reversal.find(event) if isinstance(reversal, Reversal) else None
    if row is not None:
        lock(row)
    preview = preview_undo(actor, event)
    if row is None or not isinstance(reversal, Reversal):
        raise Conflict(preview.reason)
    # The rights first: who may not do it is not told how things stand.
    access.require(actor, reversal.needs, row)
    if preview.changed_since:
        raise ChangedSince(preview.reason, map(_problem, preview.changed_since))
    if not preview.possible:
        raise Conflict(preview.reason)
    try:
        with transaction.atomic(), undoing(event):
            reversal.restore(actor, row, event)
            done = Event.objects.filter(undoes=event).first()
    except IntegrityError as error:
        raise Conflict("Somebody else undid this just now.") from error
    if done is None:
        raise Conflict("Everything is as it was before already; there is nothing to undo.")
    return done


def _problem(field: FieldChange) -> Problem:
    return Problem(
        field.name,
        f"It became “{_short(field.after)}” then, and is “{_short(field.now)}” now.",
        "Undo the later change first, or change it by hand.",
    )
