"""Where Rookery sends mail on to, across all organizations: to find circles. Nothing of it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenants.models import Mailbox, TargetAddress


def forwards_with(mailbox: Mailbox, addresses: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Where Rookery sends mail of an address on to, whoever has it, if `mailbox` had these targets."""
    here = str(mailbox).lower()

    def targets_of(address: str) -> Sequence[str]:
        return list(addresses) if address.lower() == here else forwards_of(address)

    return targets_of


def forwards_of(address: str) -> list[str]:
    """The targets of an address of any organization here, confirmed or not; none of an outside one."""
    local_part, _, domain = address.lower().rpartition("@")
    return list(
        TargetAddress.objects.filter(
            mailbox__local_part=local_part, mailbox__domain__name=domain, mailbox__trashed_at=None
        ).values_list("address", flat=True)
    )
