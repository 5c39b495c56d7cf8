"""What the audit log forgets of an address that is deleted for good: who got its mail.

That something was done, by whom and when, stays: the log is of those who act. What stays of `before` and
`after` are the fields below, which say nothing about people; every address that ever got the mail is taken
out of sentences, and out of the plans of the runs that carried its changes. The commits in the repository are
not ours to rewrite; they keep what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from tenants.history import with_runs
from tenants.models import AddressRequest, Event, Mailbox, Run, TargetAddress

TELL_NOTHING = frozenset({"enabled", "kind", "trashed", "passphrase", "login", "status", "confirmed"})
FORGOTTEN = "a deleted address"
_AT_ONCE = 200
_ADDRESS = re.compile(r"[^\s@,“”]+@[^\s@,“”]+\.[^\s@,“”]+")


def forget_in_events(mailboxes: Sequence[Mailbox]) -> None:
    """Take the people out of the events of these addresses; within the caller's transaction."""
    known: dict[str, set[str]] = {str(mailbox): set() for mailbox in mailboxes}
    names = {mailbox.pk: str(mailbox) for mailbox in mailboxes}
    rows = TargetAddress.objects.filter(mailbox__in=names).values_list("mailbox_id", "address")
    asked = AddressRequest.objects.filter(mailbox__in=names).values_list("mailbox_id", "target")
    for pk, address in (*rows, *asked):
        known[names[pk]].add(address)
    trashed_at = {str(mailbox): mailbox.trashed_at for mailbox in mailboxes}
    runs: dict[int, set[str]] = {}
    pending: list[Event] = []
    for event in _events_of(mailboxes).order_by("pk").iterator(_AT_ONCE):
        name = names.get(event.mailbox_id or 0, event.subject)
        at = trashed_at[name]
        if event.mailbox_id is None and (at is None or event.at > at):
            continue  # somebody asks for the name anew
        people = known[name]
        people |= set(_addresses_in([event.before, event.after])) - {name}
        _forget(event, people)
        run_id = vars(event)["observed_by"]
        if run_id is not None:
            runs.setdefault(run_id, set()).add(name.partition("@")[0])
        pending.append(event)
        if len(pending) == _AT_ONCE:
            _write(pending)
    _write(pending)
    for run in Run.objects.filter(pk__in=runs).iterator(_AT_ONCE):
        run.plan = _without_units(run.plan, runs[run.pk])
        run.save(update_fields=["plan"])


def _events_of(mailboxes: Sequence[Mailbox]) -> QuerySet[Event]:
    """Those of the address, and those of requests for it, which came before it was made."""
    domains = {mailbox.domain_id for mailbox in mailboxes}
    before = Event.objects.filter(
        mailbox=None, domain__in=domains, subject__in=[str(mailbox) for mailbox in mailboxes]
    )
    return with_runs(Event.objects.filter(Q(mailbox__in=mailboxes) | Q(pk__in=before.values("pk"))))


def _without_units(plan: Any, units: set[str]) -> Any:
    """The plan of a run, which shows entries, without what it shows of these."""
    if not isinstance(plan, dict):
        return plan
    shown = ("before", "after", "outside", "ours")
    return {
        part: [
            {**each, **dict.fromkeys(each.keys() & set(shown), "")} if each.get("unit") in units else each
            for each in value
        ]
        if part in {"changes", "apart"}
        else value
        for part, value in plan.items()
    }


def _addresses_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _ADDRESS.findall(value)
    elif isinstance(value, list):
        for each in value:
            yield from _addresses_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _addresses_in(each)


def _forget(event: Event, people: set[str]) -> None:
    event.before = {name: value for name, value in event.before.items() if name in TELL_NOTHING}
    event.after = {name: value for name, value in event.after.items() if name in TELL_NOTHING}
    event.sentence = without(event.sentence, people)[:500]
    event.reason = ""


def without(sentence: str, people: set[str]) -> str:
    """The sentence, with “a deleted address” in the place of each of these; longer ones first."""
    for address in sorted(people, key=len, reverse=True):
        sentence = re.sub(
            rf"(?<![\w.+-]){re.escape(address)}(?![\w-])", FORGOTTEN, sentence, flags=re.IGNORECASE
        )
    return sentence


def _write(events: list[Event]) -> None:
    Event.objects.bulk_update(events, ["before", "after", "sentence", "reason"], batch_size=100)
    events.clear()
