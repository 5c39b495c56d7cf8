"""What narrows a token: checked when it is made, and when it is used."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from tenants.access import Kind, Verb
from tenants.errors import Problem
from tenants.formats.text import FormatError, printable

MOST_NETWORKS = 20
LONGEST_DAYS = 366
# Seeing is not chosen: who may change a thing may see it.
VERBS = tuple(verb.value for verb in Verb if verb is not Verb.VIEW)
# An alias of one's own is a mailbox, by another right.
KINDS = tuple(kind.value for kind in Kind if kind is not Kind.OWN_ALIAS)
MANY = {
    kind: {
        Kind.DOMAIN_ROLE: "parts in domains",
        Kind.MAILBOX: "mailboxes",
        Kind.REPOSITORY: "repositories",
        Kind.TSIG_KEY: "keys of zones",
        Kind.HOST_SHARE: "parts of hosts",
        Kind.PREPARATION: "preparations of hosts",
    }.get(Kind(kind), f"{kind}s")
    for kind in KINDS
}


def problems_of(*, kinds: Sequence[str], verbs: Sequence[str]) -> list[Problem]:
    return [*_unknown("kinds", kinds, KINDS), *_unknown("verbs", verbs, VERBS)]


def _unknown(field: str, given: Sequence[str], choices: Sequence[str]) -> Iterator[Problem]:
    wrong = [each for each in given if each not in choices]
    if wrong:
        yield Problem(
            field, f"“{printable(wrong[0], 40)}” is no choice.", f"Choose of: {', '.join(choices)}."
        )


def check_networks(networks: Sequence[str]) -> list[str]:
    """Addresses and networks in their usual form, e.g. 192.0.2.0/24; raises FormatError."""
    if len(networks) > MOST_NETWORKS:
        raise FormatError("networks", f"There are more than {MOST_NETWORKS} networks.", "Name larger ones.")
    found = []
    for each in networks:
        try:
            found.append(str(ipaddress.ip_network(each.strip(), strict=False)))
        except ValueError as error:
            raise FormatError(
                "networks",
                f"“{printable(each, 60)}” is no network.",
                "Write an address or a network, e.g. 192.0.2.0/24 or 2001:db8::/32.",
            ) from error
    return list(dict.fromkeys(found))


def is_allowed_from(networks: Sequence[str], ip: str | None) -> bool:
    """May a token of these networks be used from this address? One that is not known is in no network."""
    if not networks:
        return True
    if ip is None:
        return False
    address = ipaddress.ip_address(ip)
    # An IPv4 client of a server that listens on IPv6.
    known = {address, getattr(address, "ipv4_mapped", None) or address}
    return any(each in ipaddress.ip_network(network) for network in networks for each in known)
