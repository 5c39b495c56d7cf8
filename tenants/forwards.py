"""Where Rookery sends mail on to, across all organizations: to find circles. Nothing of it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenants.models import Mailbox, TargetAddress


def forwards_with(mailbox: Mailbox, addresses: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Where Rookery sends mail of an address on to, whoever has it, if `mailbox` had these targets."""
    here = str(mailbox).lower()

    def targets_of(address: str) -> Sequence[str]:
        if address.lower() == here:
            return [*addresses, *_delivered_to(mailbox.pk)]
        return forwards_of(address)

    return targets_of


def forwards_of(address: str) -> list[str]:
    """The targets of an address of any organization here, confirmed or not, and the mailboxes that an alias
    delivers to; none of an outside one."""
    local_part, _, domain = address.lower().rpartition("@")
    known = Mailbox.objects.filter(local_part=local_part, domain__name=domain, trashed_at=None)
    pk = known.values_list("pk", flat=True).first()
    if pk is None:
        return []
    targets = TargetAddress.objects.filter(mailbox=pk).values_list("address", flat=True)
    return [*targets, *_delivered_to(pk)]


def _delivered_to(mailbox_id: int) -> list[str]:
    rows = Mailbox.objects.filter(fed_by__alias=mailbox_id, trashed_at=None).select_related("domain")
    return [str(row) for row in rows]
