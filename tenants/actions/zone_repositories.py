"""Connecting a zone repository: where it is, and which primary serves what is in it."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import asdict

from django.conf import settings
from django.db import transaction

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation
from tenants.actions.repositories import check_place, check_port, check_reload, insert_repository
from tenants.actions.reversals import final, undoable
from tenants.actions.tsig_keys import insert_key
from tenants.actor import Actor
from tenants.errors import Checks
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.keyfile import Right, emit_keys, scope_of
from tenants.formats.zones.keyfile import TsigKey as FileKey
from tenants.formats.zones.names import ROOT, Name
from tenants.models import Event, Organization, PrimaryServer, Repository, SyncTarget, TsigKey


@transaction.atomic
def connect_zone_repository(
    *,
    actor: Actor,
    organization: Organization,
    host: str,
    path: str,
    address: str,
    port: int = 22,
    username: str = "git",
    branch: str = "main",
    primary_port: int = 53,
    grammar: str = PrimaryServer.Grammar.NEW,
    root_key: str = "",
    reload: str = Repository.Reload.HAND,
) -> Repository:
    """Tell Rookery where an organization's zones live, and the address of the primary that reads them.

    One repository holds the zones of many domains. A key for git is made. `root_key` is one that the primary
    knows already and that covers every zone (`name:SHA256:secret`), with which Rookery tells it of every
    push; without one, a key is made and written to `_keys`, which the primary reads when it starts.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.REPOSITORY, organization)
    access.require_no_domain(actor)
    checks = Checks()
    with checks:
        place = check_place(host=host, port=port, username=username, path=path, branch=branch)
    with checks:
        server = check_primary(address, primary_port, grammar)
    known: FileKey | None = None
    with checks:
        known = read_root_key(root_key) if root_key.strip() else None
    with checks:
        check_reload(reload)
    checks.finish()
    lock_installation()
    repository, target = insert_repository(
        organization, place, SyncTarget.Kind.ZONE_REPOSITORY, kind=Repository.Kind.ZONE, reload=reload
    )
    PrimaryServer.objects.create(repository=repository, **server)
    label = f"rookery-{secrets.token_hex(3)}"
    insert_key(repository, None, label, TsigKey.Right.UPDATE, target.generation, own=True, known=known)
    record(
        actor,
        "connect_zone_repository",
        repository,
        f"The zone repository {repository.short_name} was connected.",
        organization=organization,
        target=target,
        after={**asdict(place), **server},
    )
    return repository


def read_root_key(text: str) -> FileKey:
    """A key that covers every zone, as unikernels write it. Raises FormatError; never shows the secret."""
    name, _, rest = text.strip().partition(":")
    algorithm, _, secret = rest.partition(":")
    try:
        key = FileKey(Name.of(name.lower()), algorithm.upper(), secret)
        if scope_of(key.name) != (Right.UPDATE, ROOT):
            raise FormatError(
                "root_key", "This key does not cover every zone.", "Its name has to end in “._update”."
            )
        emit_keys(ROOT, [key])
    except FormatError as error:
        raise FormatError("root_key", error.problem, error.fix) from error
    except ValueError as error:
        raise FormatError("root_key", "This is no key.", "Write it as name:SHA256:secret.") from error
    return key


def check_primary(address: str, port: int, grammar: str) -> dict[str, str | int]:
    """The columns of a primary. Raises Invalid with every problem of these fields."""
    checks = Checks()
    with checks:
        address = check_server_address(address)
    with checks:
        check_port(port, "primary_port", "DNS is on 53")
    with checks:
        if grammar not in PrimaryServer.Grammar.values:
            raise FormatError("grammar", f"“{printable(grammar, 40)}” is no choice.", "Choose new or old.")
    checks.finish()
    return {"address": address, "port": port, "grammar": grammar}


def check_server_address(address: str, field: str = "address") -> str:
    """An IP address that DNS messages may go to; in a sandbox only this machine's own."""
    shown = printable(address, 60)
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError as error:
        raise FormatError(
            field, f"“{shown}” is no IP address.", "Write numbers, for example 192.0.2.53."
        ) from error
    if found.is_multicast or found.is_unspecified:
        raise FormatError(field, f"{shown} is no server's address.", "Write the address of one server.")
    if settings.SANDBOX and not found.is_loopback:
        raise FormatError(
            field, f"{shown} lies outside the sandbox.", "Give an address of the sandbox, as 127.0.0.53."
        )
    return str(found)


@transaction.atomic
def change_primary(
    *, actor: Actor, repository: Repository, address: str, port: int = 53, grammar: str = "new"
) -> PrimaryServer:
    """Correct where the primary is, or which generation it is."""
    access.require(actor, access.Verb.CHANGE, repository)
    after = check_primary(address, port, grammar)
    lock(repository.primary)
    primary = repository.primary
    before = {name: getattr(primary, name) for name in after}
    if before == after and not primary.removed_with:
        return primary
    primary.removed_with = ""
    for name, value in after.items():
        setattr(primary, name, value)
    primary.save()
    outbox.mark([repository.sync_target])
    record(
        actor,
        "change_primary",
        repository,
        f"The primary of {repository.short_name} is {primary} from now on.",
        organization=repository.organization,
        target=repository.sync_target,
        before=before,
        after=after,
    )
    return primary


def _repository_of(event: Event) -> Repository | None:
    return event.sync_target.repository if event.sync_target else None


undoable(
    "change_primary",
    find=_repository_of,
    present=lambda repository, event: {
        name: getattr(repository.primary, name) for name in ("address", "port", "grammar")
    },
    restore=lambda actor, repository, event: change_primary(
        actor=actor, repository=repository, **event.before
    ),
    told=lambda repository, event: f"The primary of {repository.short_name} becomes what it was before.",
)
final(
    "A repository cannot be disconnected here. An operator of this Rookery can help.",
    "connect_zone_repository",
)
