"""How the events of each verb are undone, said by every action beside itself.

An action that changes desired state calls `undoable` once for its verb: where the thing is found that it was
done to, how that thing stands now in the words of the event's `after`, and how to set it back by ordinary
actions. What cannot be taken back calls `final` with a sentence that says why, and what to do instead.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Model

import tenants.actions
from tenants import access
from tenants.actor import Actor
from tenants.models import Event, Mailbox

Values = dict[str, Any]


@dataclass(frozen=True)
class Reversal:
    """`find` gives None when the thing is gone for good, `hindrance` a sentence when `before` cannot come
    back though nothing was changed. `restore` writes exactly one event; the one undone is put on it."""

    find: Callable[[Event], Any]
    present: Callable[[Any, Event], Values]
    restore: Callable[[Actor, Any, Event], object]
    told: Callable[[Any, Event], str]
    needs: access.Verb
    hindrance: Callable[[Any, Event], str]


_reversals: dict[str, Reversal | str] = {}


def _nothing_hinders(row: Any, event: Event) -> str:
    return ""


def undoable(
    verb: str,
    *,
    find: Callable[[Event], Model | None],
    present: Callable[[Any, Event], Values],
    restore: Callable[[Actor, Any, Event], object],
    told: Callable[[Any, Event], str],
    needs: access.Verb = access.Verb.CHANGE,
    hindrance: Callable[[Any, Event], str] = _nothing_hinders,
) -> None:
    """Events of `verb` can be undone. `told` says what undoing does, as a sentence."""
    _reversals[verb] = Reversal(find, present, restore, told, needs, hindrance)


def final(why: str, *verbs: str) -> None:
    """Events of these verbs cannot be undone; `why` is a sentence for people."""
    for verb in verbs:
        _reversals[verb] = why


def reversal_of(verb: str) -> Reversal | str:
    """How to undo events of `verb`, or why that cannot be done."""
    return _reversals.get(verb, "Rookery does not know how to undo this.")


@cache
def load_actions() -> None:
    """Each module of actions says how its verbs are undone when it is imported."""
    for module in pkgutil.iter_modules(tenants.actions.__path__):
        importlib.import_module(f"{tenants.actions.__name__}.{module.name}")


def known_verbs() -> frozenset[str]:
    """Those of all actions."""
    load_actions()
    return frozenset(_reversals)


# What events tell besides what changed: nothing to compare, and set back only by the verb's own `restore`.
CIRCUMSTANCES = frozenset({"never_again", "removed", "vouched", "accepted", "stays", "taken"})

# Addresses -------------------------------------------------------------------------------------------


def targets_of(mailbox: Mailbox) -> list[str]:
    return list(mailbox.targets.order_by("pk").values_list("address", flat=True))


# How each field of an address is read, as events hold it. Whoever adds a field that events tell adds it here.
MAILBOX_FIELDS: dict[str, Callable[[Mailbox], Any]] = {
    "kind": lambda mailbox: mailbox.kind,
    "enabled": lambda mailbox: mailbox.enabled,
    "trashed": lambda mailbox: mailbox.trashed_at is not None,
    "note": lambda mailbox: mailbox.note,
    "targets": targets_of,
    "delivers_to": lambda mailbox: list(
        mailbox.delivers_to.order_by("fed_by__pk").values_list("local_part", flat=True)
    ),
    "expires_at": lambda mailbox: mailbox.expires_at.isoformat() if mailbox.expires_at else None,
}


def mailbox_of(event: Event) -> Mailbox | None:
    return event.mailbox


def mailbox_now(mailbox: Mailbox, event: Event) -> Values:
    """How the address stands now, in the fields of the event's `after`; a field unknown here is left out."""
    return {name: MAILBOX_FIELDS[name](mailbox) for name in event.after if name in MAILBOX_FIELDS}
