"""Hosts that run albatross: how they are reached, whose key is trusted, and who signs commands for them."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.host_shares import check_path, make_share
from tenants.actions.locking import lock
from tenants.actions.repositories import check_host_or_address
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.formats.text import FormatError, check_name, printable
from tenants.formats.unikernels import ROOT_PATH
from tenants.models import Firewall, Host, Organization, Stack, SyncTarget, Unikernel
from tenants.secrets import Purpose, seal

_FOLDER = re.compile(r"/[A-Za-z0-9_./-]{1,300}")
_USERNAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_LARGEST_PEM = 256 << 10
DEFAULT_FOLDER = "/run/albatross"


@transaction.atomic
def add_host(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    transport: str,
    host: str = "",
    port: int = 0,
    username: str = "",
    socket_folder: str = DEFAULT_FOLDER,
    server_ca: str = "",
    authority: str = "",
    authority_key: str = "",
    path: str = "",
) -> Host:
    """Tell Rookery about a machine with albatross. The organization gets a part of it at once.

    Over SSH a key is made, whose public half goes to an account in the group albatross; the first look stops
    until a person has compared the host's key. Over TLS the authority's key is sealed to the workers.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.HOST, organization)
    if transport == Host.Transport.LOCAL and not actor.is_operator:
        raise Forbidden("A socket on this machine is connected by an operator of this Rookery. Ask one.")
    checks = Checks()
    values: dict[str, Any] = {"transport": transport}
    with checks:
        values["name"] = check_name(name, field="name", maximum=63)
    with checks:
        path = check_path(path, organization)
    with checks:
        values["socket_folder"] = _check_folder(socket_folder)
    with checks:
        values |= _reach(transport, host, port, username)
    tls = {"server_ca": server_ca, "authority": authority, "authority_key": authority_key}
    values |= _tls_values(checks, tls) if transport == Host.Transport.TLS else _without_tls(checks, tls)
    checks.finish()
    if transport == Host.Transport.SSH:
        private, values["public_key"] = new_ssh_key(f"rookery-{organization.pk}")
        values["sealed_key"] = seal(Purpose.SSH_KEY, private)
    try:
        with transaction.atomic():
            row = Host.objects.create(organization=organization, **values)
    except IntegrityError as error:
        raise Conflict(f"{organization} has a host called {values['name']} already.") from error
    target = make_share(row, organization, path)
    record(
        actor,
        "add_host",
        row,
        f"The host {row} was added.",
        organization=organization,
        target=target,
        after={
            "host": row.host,
            "port": row.port,
            "transport": transport,
            "username": row.username,
            "socket_folder": row.socket_folder,
            "path": path or ROOT_PATH,
        },
    )
    return row


def _reach(transport: str, host: str, port: int, username: str) -> dict[str, Any]:
    if transport not in Host.Transport.values:
        raise FormatError(
            "transport", f"“{printable(transport, 40)}” is no choice.", "Choose ssh, tls or local."
        )
    if transport == Host.Transport.LOCAL:
        return {"host": "", "port": 22, "username": ""}
    host = check_host_or_address(host)
    port = port or (22 if transport == Host.Transport.SSH else 1025)
    if not 1 <= port <= 65535:
        raise FormatError("port", f"{port} is no port.", "Choose 1 to 65535.")
    if transport == Host.Transport.TLS:
        return {"host": host, "port": port, "username": ""}
    return {"host": host, "port": port, "username": check_username(username)}


def check_username(username: str) -> str:
    """Return the name of an account on a host. Raises FormatError (`username`)."""
    username = username.strip()
    if not _USERNAME.fullmatch(username):
        raise FormatError(
            "username",
            f"“{printable(username, 60)}” is no account.",
            "Write the name of an account on the host, e.g. rookery, which is in the group albatross.",
        )
    return username


def _tls_values(checks: Checks, given: dict[str, str]) -> dict[str, Any]:
    """The certificates as stored, and their key sealed."""
    values: dict[str, Any] = {}
    for field in ("server_ca", "authority"):
        with checks:
            values[field] = _check_pem(given[field], field, "CERTIFICATE")
    with checks:
        key = _check_pem(given["authority_key"], "authority_key", "PRIVATE KEY")
        values["sealed_key"] = seal(Purpose.AUTHORITY_KEY, key)
    return values


def _without_tls(checks: Checks, given: dict[str, str]) -> dict[str, Any]:
    for field, text in given.items():
        with checks:
            if text.strip():
                raise FormatError(field, "Only a TLS endpoint has this.", "Leave it out, or choose tls.")
    return {}


def _check_folder(folder: str) -> str:
    folder = folder.strip().rstrip("/") or DEFAULT_FOLDER
    if not _FOLDER.fullmatch(folder) or ".." in folder.split("/"):
        raise FormatError(
            "socket_folder",
            f"“{printable(folder, 60)}” is no folder.",
            f"Write an absolute path, usually {DEFAULT_FOLDER}.",
        )
    return folder


def _check_pem(text: str, field: str, kind: str) -> str:
    """Of the right kind by its frame; whether it signs is found at the first look."""
    text = text.strip().replace("\r\n", "\n")
    if len(text) > _LARGEST_PEM:
        raise FormatError(field, "This is too long.", "Paste the certificates only.")
    begins = re.search(rf"-----BEGIN (?:[A-Z0-9 ]+ )?{kind}-----", text)
    ends = re.search(rf"-----END (?:[A-Z0-9 ]+ )?{kind}-----", text)
    if not begins or not ends or not text.isascii():
        raise FormatError(
            field, "This is not in PEM.", f"Paste all of it, from -----BEGIN … {kind}----- to its END."
        )
    if "ENCRYPTED" in text:
        raise FormatError(field, "This key is locked with a password.", "Unlock it: openssl pkey -in KEY.")
    return text + "\n"


@transaction.atomic
def pin_host_key(*, actor: Actor, host: Host, fingerprint_seen: str) -> Host:
    """Pin the key that the host offered, after a person compared its fingerprint."""
    access.require(actor, access.Verb.CHANGE, host)
    lock(host)
    offered = host.offered_host_key
    if not offered:
        raise Conflict("The host has not shown a key yet. Wait for the first look at it.")
    if fingerprint(offered) != fingerprint_seen.strip():
        raise Conflict("The host shows another key now. Compare the new fingerprint and confirm that one.")
    before = fingerprint(host.host_key) if host.host_key else None
    host.host_key, host.offered_host_key = offered, ""
    host.save(update_fields=["host_key", "offered_host_key"])
    targets = _targets_of(host)
    outbox.mark(targets)
    own = next((each for each in targets if each.organization_id == host.organization_id), None)
    record(
        actor,
        "pin_host_key",
        host,
        f"The host key of {host} was compared and pinned.",
        organization=host.organization,
        target=own,
        before={"host_key": before},
        after={"host_key": fingerprint(offered)},
    )
    return host


@transaction.atomic
def renew_authority(
    *, actor: Actor, host: Host, authority: str, authority_key: str, server_ca: str = ""
) -> Host:
    """Sign commands for a host with another certificate: the former expires, or is trusted no longer.

    Without `server_ca` the endpoint's own certificate is held against the same CA as before.
    """
    access.require(actor, access.Verb.CHANGE, host)
    lock(host)
    if host.transport != Host.Transport.TLS:
        raise Conflict(f"{host} is not reached over TLS. Nothing signs commands for it.")
    checks = Checks()
    with checks:
        host.authority = _check_pem(authority, "authority", "CERTIFICATE")
    with checks:
        key = _check_pem(authority_key, "authority_key", "PRIVATE KEY")
        host.sealed_key = seal(Purpose.AUTHORITY_KEY, key)
    if server_ca:
        with checks:
            host.server_ca = _check_pem(server_ca, "server_ca", "CERTIFICATE")
    checks.finish()
    host.save(update_fields=["authority", "sealed_key", "server_ca"])
    targets = _targets_of(host)
    outbox.mark(targets)
    record(
        actor,
        "renew_authority",
        host,
        f"Commands for {host} are signed with another certificate.",
        organization=host.organization,
        target=next((each for each in targets if each.organization_id == host.organization_id), None),
    )
    return host


def _targets_of(host: Host) -> list[SyncTarget]:
    return list(SyncTarget.objects.filter(Q(host_share__host=host) | Q(firewall__host=host)))


@transaction.atomic
def remove_host(*, actor: Actor, host: Host) -> None:
    """Forget a host on which Rookery has nothing to run. What is on the host stays there."""
    access.require(actor, access.Verb.DELETE, host)
    lock(host)
    # What is made in a part just now holds it: that is waited for, and counts.
    for share in host.shares.order_by("pk"):
        lock(share)
    left = [str(row) for row in Unikernel.objects.filter(share__host=host).order_by("pk")[:5]]
    left += [str(row) for row in Stack.objects.filter(share__host=host).select_related("domain")[:5]]
    if left:
        raise Conflict(f"{host} still has {', '.join(left[:5])}. Delete these first, so that they end there.")
    firewall = Firewall.objects.filter(host=host).select_related("sync_target").first()
    if firewall is not None and (firewall.enabled or not firewall.sync_target.in_agreement):
        raise Conflict(f"Rookery's rules may still be in {firewall}. Take them off the host first.")
    shares = host.shares.exclude(organization=host.organization)
    if shares.exists():
        raise Conflict(f"Other organizations have a part of {host}. Take it back from them first.")
    organization, name = host.organization, str(host)
    host.delete()
    record(
        actor,
        "remove_host",
        name,
        f"The host {name} was removed. What runs there was left as it is.",
        organization=organization,
        before={"host": name},
    )


final("Remove the host instead. What is on it stays there.", "add_host")
final("Trust in a host key is given by a person who compared it, and only so.", "pin_host_key")
final("Rookery does not keep the former certificate and its key. Give it those again.", "renew_authority")
final("Add the host again: it is looked at anew, and its key compared again.", "remove_host")
