"""An address, and a request for one: its file in relay.git."""

from __future__ import annotations

from collections.abc import Sequence

from tenants import access
from tenants.actor import Actor
from tenants.formats.by_hand.relay import remove_address, write_address
from tenants.formats.by_hand.shell import comment
from tenants.formats.text import FormatError
from tenants.models import AddressRequest, Domain, Mailbox, Repository
from tenants.reach import Reach


def address_by_hand(actor: Actor, mailbox: Mailbox, reach: Reach | None) -> str:
    """Write what its file holds now; take the file away where nobody gets its mail. `reach` as `reach_of` an
    alias tells it."""
    relay = _relay(actor, mailbox.domain)
    if relay is None:
        return ""
    targets = reach.targets if reach is not None else _agreed(mailbox)
    if mailbox.trashed_at or not mailbox.enabled or not targets:
        return remove_address(relay.remote, relay.branch, str(mailbox))
    return _written(relay, str(mailbox), targets, login=mailbox.sealed_hash is not None)


def request_by_hand(actor: Actor, request: AddressRequest) -> str:
    """What a yes comes to."""
    relay = _relay(actor, request.domain)
    if relay is None or request.status not in AddressRequest.OPEN:
        return ""
    return _written(relay, f"{request.local_part}@{request.domain.name}", [request.target], login=True)


def _relay(actor: Actor, domain: Domain) -> Repository | None:
    """Where addresses are written, for those who may know it."""
    relay: Repository | None = getattr(domain, "relay", None)
    return relay if relay is not None and access.may(actor, access.Verb.VIEW, relay) else None


def _agreed(mailbox: Mailbox) -> Sequence[str]:
    """Its own targets that get mail, in their order, as `tenants.desired` has them."""
    rows = sorted(mailbox.targets.all(), key=lambda row: row.pk)
    return [row.address for row in rows if row.confirmed_at is not None and row.exchange in row.FLOWS]


def _written(relay: Repository, address: str, targets: Sequence[str], *, login: bool) -> str:
    try:
        return write_address(relay.remote, relay.branch, address, targets, login=login)
    except FormatError as error:
        return comment(str(error))
