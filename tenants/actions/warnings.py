"""Warnings about single addresses: what workers find by looking again, and the risks that people accept."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.exchanges import flowing, judge_aliases, reconsider
from tenants.actions.locking import lock
from tenants.actions.marks import mark_mailbox
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden
from tenants.formats.addresses import find_forwarding_loop
from tenants.formats.exchanges import shared_pairs
from tenants.formats.text import FormatError
from tenants.forwards import forwards_with
from tenants.guards import facts_about, known_exchanges
from tenants.models import AddressWarning, Domain, Mailbox, TargetAddress

Kind = AddressWarning.Kind
Exchange = TargetAddress.Exchange
_LOOP = (
    "Mail to this address goes round in a circle: one of the addresses it is sent on to sends it back. Remove"
    " that target, or the mail servers will give it up after some rounds."
)


def refresh_warnings(mailbox: Mailbox) -> list[AddressWarning]:
    """Make the rows say what is true of an address that is held; returns those that are new."""
    rows = list(mailbox.targets.order_by("pk"))
    found: dict[str, str] = {}
    if mailbox.trashed_at is None:
        found = {Kind.SHARED_EXCHANGE: _shared(rows, mailbox.flowing_hosts), Kind.LOOP: _loop(mailbox, rows)}
    return [
        row
        for kind in (Kind.SHARED_EXCHANGE, Kind.LOOP)
        if (row := state_warning(mailbox, kind, found.get(kind, ""))) is not None
    ]


def state_warning(mailbox: Mailbox, kind: str, sentence: str) -> AddressWarning | None:
    """Write, keep or (without a sentence) take back one warning; returns it when it is new."""
    if not sentence:
        AddressWarning.objects.filter(mailbox=mailbox, kind=kind).delete()
        return None
    row, is_new = AddressWarning.objects.get_or_create(
        mailbox=mailbox, kind=kind, defaults={"sentence": sentence[:1000], "since": timezone.now()}
    )
    if row.sentence != sentence[:1000]:
        row.sentence = sentence[:1000]
        row.save(update_fields=["sentence"])
    return row if is_new else None


def _shared(rows: list[TargetAddress], together: list[str]) -> str:
    """Pairs that flow together although nobody accepted it: they came to share a server later. `together`
    are the domains of an alias that delivers to mailboxes."""
    hosts = {row.host for row in flowing(rows)} | set(together)
    accepted = {row.host for row in rows if row.exchange == Exchange.ACCEPTED}
    if len(hosts) < 2:
        return ""
    pairs = shared_pairs(hosts, known_exchanges(facts_about(hosts)))
    told = [pair.sentence for pair in pairs if not {pair.first, pair.second} & accepted]
    if not told:
        return ""
    return f"{' '.join(told[:3])} Mail goes on as before: remove one of them, or accept the risk."


def _loop(mailbox: Mailbox, rows: list[TargetAddress]) -> str:
    """Only mail to a domain of this Rookery can come back by it."""
    hosts = {row.host for row in rows}
    if not Domain.objects.filter(name__in=hosts).exists():
        return ""
    try:
        follow = forwards_with(mailbox, [row.address for row in rows])
        return _LOOP if find_forwarding_loop(str(mailbox), follow) else ""
    except FormatError as error:
        return str(error)


@transaction.atomic
def review_address(*, actor: Actor, mailbox: Mailbox) -> bool:
    """Judge one address again by what the DNS says now; returns whether something is different.

    Only workers call it. Targets that waited begin to flow, or are told to share a server. What flows goes on
    flowing, with a warning where it should not.
    """
    if not actor.system:
        raise Forbidden("Only Rookery's workers look at addresses again.")
    lock(mailbox)
    changed = reconsider(mailbox)
    before = mailbox.flowing_hosts
    judge_aliases([mailbox.pk])
    mailbox.refresh_from_db(fields=["flowing_hosts"])
    begun = [host for host in mailbox.flowing_hosts if host not in before]
    new = refresh_warnings(mailbox)
    if not (changed or new or begun):
        return False
    flows = begun or any(row.exchange in TargetAddress.FLOWS for row in changed)
    target = mark_mailbox(mailbox) if flows else None
    sentences = [_became(mailbox, row) for row in changed] + [f"{mailbox}: {row.sentence}" for row in new]
    sentences += [
        f"The mail server of {host} is known: {mailbox} reaches people there too." for host in begun
    ]
    record(
        actor,
        "review_address",
        mailbox,
        " ".join(sentences),
        mailbox=mailbox,
        target=target,
        after={
            "targets": {row.address: row.exchange or "free" for row in changed},
            "warnings": [row.kind for row in new],
        },
    )
    return True


def _became(mailbox: Mailbox, row: TargetAddress) -> str:
    if row.exchange == Exchange.SHARED:
        return f"{row.address} gets no mail of {mailbox}: it has the same mail server as another target."
    when = "" if row.confirmed_at else " once that was confirmed"
    return f"The mail server of {row.address} is known: it gets mail of {mailbox}{when}."


@transaction.atomic
def accept_shared_exchange(*, actor: Actor, mailbox: Mailbox, address: str) -> TargetAddress:
    """Send mail to a target although ptt's relay may mix it up with another one: a risk that is named.

    For the team, not for the address's holder. Raises Conflict where there is no such risk (any more).
    """
    access.require(actor, access.Verb.MANAGE, mailbox)
    lock(mailbox)
    if mailbox.trashed_at is not None:
        raise Conflict(f"{mailbox} is in the trash. Restore it first.")
    rows = list(mailbox.targets.order_by("pk"))
    row = next((each for each in rows if each.address == address), None)
    if row is None:
        raise Absent
    hosts = {each.host for each in rows}
    pairs = shared_pairs(hosts, known_exchanges(facts_about(hosts)))
    risks = [pair.sentence for pair in pairs if row.host in {pair.first, pair.second}]
    if not risks or row.exchange == Exchange.ACCEPTED:
        raise Conflict(f"{row.address} shares its mail server with no other target, or that is accepted.")
    before, row.exchange = row.exchange, Exchange.ACCEPTED
    row.save(update_fields=["exchange"])
    reconsider(mailbox)
    refresh_warnings(mailbox)
    record(
        actor,
        "accept_shared_exchange",
        mailbox,
        f"{actor} accepted that mail of {mailbox} goes to {row.address} too.",
        mailbox=mailbox,
        target=mark_mailbox(mailbox),
        before={"target": row.address, "exchange": before or "free"},
        after={"target": row.address, "exchange": "accepted", "risk": " ".join(risks)},
    )
    return row


final("It is what somebody accepted at that time. Remove the target instead.", "accept_shared_exchange")


final("It notes what was found; nothing was changed.", "review_address")
