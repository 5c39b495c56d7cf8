"""What was sent since the last proof, where the outside does not say who wrote what it holds.

An answer may be lost, and the worker with it. What stands outside later is then known to be ours, whichever
of what was sent arrived: without this it would look like somebody else's, and wait for a person to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from tenants.models import SyncTarget
from workers.targets.base import Pass

MOST_UNITS = 5_000
MOST_MARKS = 10

Sent = Mapping[str, list[str]]
"""Marks by unit, of how each was to be after something was sent, the newest last; "" for no more there."""


def sent_since(target: SyncTarget) -> Sent:
    """What was sent since the last proof; a proof forgets it."""
    found: Sent = target.proof.get("sent", {})
    return found


def remember_sent(current: Pass, marks: Mapping[str, str]) -> None:
    """Before it is sent. Of more than MOST_UNITS, those that follow are left for a person where an answer was
    lost; of more than MOST_MARKS for a unit, the oldest are."""
    target = current.target
    sent = dict(sent_since(target))
    for unit, mark in islice(marks.items(), MOST_UNITS):
        sent[unit] = [*(each for each in sent.get(unit, ()) if each != mark), mark][-MOST_MARKS:]
    target.proof = {**target.proof, "sent": sent}
    with current.write():
        SyncTarget.objects.filter(pk=target.pk).update(proof=target.proof)
