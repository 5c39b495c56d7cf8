"""Who gets an address's mail: checked for loops over all tenants, confirmed by the target's holder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from tenants import access, limits, tokens
from tenants.actions.audit import record
from tenants.actions.exchanges import reconsider, states_of_new
from tenants.actions.locking import lock
from tenants.actions.marks import mark_mailbox
from tenants.actions.questions import owe_confirmation
from tenants.actions.reversals import final, mailbox_now, mailbox_of, targets_of, undoable
from tenants.actions.warnings import refresh_warnings
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid
from tenants.formats.addresses import MAX_REACHED, MAX_TARGETS, check_targets, find_forwarding_loop
from tenants.formats.exchanges import host_of, shared
from tenants.formats.expansion import merged
from tenants.formats.text import printable
from tenants.forwards import forwards_with
from tenants.guards import facts_about, known_exchanges
from tenants.models import Delivery, Domain, Event, Mailbox, TargetAddress

# After a target was taken away, this long undoing it needs no new word of its holder.
AGREEMENT_HOLDS = timedelta(days=30)


def check_target_list(targets: Sequence[str], domain: Domain, *, maximum: int = MAX_TARGETS) -> list[str]:
    """The targets in their stored form; raises for what ptt would mishandle (see formats.addresses)."""
    return list(check_targets(targets, own_domain=domain.name, maximum=maximum))


def why_not_together(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """Why one entry cannot hold both lists, each of which is fine; empty when it can, as far as is known."""
    count = len(merged([ours, theirs]))
    if count > MAX_REACHED:
        return f"That would be {count} addresses; {MAX_REACHED} are the most."
    pairs = [(one, other) for one in _hosts(ours) for other in _hosts(theirs) if one != other]
    known = known_exchanges(facts_about({host for pair in pairs for host in pair}))
    found = (shared(one, other, known) for one, other in pairs)
    return next((each.sentence for each in found if each is not None), "")


def _hosts(addresses: Sequence[str]) -> list[str]:
    return sorted({host_of(address) for address in addresses})


def require_fits(mailbox: Mailbox, addresses: Sequence[str]) -> None:
    """`addresses` would be the targets of `mailbox`. Raise Invalid if then an alias could not reach all that
    it is to reach: this one with the mailboxes that it delivers to, or, by name, one that delivers to it."""
    theirs = TargetAddress.objects.filter(mailbox__fed_by__alias=mailbox, mailbox__trashed_at=None)
    in_order = theirs.order_by("mailbox__fed_by__pk", "pk").values_list("mailbox_id", "address")
    together = list(addresses)
    for _, rows in groupby(in_order, key=lambda row: row[0]):
        more = [address for _, address in rows]
        if problem := why_not_together(together, more):
            raise Invalid.of(
                "targets", f"{mailbox} could not reach everybody it is to reach. {problem}", "Choose fewer."
            )
        together += more
    # Held before they are looked at: another of their mailboxes may be about to change, or they to come back.
    feeding = Delivery.objects.filter(mailbox=mailbox).values("alias")
    held = Mailbox.objects.select_for_update(of=("self",)).filter(pk__in=feeding).order_by("pk")
    aliases = [alias for alias in held.select_related("domain") if alias.trashed_at is None]
    others = _reached_without(mailbox) if aliases else {}
    for alias in sorted(aliases, key=lambda each: each.local_part):
        problem = why_not_together(others.get(alias.pk, []), addresses)
        if problem:
            raise Invalid.of(
                "targets",
                f"{alias} delivers to {mailbox} and others, and could not reach all of them then. {problem}",
                f"Take {mailbox} out of {alias} first, or ask who runs {mailbox.domain} to do it.",
            )


def _reached_without(mailbox: Mailbox) -> dict[int, list[str]]:
    """By alias that delivers to `mailbox`, everybody else whom it is to reach, confirmed or not."""
    feeding = Delivery.objects.filter(mailbox=mailbox, alias__trashed_at=None).values("alias")
    found: dict[int, list[str]] = {}
    own = (
        TargetAddress.objects.filter(mailbox__in=feeding).order_by("pk").values_list("mailbox_id", "address")
    )
    others = (
        TargetAddress.objects.filter(mailbox__fed_by__alias__in=feeding, mailbox__trashed_at=None)
        .exclude(mailbox=mailbox)
        .order_by("mailbox__fed_by__pk", "pk")
        .values_list("mailbox__fed_by__alias_id", "address")
    )
    for alias_id, address in [*own, *others]:
        found.setdefault(alias_id, []).append(address)
    return found


def require_no_loop(mailbox: Mailbox, addresses: Sequence[str]) -> None:
    """Follow forwards through every organization here; raise Invalid when they come back to `mailbox`.

    What lies on the way is not told: it may be somebody else's.
    """
    loop = None
    with Checks() as checks:
        loop = find_forwarding_loop(str(mailbox), forwards_with(mailbox, addresses))
    checks.finish()
    if loop:
        raise Invalid.of(
            "targets",
            "Mail would go round in a circle and come back to this address.",
            "Choose a mailbox outside that does not forward back here.",
        )


def add_target_rows(
    actor: Actor,
    mailbox: Mailbox,
    addresses: Sequence[str],
    *,
    confirmed: bool = False,
    vouched: bool = False,
    accept_shared: bool = False,
) -> list[TargetAddress]:
    """Insert targets and owe each holder a mail, unless `confirmed` says that they agreed already, or
    `vouched` that an owner answers for them.

    Raises Invalid for a circle, and for targets that ptt's relay would mix unless `accept_shared`.
    """
    require_no_loop(mailbox, [*mailbox.targets.values_list("address", flat=True), *addresses])
    states = states_of_new(mailbox, addresses, accept_shared=accept_shared)
    source = TargetAddress.Source.LINK if confirmed else TargetAddress.Source.OWNER if vouched else ""
    rows = []
    for address, state in zip(addresses, states, strict=True):
        row, token = unsaved_target(mailbox, address, state, source)
        row.save(force_insert=True)
        rows.append(row)
        if not source:
            owe_confirmation(actor, mailbox, address, token)
    return rows


def unsaved_target(mailbox: Mailbox, address: str, state: str, source: str = "") -> tuple[TargetAddress, str]:
    """A row that is not saved, and the token of its link; with a `source`, its holder agreed already."""
    now, token = timezone.now(), tokens.new_token()
    row = TargetAddress(
        mailbox=mailbox,
        address=address,
        digest=tokens.digest(token),
        asked_at=now,
        confirmed_at=now if source else None,
        source=source,
        exchange=state,
    )
    return row, token


def lock_in_use(mailbox: Mailbox) -> None:
    """Hold the address; raises Conflict for one in the trash."""
    lock(mailbox)
    if mailbox.trashed_at is not None:
        raise Conflict(f"{mailbox} is in the trash. Restore it first.")


@contextmanager
def _one_typed() -> Iterator[None]:
    """The whole list is checked, but only one address was typed: what is wrong belongs there."""
    try:
        yield
    except Invalid as error:
        raise Invalid(replace(each, field="address") for each in error.problems) from error


@transaction.atomic
def add_target(
    *, actor: Actor, mailbox: Mailbox, address: str, accept_shared: bool = False, vouched: bool = False
) -> TargetAddress:
    """Also send the mail of `mailbox` to `address`, once its holder confirmed.

    A target in another domain than the others waits until it is known that ptt's relay can tell them apart;
    one that it would mix is refused. `accept_shared` takes that risk, which the team may, not its holder.
    With `vouched`, an owner of the domain answers for its holder's agreement, and nobody is asked.
    """
    access.require(actor, access.Verb.MANAGE if accept_shared else access.Verb.CHANGE, mailbox)
    if not vouched:
        return _add(actor, mailbox, address, accept_shared=accept_shared)
    require_may_vouch(actor, mailbox.domain)
    agreed = (timezone.now(), TargetAddress.Source.OWNER.value)
    when = f"; {actor} vouched for them"
    return _add(actor, mailbox, address, agreed, accept_shared=accept_shared, when=when)


def require_may_vouch(actor: Actor, domain: Domain) -> None:
    """Only an owner answers for people who have not agreed themselves. Raises Forbidden for others."""
    if not access.may(actor, access.Verb.CHANGE, domain):
        raise Forbidden("Only an owner may vouch for those who get the mail. Let them be asked by mail.")


def _add(
    actor: Actor,
    mailbox: Mailbox,
    address: str,
    agreed: tuple[datetime, str] | None = None,
    *,
    accept_shared: bool = False,
    when: str = ", once they confirm it",
) -> TargetAddress:
    """`agreed` says when and how its holder agreed already; without it they are asked. `when` tells it."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    access.require_rank(actor, mailbox)
    lock_in_use(mailbox)
    existing = targets_of(mailbox)
    with _one_typed():
        with Checks() as checks:
            checked = check_target_list([*existing, address], mailbox.domain)
        checks.finish()
        if not accept_shared:  # aliases leave out what does not go with their others
            require_fits(mailbox, checked)
        [row] = add_target_rows(
            actor, mailbox, [checked[-1]], confirmed=agreed is not None, accept_shared=accept_shared
        )
    if agreed is not None:
        row.confirmed_at, row.source = agreed
        row.save(update_fields=["confirmed_at", "source"])
    target = mark_mailbox(mailbox)
    record(
        actor,
        "add_target",
        mailbox,
        f"{mailbox} shall also reach {row.address}{when}.",
        mailbox=mailbox,
        target=target,
        before={"targets": existing},
        after={
            "targets": [*existing, row.address],
            **({"accepted": "shared mail server"} if row.exchange == TargetAddress.Exchange.ACCEPTED else {}),
        },
    )
    return row


@transaction.atomic
def remove_target(*, actor: Actor, mailbox: Mailbox, address: str) -> None:
    """Stop sending the mail of `mailbox` to `address`."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    access.require_rank(actor, mailbox)
    lock_in_use(mailbox)
    rows = {row.address: row for row in mailbox.targets.order_by("pk")}
    existing = list(rows)
    row = rows.get(address)
    if row is None:
        raise Absent
    row.delete()
    reconsider(mailbox)
    refresh_warnings(mailbox)
    target = mark_mailbox(mailbox)
    record(
        actor,
        "remove_target",
        mailbox,
        f"{mailbox} no longer reaches {address}.",
        mailbox=mailbox,
        target=target,
        before={"targets": existing, "removed": [agreement(row)]},
        after={"targets": [each for each in existing if each != address]},
    )


def send_confirmation_again(*, actor: Actor, mailbox: Mailbox, address: str) -> None:
    """Mail a fresh confirmation link; the earlier one stops working. TooMany after several in an hour."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    # Counted before the transaction, so that it stays counted.
    limits.spend(limits.CONFIRMATIONS_PER_TARGET, f"{mailbox.pk} {address}")
    _send_confirmation_again(actor, mailbox, address)


@transaction.atomic
def _send_confirmation_again(actor: Actor, mailbox: Mailbox, address: str) -> None:
    access.require_rank(actor, mailbox)
    lock_in_use(mailbox)
    waiting = {row.address: row for row in mailbox.targets.filter(confirmed_at=None)}
    row = waiting.get(address)
    if row is None:
        raise Conflict(f"{printable(address, 120)} has confirmed already, or is no target of {mailbox}.")
    token = tokens.new_token()
    before = row.asked_at
    row.digest, row.asked_at = tokens.digest(token), timezone.now()
    row.save(update_fields=["digest", "asked_at"])
    owe_confirmation(actor, mailbox, address, token)
    record(
        actor,
        "send_confirmation_again",
        mailbox,
        f"{address} was asked again to confirm {mailbox}.",
        mailbox=mailbox,
        before={"target": address, "asked_at": before.isoformat()},
        after={"target": address, "asked_at": row.asked_at.isoformat()},
    )


def find_target_by_token(token: str) -> TargetAddress:
    """The target behind a link in a mail; raises Absent for an unknown one."""
    row = (
        TargetAddress.objects.select_related("mailbox__domain__organization")
        .filter(digest=tokens.digest(token), mailbox__trashed_at=None)
        .first()
    )
    if row is None:
        raise Absent
    return row


@transaction.atomic
def confirm_target(*, actor: Actor, token: str) -> TargetAddress:
    """The holder of the link agrees to get the mail. Pressing twice is no error and changes nothing.

    The list is checked once more: what ptt would mishandle must not begin to flow by an old link.
    """
    row = find_target_by_token(token)
    mailbox = row.mailbox
    lock_in_use(mailbox)
    row = find_target_by_token(token)
    if row.confirmed_at is not None:
        return row
    served = mailbox.targets.filter(confirmed_at__isnull=False).values_list("address", flat=True)
    addresses = [*served, row.address]
    with Checks() as checks:
        check_target_list(addresses, mailbox.domain)
    checks.finish()
    require_no_loop(mailbox, addresses)
    row.confirmed_at, row.source = timezone.now(), TargetAddress.Source.LINK
    row.save(update_fields=["confirmed_at", "source"])
    row.mailbox = mailbox
    target = mark_mailbox(mailbox)
    record(
        actor,
        "confirm_target",
        mailbox,
        f"{row.address} confirmed that it gets the mail of {mailbox}.",
        mailbox=mailbox,
        target=target,
        before={"target": row.address, "confirmed": False},
        after={"target": row.address, "confirmed": True},
    )
    return row


# Undoing ---------------------------------------------------------------------------------------------


def agreement(row: TargetAddress) -> dict[str, str | None]:
    """What is kept of a target that was taken away, so that its holder need not agree twice."""
    confirmed = row.confirmed_at.isoformat() if row.confirmed_at else None
    return {"address": row.address, "confirmed_at": confirmed, "source": row.source}


def _take_away_again(actor: Actor, mailbox: Mailbox, event: Event) -> None:
    [added] = set(event.after["targets"]) - set(event.before["targets"])
    remove_target(actor=actor, mailbox=mailbox, address=added)


def _bring_back(actor: Actor, mailbox: Mailbox, event: Event) -> None:
    [removed] = event.before["removed"]
    if (agreed := still_agreed(event, removed)) is None:
        _add(actor, mailbox, removed["address"])
    else:
        _add(actor, mailbox, removed["address"], agreed, when=", as it did before")


def still_agreed(event: Event, removed: dict[str, str]) -> tuple[datetime, str] | None:
    """When and how the holder of a removed target had agreed, if that still holds; else they are asked."""
    if not removed["confirmed_at"] or timezone.now() - event.at >= AGREEMENT_HOLDS:
        return None
    return datetime.fromisoformat(removed["confirmed_at"]), removed["source"]


undoable(
    "add_target",
    find=mailbox_of,
    present=mailbox_now,
    restore=_take_away_again,
    told=lambda mailbox, event: f"{mailbox} reaches only whom it reached before.",
)
undoable(
    "remove_target",
    find=mailbox_of,
    present=mailbox_now,
    restore=_bring_back,
    told=lambda mailbox, event: f"{mailbox} reaches {event.before['removed'][0]['address']} again.",
    hindrance=lambda mailbox, event: (
        "" if "removed" in event.before else "It is not known whom this took away. Add them by hand."
    ),
)
final("Somebody agreed to get this mail, and only they can. Remove their address instead.", "confirm_target")
final("A mail cannot be called back.", "send_confirmation_again")
