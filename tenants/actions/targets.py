"""Who gets an address's mail: checked for loops over all tenants, confirmed by the target's holder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import access, limits, tokens
from tenants.actions import gathering
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.marks import mark_mailbox
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid
from tenants.formats.addresses import (
    check_one_domain,
    check_targets,
    find_forwarding_loop,
)
from tenants.formats.text import printable
from tenants.models import Domain, Mailbox, TargetAddress


def check_target_list(targets: Sequence[str], domain: Domain) -> list[str]:
    """The targets in their stored form; raises for what ptt would mishandle (see formats.addresses).

    Also for targets in several domains, of which one address may have none.
    """
    checked = list(check_targets(targets, own_domain=domain.name))
    check_one_domain(checked)
    return checked


def require_no_loop(mailbox: Mailbox, addresses: Sequence[str]) -> None:
    """Follow forwards through every organization here; raise Invalid when they come back to `mailbox`."""
    here = str(mailbox).lower()

    def targets_of(address: str) -> Sequence[str]:
        if address.lower() == here:
            return list(addresses)
        local_part, _, domain = address.lower().rpartition("@")
        return list(
            TargetAddress.objects.filter(
                mailbox__local_part=local_part,
                mailbox__domain__name=domain,
                mailbox__trashed_at=None,
            ).values_list("address", flat=True)
        )

    loop = None
    with Checks() as checks:
        loop = find_forwarding_loop(here, targets_of)
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
) -> list[TargetAddress]:
    """Insert targets and owe each holder a mail, unless they agreed already.

    `confirmed` says that they pressed the button of a mail, `vouched` that an owner answers for them.
    """
    require_no_loop(mailbox, [*mailbox.targets.values_list("address", flat=True), *addresses])
    source = TargetAddress.Source.LINK if confirmed else TargetAddress.Source.OWNER if vouched else ""
    rows = []
    for address in addresses:
        row, token = unsaved_target(mailbox, address, source)
        row.save()
        rows.append(row)
        if not source:
            owe_confirmation(actor, mailbox, address, token)
    return rows


def unsaved_target(mailbox: Mailbox, address: str, source: str) -> tuple[TargetAddress, str]:
    """A row that is not saved, and the token of its link; with a `source`, its holder agreed already."""
    now, token = timezone.now(), tokens.new_token()
    row = TargetAddress(
        mailbox=mailbox,
        address=address,
        digest=tokens.digest(token),
        asked_at=now,
        confirmed_at=now if source else None,
        source=source,
    )
    return row, token


def owe_confirmation(actor: Actor, mailbox: Mailbox, address: str, token: str) -> None:
    """Ask the holder of `address`; of a set of addresses, each person is asked once at its end."""
    gathered = gathering.current()
    if gathered is not None:
        gathered.questions.append(gathering.Question(address, str(mailbox), token))
        return
    owe_mail(**confirmation_mail(actor, address, [(str(mailbox), token)]))


def confirmation_mail(actor: Actor, recipient: str, wanted: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The words of a mail that asks the holder of `recipient`; `wanted` are addresses with their tokens."""
    if len(wanted) == 1:
        [(mailbox, token)] = wanted
        return {
            "recipient": recipient,
            "subject": f"May mail for {mailbox} come to you?",
            "body": (
                f"Hello,\n\n{actor} asked that mail for {mailbox} be sent on to this address."
                " Nothing comes before you agree. To agree, open this page and press the button:\n\n"
                f"{settings.BASE_URL}/confirm/{token}\n\n"
                "If you do not know what this is about, do nothing."
            ),
        }
    links = "\n".join(f"{mailbox}\n{settings.BASE_URL}/confirm/{token}\n" for mailbox, token in wanted)
    return {
        "recipient": recipient,
        "subject": f"May mail for {wanted[0][0]} and {len(wanted) - 1} more come to you?",
        "body": (
            f"Hello,\n\n{actor} asked that mail for {len(wanted)} addresses be sent on to this one. Nothing"
            " comes before you agree, and you may agree to some and not to others. To agree, open the page of"
            f" each and press the button:\n\n{links}\n"
            "If you do not know what this is about, do nothing."
        ),
    }


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
def add_target(*, actor: Actor, mailbox: Mailbox, address: str, vouched: bool = False) -> TargetAddress:
    """Also send the mail of `mailbox` to `address`, once its holder confirmed.

    With `vouched`, an owner of the domain answers for the holder's agreement, and nobody is asked.
    """
    access.require(actor, access.Verb.CHANGE, mailbox)
    if vouched:
        require_may_vouch(actor, mailbox.domain)
    access.require_rank(actor, str(mailbox))
    lock_in_use(mailbox)
    existing = list(mailbox.targets.values_list("address", flat=True))
    with _one_typed():
        with Checks() as checks:
            checked = check_target_list([*existing, address], mailbox.domain)
        checks.finish()
        [row] = add_target_rows(actor, mailbox, [checked[-1]], vouched=vouched)
    target = mark_mailbox(mailbox)
    when = f"; {actor} vouched for them" if vouched else ", once they confirm it"
    record(
        actor,
        "add_target",
        mailbox,
        f"{mailbox} shall also reach {row.address}{when}.",
        mailbox=mailbox,
        target=target,
        before={"targets": existing},
        after={"targets": [*existing, row.address]},
    )
    return row


def require_may_vouch(actor: Actor, domain: Domain) -> None:
    """Only an owner answers for people who have not agreed themselves. Raises Forbidden for others."""
    if not access.may(actor, access.Verb.CHANGE, domain):
        raise Forbidden("Only an owner may vouch for those who get the mail. Let them be asked by mail.")


@transaction.atomic
def remove_target(*, actor: Actor, mailbox: Mailbox, address: str) -> None:
    """Stop sending the mail of `mailbox` to `address`."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    lock_in_use(mailbox)
    existing = list(mailbox.targets.values_list("address", flat=True))
    if address not in existing:
        raise Absent
    mailbox.targets.filter(address=address).delete()
    target = mark_mailbox(mailbox)
    record(
        actor,
        "remove_target",
        mailbox,
        f"{mailbox} no longer reaches {address}.",
        mailbox=mailbox,
        target=target,
        before={"targets": existing},
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
    access.require_rank(actor, str(mailbox))
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
