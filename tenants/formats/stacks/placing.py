"""Where each role of a stack is, whom it speaks to, and what it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tenants.formats.networks import next_free
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.check import check_role_arguments
from tenants.formats.roles.kinds import Kind
from tenants.formats.roles.role import GIT, Era, Role, Secret
from tenants.formats.stacks.wish import Wish
from tenants.formats.text import FormatError

NEXT_HOP = {"submission": "signer", "signer": "relay", "verifier": "spamfilter", "spamfilter": "relay"}
"""Where mail goes from each role."""


@dataclass(frozen=True)
class Placed:
    """A role of the stack that runs here: its address, its arguments with references, its secrets."""

    role: Role
    era: Era
    address: str
    label: str
    arguments: tuple[str, ...]
    secrets: tuple[Secret, ...]
    warnings: tuple[str, ...]


def place(wish: Wish) -> Mapping[str, str]:
    """Return the address of every role, shared ones included. Raises FormatError when none is free."""
    addresses = {name: service.address for name, service in wish.shared.items()}
    taken = set(wish.taken) | set(addresses.values())
    for name in ROLES:
        if name in wish.images:
            free = next_free(wish.network, taken)
            if free is None:
                raise FormatError(
                    "network",
                    f"{wish.network['subnet']} has no free address for the {ROLES[name].title}.",
                    "Widen the pool, or remove what is not needed.",
                )
            taken.add(free)
            addresses[name] = free
    return addresses


def placed_roles(wish: Wish, addresses: Mapping[str, str]) -> tuple[Placed, ...]:
    """Return the roles that run here in the order in which they start. Raises FormatError."""
    found = []
    for name, role in ROLES.items():
        if name not in wish.images:
            continue
        era = wish.images[name].era
        checked = check_role_arguments(role, era, arguments_of(wish, addresses, role, era))
        advice = (role.advice or {}).get(era, ())
        found.append(
            Placed(
                role,
                era,
                addresses[name],
                wish.unikernel(name),
                checked.arguments,
                role.secrets[era],
                (*checked.warnings, *advice),
            )
        )
    return tuple(found)


def arguments_of(wish: Wish, addresses: Mapping[str, str], role: Role, era: Era) -> list[str]:
    """The arguments of a role, as they are stored: secrets and its own address are references."""
    values = dict(_values(wish, addresses, role, era))
    for secret in role.secrets[era]:
        values[secret.option] = f"{{secret:{secret.name}}}"
    words = []
    for option in role.options[era]:
        if option.name in values and not option.ignored:
            flag = option.kind is Kind.FLAG
            words.append(option.name if flag else f"{option.name}={values[option.name]}")
    return words


def _values(wish: Wish, addresses: Mapping[str, str], role: Role, era: Era) -> Iterator[tuple[str, str]]:
    yield "--ipv4", f"{{address:{role.device}}}"
    yield "--ipv4-gateway", f"{{gateway:{role.device}}}"
    yield "--domain", wish.domain
    yield "--postmaster", f"hostmaster@{wish.domain}"
    yield "--dns-server", addresses["primary"]
    yield "--selector", wish.selector
    yield "--email", f"postmaster@{wish.domain}"
    if role.name in NEXT_HOP:
        yield "--destination", addresses[NEXT_HOP[role.name]]
    if role.name == "submission":
        yield "--submission-domain", wish.submission
        yield "--hostname", wish.submission
    if "resolver" in role.depends_on:
        yield "--nameserver", f"tcp:{addresses['resolver']}"
    if any(need.to == GIT for need in role.needs):
        zones = role.name == "primary"
        path = wish.git.zones if zones else wish.git.users
        branch = wish.git.zones_branch if zones else wish.git.users_branch
        yield "--remote", f"{wish.git.account}@{wish.git.host}:{path}#{branch}"
    if wish.production:
        yield "--production", ""
