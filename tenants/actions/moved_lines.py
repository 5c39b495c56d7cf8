"""What an import says of what it does not bring back: a sentence for each, with what to do instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tenants.formats.organization_file import Address, MailDomain, OrganizationFile
from tenants.formats.organization_machines import GitRepository, MachineHost
from tenants.formats.text import printable

SHOWN = 8
Line = tuple[str, str]


def of_addresses(domain: str, given: Sequence[Address]) -> Iterator[Line]:
    """What addresses have that no import makes, told once for each domain."""
    lost = sum(each.has_passphrase and not each.password_hash for each in given)
    if lost:
        why = f"Of {lost:,} addresses: their hashes are not in the file. People set new ones."
        yield f"passphrases of {domain}", why
    held = sum(bool(each.holders) for each in given)
    if held:
        yield f"holders in {domain}", f"Of {held:,} addresses: hand each to its holder again."


def of_domain(given: MailDomain) -> Iterator[Line]:
    """Where its users were kept, and what ran for it."""
    if given.repository is not None:
        yield f"the repository of {given.name}", f"{_place(given.repository)}. {_CONNECT}"
    if given.stack is not None:
        roles = _some([each.role for each in given.stack.parts])
        ran = f"It ran {roles} on {printable(given.stack.host, 60)}." if roles else "Nothing of it ran."
        yield (
            f"the mail stack of {given.name}",
            f"{ran} Connect the host, then take over what runs there, or give the domain a new stack.",
        )


_CONNECT = "Connect it again; there is a new key to authorize, and it starts by comparing."


def of_organization(file: OrganizationFile) -> Iterator[Line]:
    """Places and machines of all domains together."""
    for each in file.zone_repositories:
        keys = f" Its {len(each.keys):,} keys come with it." if each.keys else ""
        yield f"the zones in {_place(each.repository)}", f"{_CONNECT}{keys}"
    for server in file.name_servers:
        where = f"It is at {printable(server.address, 60)}."
        yield f"the name server {server.name}", f"{where} Connect it again, with its key {server.key.name}."
    for host in file.hosts:
        yield from _of_host(host)
    if file.images:
        names = _some([f"{each.name} ({each.sha256[:12]})" for each in file.images])
        yield f"{len(file.images):,} images", f"{names}. Upload them again; they are known by their SHA-256."
    for hook in file.webhooks:
        why = f"It is sent to {printable(hook.place, 100)}. Add it again; it gets a new secret to sign with."
        yield f"the webhook {hook.name}", why
    for sentence in file.left_out[:50]:
        yield "not in the file", printable(sentence, 300)


def _of_host(host: MachineHost) -> Iterator[Line]:
    if not host.own:
        why = "Others run it: ask them for a part of it, then take over what runs there."
    elif host.host:
        at = printable(f"{host.username}@{host.host}", 120)
        why = f"Connect it again at {at}; there is a new key to authorize. Then take over what runs there."
    else:
        why = "Connect it again, then take over what runs there."
    ran = f" It ran {_some([each.name for each in host.unikernels])}." if host.unikernels else ""
    yield f"the host {host.name}", f"{why}{ran}"
    if host.rules:
        yield f"the firewall of {host.name}", f"Write its {len(host.rules):,} rules by hand again."


def _place(repository: GitRepository) -> str:
    return printable(repository.place, 200)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(each, 60) for each in names[:SHOWN])
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
