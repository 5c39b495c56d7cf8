"""Circles among the entries of a branch that Rookery did not make, and through what it forwards itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenants.formats.addresses import find_forwarding_loop
from tenants.formats.exchanges import host_of
from tenants.formats.text import FormatError, printable
from tenants.forwards import forwards_of
from tenants.models import Domain

_CIRCLE = "Mail to it goes round in a circle: {path}."


def find_circle(
    name: bytes,
    targets: Sequence[str],
    beside: Callable[[bytes], Sequence[str] | None],
    own_domain: str,
) -> str:
    """A sentence for an entry whose mail comes back to it, else "". `beside` gives the targets of another
    entry of the branch. Addresses of other domains of this Rookery are followed and not named."""
    hosts = {host_of(target) for target in targets}
    if not hosts or not (own_domain in hosts or Domain.objects.filter(name__in=hosts).exists()):
        return ""
    here = f"{name.decode('utf-8', 'replace')}@{own_domain}"

    def targets_of(address: str) -> Sequence[str]:
        if address == here:
            return targets
        local_part, _, host = address.rpartition("@")
        found = beside(local_part.encode("utf-8", "replace")) if host.lower() == own_domain else None
        return found if found is not None else forwards_of(address)

    try:
        path = find_forwarding_loop(here, targets_of)
    except FormatError as error:
        return printable(str(error), 200)
    if not path:
        return ""
    told = [each if host_of(each) == own_domain else "…" for each in path]
    return _CIRCLE.format(path=printable(" → ".join(told), 200))
