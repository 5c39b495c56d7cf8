"""Taking over what stands outside into desired state, and what people decide about findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox, tokens
from tenants.actions.audit import record, record_all, unsaved_event
from tenants.actions.organizations import give_quota_back, take_quota
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry
from tenants.models import Event, Finding, Mailbox, SyncTarget, TargetAddress
from tenants.secrets import Purpose, seal

_AT_ONCE = 500


@dataclass(frozen=True)
class Outside:
    """One address as it stands outside; without an entry it is gone there."""

    local_part: str
    entry: RelayEntry | None = field(repr=False)


@transaction.atomic
def take_over(*, actor: Actor, target: SyncTarget, addresses: Sequence[Outside]) -> int:
    """Make desired state say what the outside says; returns how many addresses it was.

    Only workers call it, with what they just read. Nothing is marked: both sides agree afterwards. Targets
    count as confirmed, since mail goes to them already. Raises Invalid when the quota has too little left;
    then nothing is taken over.
    """
    if not actor.system:
        raise Forbidden("Only Rookery's workers read the outside; decide about a finding instead.")
    assert target.repository is not None  # noqa: S101 - of every relay target
    domain = target.repository.domain
    assert domain is not None  # noqa: S101 - a relay repository belongs to a domain
    names = [each.local_part for each in addresses]
    known = _mailboxes(target, names)
    events: list[Event] = []
    new: list[Mailbox] = []
    for each in addresses:
        mailbox = known.get(each.local_part)
        if mailbox is None and each.entry is not None:
            new.append(Mailbox(domain=domain, local_part=each.local_part, **_login(target, each.entry)))
        elif mailbox is not None:
            events.append(_follow(actor, target, mailbox, each.entry))
    if new:
        take_quota(domain.organization, "mailbox", len(new))
        Mailbox.objects.bulk_create(new, batch_size=_AT_ONCE)
    entries = {each.local_part: each.entry for each in addresses if each.entry is not None}
    for mailbox in new:
        events.append(_taken_over(actor, target, mailbox, None, entries[mailbox.local_part]))
    _insert_targets([*known.values(), *new], entries)
    record_all(events)
    return len(events)


def _mailboxes(target: SyncTarget, names: Sequence[str]) -> dict[str, Mailbox]:
    assert target.repository is not None  # noqa: S101
    rows = Mailbox.objects.filter(domain=target.repository.domain_id).select_related("domain__organization")
    found: dict[str, Mailbox] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = rows.filter(local_part__in=names[start : start + _AT_ONCE])
        found |= {row.local_part: row for row in some.prefetch_related("targets")}
    return found


def _login(target: SyncTarget, entry: RelayEntry) -> dict[str, Any]:
    """The columns of an address that follow from its entry outside."""
    sealed = None if entry.password == NO_LOGIN else seal(Purpose.MAILBOX_HASH, entry.password)
    return {
        "kind": Mailbox.Kind.MAILBOX if sealed else Mailbox.Kind.ALIAS,
        "sealed_hash": sealed,
        "enabled": True,
        "trashed_at": None,
        "reached": bool(entry.targets),
        "changed_at": timezone.now(),
        "generation": target.generation,
    }


def _follow(actor: Actor, target: SyncTarget, mailbox: Mailbox, entry: RelayEntry | None) -> Event:
    """Change an address of ours to what the outside has; a removed one goes to the trash."""
    before = {"targets": [row.address for row in mailbox.targets.all()]}
    if entry is None:
        if mailbox.trashed_at is None:
            give_quota_back(mailbox.domain.organization, "mailbox")
        Mailbox.objects.filter(pk=mailbox.pk).update(
            trashed_at=timezone.now(), changed_at=timezone.now(), generation=target.generation
        )
        sentence = f"{mailbox} was removed outside and put into the trash here."
        return _event(actor, target, mailbox, sentence, before, {})
    if mailbox.trashed_at is not None:
        take_quota(mailbox.domain.organization, "mailbox")
    Mailbox.objects.filter(pk=mailbox.pk).update(**_login(target, entry))
    mailbox.targets.exclude(address__in=entry.targets).delete()
    mailbox.targets.filter(confirmed_at=None).update(
        confirmed_at=timezone.now(), source=TargetAddress.Source.OUTSIDE
    )
    return _taken_over(actor, target, mailbox, before, entry)


def _insert_targets(mailboxes: Sequence[Mailbox], entries: dict[str, RelayEntry]) -> None:
    now = timezone.now()
    rows = [
        TargetAddress(
            mailbox=mailbox,
            address=address,
            digest=tokens.digest(tokens.new_token()),
            asked_at=now,
            confirmed_at=now,
            source=TargetAddress.Source.OUTSIDE,
        )
        for mailbox in mailboxes
        if mailbox.local_part in entries
        for address in dict.fromkeys(entries[mailbox.local_part].targets)
    ]
    TargetAddress.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)


def _taken_over(
    actor: Actor, target: SyncTarget, mailbox: Mailbox, before: dict[str, Any] | None, entry: RelayEntry
) -> Event:
    sentence = f"{mailbox} was taken over from outside."
    after = {"targets": list(entry.targets), "login": entry.password != NO_LOGIN}
    return _event(actor, target, mailbox, sentence, before or {}, after)


def _event(
    actor: Actor,
    target: SyncTarget,
    mailbox: Mailbox,
    sentence: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> Event:
    return unsaved_event(
        actor, "take_over", mailbox, sentence, mailbox=mailbox, target=target, before=before, after=after
    )


@transaction.atomic
def decide_findings(
    *, actor: Actor, target: SyncTarget, decision: str, units: Sequence[str] | None = None
) -> int:
    """Say what becomes of findings: take over what is outside, or write what Rookery has.

    `units` names them; None means all for which the decision is possible. A worker does it in its next
    pass, if what is outside is still what was seen. Returns how many were decided.
    """
    access.require(actor, access.Verb.DECIDE, target)
    if decision not in Finding.Decision.values:
        raise Invalid.of("decision", f"“{decision[:40]}” is no choice.", "Choose adopt or repair.")
    possible = target.findings.all()
    if decision == Finding.Decision.ADOPT:
        possible = possible.filter(takeable=True)
    else:
        possible = possible.filter(kind__in=Finding.REPAIRABLE)
    if units is not None:
        wanted = set(units)
        # No name holds a NUL, and PostgreSQL refuses to look for one.
        named = [unit for unit in wanted if "\0" not in unit][:_AT_ONCE]
        rows = {row.unit: row.pk for row in possible.filter(unit__in=named)}
        missing = sorted(wanted - rows.keys())
        if missing:
            raise Invalid.of(
                "units",
                f"{missing[0]} cannot be decided that way (any more).",
                "Read the list again: what is outside may have changed.",
            )
        possible = possible.filter(pk__in=rows.values())
    count = possible.update(decision=decision)
    if not count:
        raise Conflict("There is nothing left to decide that way.")
    outbox.look_again(target)
    domain = target.repository.domain if target.repository else None
    shown = f"{count} entries" if units is None or count > 1 else units[0]
    what = "take over" if decision == Finding.Decision.ADOPT else "write Rookery's version of"
    record(
        actor,
        "decide_findings",
        target,
        f"{actor} decided to {what} {shown}.",
        organization=target.organization,
        domain=domain,
        target=target,
        after={"decision": decision, "units": list(units or [])[:100], "count": count},
    )
    return count
