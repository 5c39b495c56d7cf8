"""Taking over what stands outside into desired state, and what people decide about findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access, outbox, tokens
from tenants.actions.audit import record, record_all, unsaved_event
from tenants.actions.exchanges import want_review
from tenants.actions.former_passphrases import former_passphrase
from tenants.actions.marks import hold_aliases_of, judge_reach
from tenants.actions.names import held_among, why_not_free
from tenants.actions.quotas import give_addresses_back, take_addresses
from tenants.actions.reversals import final
from tenants.actions.setting_back import address_told
from tenants.actions.targets import agreement
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry
from tenants.models import (
    Domain,
    Event,
    Finding,
    FormerPassphrase,
    HeldName,
    Mailbox,
    SyncTarget,
    TargetAddress,
)
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
    former: list[FormerPassphrase] = []
    new: list[Mailbox] = []
    for each in addresses:
        mailbox = known.get(each.local_part)
        if mailbox is None and each.entry is not None:
            new.append(Mailbox(domain=domain, local_part=each.local_part, **_login(target, each.entry)))
        elif mailbox is not None:
            event, replaced = _follow(actor, target, mailbox, each.entry)
            events.append(event)
            former += replaced
    _require_names(actor, domain, new, known, addresses)
    if new:
        take_addresses(domain, len(new))
        Mailbox.objects.bulk_create(new, batch_size=_AT_ONCE)
    entries = {each.local_part: each.entry for each in addresses if each.entry is not None}
    for mailbox in new:
        events.append(_taken_over(actor, target, mailbox, None, entries[mailbox.local_part]))
    _insert_targets([*known.values(), *new], entries)
    want_review((entry.targets for entry in entries.values()), domain.organization)
    record_all(events)
    FormerPassphrase.objects.bulk_create(former, batch_size=_AT_ONCE)
    _mark_aliases_of(target, list(known.values()))
    return len(events)


def _require_names(
    actor: Actor,
    domain: Domain,
    new: Sequence[Mailbox],
    known: dict[str, Mailbox],
    addresses: Sequence[Outside],
) -> None:
    """No name that is never given again comes back by having been made outside."""
    back = {each.local_part for each in addresses if each.entry is not None}
    names = [each.local_part for each in new]
    names += [name for name, row in known.items() if row.trashed_at is not None and name in back]
    for held in held_among(domain, names).values():
        problem = why_not_free(held, actor)
        if problem is not None:
            raise Invalid([problem])


def _mark_aliases_of(target: SyncTarget, mailboxes: Sequence[Mailbox]) -> None:
    """Entries of aliases that deliver to what was taken over do not agree any more.

    The pass that is running writes them already: it loads what is above the generation that was proved.
    """
    generation = 0
    for start in range(0, len(mailboxes), _AT_ONCE):
        aliases = hold_aliases_of([each.pk for each in mailboxes[start : start + _AT_ONCE]])
        if aliases is None:
            continue
        if not generation:
            # A row of its own: the pass goes on with the generation that it began with.
            generation = outbox.mark([SyncTarget.objects.get(pk=target.pk)])[target.pk]
        aliases.update(generation=generation)
        judge_reach(aliases)


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
        "off_by_holder": False,
        "trashed_at": None,
        "reached": bool(entry.targets),
        "changed_at": timezone.now(),
        "generation": target.generation,
    }


def _follow(
    actor: Actor, target: SyncTarget, mailbox: Mailbox, entry: RelayEntry | None
) -> tuple[Event, list[FormerPassphrase]]:
    """Change an address of ours to what the outside has; a removed one goes to the trash.

    The event, still unsaved, and the passphrase that was replaced, for undoing it.
    """
    if entry is None:
        was = {"trashed": mailbox.trashed_at is not None}
        if mailbox.trashed_at is None:
            give_addresses_back(mailbox.domain)
        Mailbox.objects.filter(pk=mailbox.pk).update(
            trashed_at=timezone.now(), changed_at=timezone.now(), generation=target.generation
        )
        sentence = f"{mailbox} was removed outside and put into the trash here."
        return _event(actor, target, mailbox, sentence, was, {"trashed": True}), []
    rows = sorted(mailbox.targets.all(), key=lambda row: row.pk)
    before = {
        **address_told(mailbox, "set", [row.address for row in rows]),
        "removed": [agreement(row) for row in rows if row.address not in entry.targets],
    }
    if mailbox.trashed_at is not None:
        take_addresses(mailbox.domain)
    # What it delivered to stands in its entry, and is its own from now on.
    mailbox.deliveries.all().delete()
    columns, sealed = _login(target, entry), mailbox.sealed_hash
    Mailbox.objects.filter(pk=mailbox.pk).update(**columns, made_for=None)
    mailbox.sealed_hash = columns["sealed_hash"]
    mailbox.targets.exclude(address__in=entry.targets).delete()
    mailbox.targets.filter(confirmed_at=None).update(
        confirmed_at=timezone.now(), source=TargetAddress.Source.OUTSIDE
    )
    # Mail flows there already, whatever mail servers they have.
    mailbox.targets.exclude(exchange__in=TargetAddress.FLOWS).update(exchange=TargetAddress.Exchange.FREE)
    event = _taken_over(actor, target, mailbox, before, entry)
    return event, [former_passphrase(event, mailbox, bytes(sealed) if sealed else None)]


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
    login = entry.password != NO_LOGIN
    after = {
        "targets": list(entry.targets),
        "kind": Mailbox.Kind.MAILBOX if login else Mailbox.Kind.ALIAS,
        "enabled": True,
        "trashed": False,
        "passphrase": "changed" if login else "none",
    }
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


def _within_rank(
    actor: Actor, target: SyncTarget, possible: QuerySet[Finding], units: Sequence[str] | None
) -> QuerySet[Finding]:
    """Without the addresses of people who rank above the actor; Forbidden where one of them was named."""
    domain = target.repository.domain if target.repository else None
    if domain is None:
        return possible
    names = list(possible.values_list("unit", flat=True)) if units is None else list(units)
    above = access.names_above(actor, domain, [name for name in names if "\0" not in name])
    if units is not None and above:
        access.require_rank(actor, f"{min(above)}@{domain.name}")
        access.require_rank(actor, Mailbox.objects.get(domain=domain, local_part=min(above)))
    return possible.exclude(unit__in=above)


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
        possible = _within_rank(actor, target, possible, units)
    else:
        possible = possible.filter(kind__in=Finding.REPAIRABLE)
    domain = target.repository.domain if target.repository else None
    if decision == Finding.Decision.ADOPT and domain is not None:
        possible = _without_held(possible, domain, units or ())
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


final("A worker did that at once. Look at what it took over or wrote, and change that.", "decide_findings")


def _without_held(possible: QuerySet[Finding], domain: Domain, units: Sequence[str]) -> QuerySet[Finding]:
    """Findings whose names may be given; Invalid for one that was asked for by name."""
    held = HeldName.objects.filter(domain=domain, kind=HeldName.Kind.NEVER)
    named = held.filter(local_part__in=[unit for unit in units if "\0" not in unit][:_AT_ONCE])
    used = Mailbox.objects.filter(domain=domain, trashed_at=None).values("local_part")
    first = named.exclude(local_part__in=used).first()
    if first is not None:
        raise Invalid.of(
            "units",
            f"“{first.local_part}” is not given again, so it is not taken over.",
            "Take the name off the list in the domain's settings, or remove the entry outside.",
        )
    return possible.exclude(unit__in=held.exclude(local_part__in=used).values("local_part"))
