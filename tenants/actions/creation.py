"""Making many addresses: by the code that makes one, and without asking the database about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction

from tenants.actions.exchanges import states_of_many
from tenants.actions.gathering import AT_ONCE, Gathered, batched
from tenants.actions.marks import mark_mailbox
from tenants.actions.names import held_among
from tenants.actions.new_mailboxes import NewMailbox, make_mailbox, record_new, unsaved_mailbox
from tenants.actions.questions import owe_confirmation
from tenants.actions.quotas import take_addresses
from tenants.actions.targets import unsaved_target
from tenants.actor import Actor
from tenants.errors import ActionError, Conflict
from tenants.models import Account, Domain, Mailbox, TargetAddress


def make_mailboxes(
    actor: Actor, domain: Domain, wanted: Sequence[NewMailbox], gathered: Gathered
) -> list[Mailbox | ActionError]:
    """Make addresses in the order given; for each, the row or why it was refused. Inside of a set only.

    Nothing is judged here: an address about which `make_mailbox` could find anything in the database is made
    by it, alone. The others are inserted together, as it would insert each. Raises Invalid when the
    organization's quota has too little left for those.
    """
    targets = [new.targets for new in wanted]
    states = dict(zip(targets, states_of_many(targets, domain.organization), strict=True))
    apart = _to_look_at(domain, wanted)
    apart.update(new.local_part for new in wanted if TargetAddress.Exchange.SHARED in states[new.targets])
    together = [new for new in wanted if new.local_part not in apart]
    made: dict[str, Mailbox | ActionError] = dict(
        zip((new.local_part for new in together), _insert(actor, domain, together, states), strict=True)
    )
    results: list[Mailbox | ActionError] = []
    for new in wanted:
        if new.local_part in apart:
            try:
                with transaction.atomic(), gathered.one():
                    results.append(make_mailbox(actor, domain, new))
            except ActionError as error:
                results.append(error)
        else:
            results.append(made[new.local_part])
    return results


def _to_look_at(domain: Domain, wanted: Sequence[NewMailbox]) -> set[str]:
    """The names about which something is known here: used, held back, somebody's sign-in, or with targets
    that other addresses here may forward."""
    names = [new.local_part for new in wanted]
    found = {name for name, count in Counter(names).items() if count > 1}
    found.update(held_among(domain, names))
    for some in batched(names):
        found.update(
            Mailbox.objects.filter(domain=domain, local_part__in=some).values_list("local_part", flat=True)
        )
        sign_ins = Account.objects.filter(email__in=[f"{name}@{domain.name}" for name in some])
        found.update(email.partition("@")[0] for email in sign_ins.values_list("email", flat=True))
    hosted = served_here({_host(target) for new in wanted for target in new.targets})
    found.update(new.local_part for new in wanted if any(_host(target) in hosted for target in new.targets))
    return found


def served_here(hosts: Collection[str]) -> set[str]:
    """Which of these domains are served here, by whatever organization."""
    found: set[str] = set()
    for some in batched(sorted(hosts)):
        found.update(Domain.objects.filter(name__in=some).values_list("name", flat=True))
    return found


def _host(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _insert(
    actor: Actor,
    domain: Domain,
    wanted: Sequence[NewMailbox],
    states: Mapping[tuple[str, ...], Sequence[str]],
) -> Iterable[Mailbox]:
    if not wanted:
        return []
    take_addresses(domain, len(wanted))
    mailboxes = [
        unsaved_mailbox(
            domain,
            new.local_part,
            new.sealed_hash,
            new.note,
            enabled=new.enabled,
            expires_at=new.expires_at,
        )
        for new in wanted
    ]
    try:
        with transaction.atomic():
            Mailbox.objects.bulk_create(mailboxes, batch_size=AT_ONCE)
    except IntegrityError as error:
        raise Conflict("One of these addresses was made by somebody else just now.") from error
    rows = []
    for mailbox, new in zip(mailboxes, wanted, strict=True):
        source = TargetAddress.Source.OWNER if new.vouched else ""
        for address, state in zip(new.targets, states[new.targets], strict=True):
            row, token = unsaved_target(mailbox, address, state, source)
            rows.append(row)
            if not new.vouched:
                owe_confirmation(actor, mailbox, address, token)
        record_new(actor, mailbox, new, mark_mailbox(mailbox))
    TargetAddress.objects.bulk_create(rows, batch_size=AT_ONCE)
    return mailboxes
