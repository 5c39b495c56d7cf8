"""Aliases: addresses without a passphrase that deliver to mailboxes of their domain, to others, or both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.alias_rules import require_leave, require_rules, rules_for
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mailboxes import trash_mailbox
from tenants.actions.marks import mark_mailbox
from tenants.actions.names import require_free_name
from tenants.actions.new_mailboxes import insert_sealed_mailbox
from tenants.actions.reversals import mailbox_now, mailbox_of, undoable
from tenants.actions.targets import add_target_rows, check_target_list, require_fits, require_no_loop
from tenants.actor import Actor
from tenants.errors import Checks, Invalid, Problem
from tenants.formats.addresses import check_local_part
from tenants.formats.ends import check_end
from tenants.formats.text import check_text, printable
from tenants.models import AliasRules, Delivery, Domain, Mailbox

MAX_DELIVERIES = 500
_NOBODY = Problem(
    "delivers_to", "It would reach nobody.", "Choose a mailbox, or write an address that gets the mail."
)


@transaction.atomic
def create_alias(
    *,
    actor: Actor,
    domain: Domain,
    local_part: str,
    delivers_to: Sequence[str] = (),
    targets: Sequence[str] = (),
    note: str = "",
    expires_at: datetime | None = None,
) -> Mailbox:
    """Add an alias. `delivers_to` names mailboxes of `domain`; `targets` are asked to confirm as always.

    Who is not in the domain's team makes it by the domain's rules, for mailboxes that they hold; whoever
    holds the mailbox that its name fits holds the alias.
    """
    in_team = access.may(actor, access.Verb.VIEW, domain)
    if in_team:
        access.require_not_halted(actor, domain.organization_id)
    is_team = in_team and access.may_create(actor, access.Kind.MAILBOX, domain)
    rules = None if is_team else _rules_of_people(actor, domain)
    checks = Checks()
    with checks:
        local_part = check_local_part(local_part)
    with checks:
        targets = check_target_list(targets, domain)
    with checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    with checks:
        expires_at = check_end(expires_at, now=timezone.now())
    mailboxes: list[Mailbox] = []
    with checks:
        mailboxes = _hold_mailboxes(actor, domain, delivers_to, only_own=not is_team)
        if not mailboxes and not targets:
            raise Invalid([_NOBODY])
    checks.finish()
    made_for = None
    if rules is not None:
        leave = require_leave(actor, rules, local_part, mailboxes, expires_at)
        made_for, expires_at = leave.made_for, leave.expires_at
    require_free_name(domain, local_part, actor)
    access.require_rank(actor, f"{local_part}@{domain.name}")
    alias = insert_sealed_mailbox(
        domain=domain,
        local_part=local_part,
        sealed_hash=None,
        note=note,
        holder=None,
        made_for=made_for,
        expires_at=expires_at,
    )
    _deliver(alias, mailboxes)
    require_fits(alias, targets)
    add_target_rows(actor, alias, targets)
    target = mark_mailbox(alias)
    after = {
        "delivers_to": [each.local_part for each in mailboxes],
        "targets": list(targets),
        "note": note,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    record(
        actor,
        "create_alias",
        alias,
        f"The alias {alias} was made.",
        mailbox=alias,
        target=target,
        after=after,
    )
    return alias


def _rules_of_people(actor: Actor, domain: Domain) -> AliasRules:
    rules = rules_for(actor, domain)
    access.require_scope(actor, access.Verb.CREATE, access.Kind.MAILBOX)
    access.require_not_halted(actor, domain.organization_id)
    return rules


def _deliver(alias: Mailbox, mailboxes: Sequence[Mailbox]) -> None:
    rows = [Delivery(alias=alias, mailbox=mailbox) for mailbox in mailboxes]
    Delivery.objects.bulk_create(rows, batch_size=200)


def _hold_mailboxes(
    actor: Actor, domain: Domain, names: Sequence[str], *, only_own: bool, known: Sequence[str] = ()
) -> list[Mailbox]:
    """The mailboxes of these names, held, in the order of the names. Invalid names each that cannot be one.

    With `only_own`, mailboxes that the actor does not hold are as absent as those that do not exist, except
    those `known` to be delivered to already.
    """
    wanted = list(dict.fromkeys(each.strip().lower().removesuffix(f"@{domain.name}") for each in names))
    if len(wanted) > MAX_DELIVERIES:
        raise Invalid.of(
            "delivers_to",
            f"These are {len(wanted)} mailboxes; an alias delivers to {MAX_DELIVERIES} at most.",
            "Use a mailing list for so many.",
        )
    named = [each for each in wanted if "\0" not in each]
    rows = Mailbox.objects.select_for_update(of=("self",)).filter(
        domain=domain, local_part__in=named, trashed_at=None
    )
    found = {row.local_part: row for row in rows.select_related("domain__organization").order_by("pk")}
    if only_own:
        held = set(access.held_mailboxes(actor).filter(domain=domain).values_list("pk", flat=True))
        found = {name: row for name, row in found.items() if row.pk in held or name in known}
    problems = [
        problem
        for index, name in enumerate(wanted)
        if (problem := _why_not(name, found.get(name), f"delivers_to[{index}]", domain, only_own))
    ]
    if problems:
        raise Invalid(problems)
    return [found[name] for name in wanted]


def _why_not(name: str, row: Mailbox | None, field: str, domain: Domain, only_own: bool) -> Problem | None:
    shown = printable(name, 80)
    if row is None:
        whose = "of yours " if only_own else ""
        return Problem(
            field,
            f"There is no mailbox {whose}called “{shown}” in {domain.name}.",
            "Choose one from the list; addresses elsewhere are written below it.",
        )
    if row.kind != Mailbox.Kind.ALIAS:
        return None
    behind = list(row.delivers_to.order_by("fed_by__pk").values_list("local_part", flat=True)[:5])
    fix = f"Choose what it delivers to: {', '.join(behind)}." if behind else "Write whom it reaches."
    return Problem(field, f"{shown} is an alias itself, and the relay looks nothing up twice.", fix)


@transaction.atomic
def change_deliveries(*, actor: Actor, alias: Mailbox, delivers_to: Sequence[str]) -> Mailbox:
    """Choose anew to which mailboxes an alias delivers; also one in the trash, so that it can come back."""
    access.require(actor, access.Verb.CHANGE, alias)
    access.require_rank(actor, str(alias))
    rules = require_rules(actor, alias)
    before = list(alias.delivers_to.order_by("fed_by__pk").values_list("local_part", flat=True))
    with Checks() as checks:
        mailboxes = _hold_mailboxes(
            actor, alias.domain, delivers_to, only_own=rules is not None, known=before
        )
    checks.finish()
    lock(alias)
    if alias.kind != Mailbox.Kind.ALIAS:
        raise Invalid.of(
            "delivers_to",
            f"{alias} is a mailbox, and only aliases deliver to others.",
            "Make an alias that delivers to it and to the others.",
        )
    if mailboxes and Delivery.objects.filter(mailbox=alias).exists():
        raise Invalid.of(
            "delivers_to",
            f"Other aliases deliver to {alias}, and the relay looks nothing up twice.",
            "Let those deliver to the mailboxes themselves.",
        )
    own = list(alias.targets.order_by("pk").values_list("address", flat=True))
    if not mailboxes and not own:
        raise Invalid([_NOBODY])
    after = [each.local_part for each in mailboxes]
    if after == before:
        return alias
    alias.deliveries.all().delete()
    _deliver(alias, mailboxes)
    require_fits(alias, own)
    require_no_loop(alias, own)
    target = mark_mailbox(alias)
    record(
        actor,
        "change_deliveries",
        alias,
        f"{alias} delivers to {len(after)} mailbox{'es' if len(after) != 1 else ''} now.",
        mailbox=alias,
        target=target,
        before={"delivers_to": before},
        after={"delivers_to": after},
    )
    return alias


undoable(
    "create_alias",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, alias, event: trash_mailbox(actor=actor, mailbox=alias),
    told=lambda alias, event: f"{alias} goes into the trash, from where it can come back.",
    needs=access.Verb.DELETE,
)
undoable(
    "change_deliveries",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, alias, event: change_deliveries(
        actor=actor, alias=alias, delivers_to=event.before["delivers_to"]
    ),
    told=lambda alias, event: (
        f"{alias} delivers again to {', '.join(event.before['delivers_to']) or 'nobody'}."
    ),
)
