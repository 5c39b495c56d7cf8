"""Primaries that take dynamic updates: connecting one, correcting where it is, and giving it another key."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.repositories import check_port
from tenants.actions.reversals import final, undoable
from tenants.actions.zone_repositories import check_server_address
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.formats.public_addresses import may_be_named
from tenants.formats.text import FormatError, check_name, printable
from tenants.formats.zones.keyfile import ALGORITHMS, TsigKey
from tenants.formats.zones.names import Name
from tenants.formats.zones.stored import owner_text
from tenants.models import Event, Organization, SyncTarget, UpdateServer
from tenants.secrets import Purpose, seal

_MOST_KEY_TEXT = 2000
_KEY_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_LEAST_SECRET = 16


@transaction.atomic
def connect_update_server(
    *, actor: Actor, organization: Organization, name: str, address: str, key: str, port: int = 53
) -> UpdateServer:
    """Tell Rookery of a primary that holds zones of an organization and takes dynamic updates.

    `key` is one that the server lets change and transfer these zones, as `name:SHA256:secret` or
    `hmac-sha256:name:secret`. It is sealed at once. Nothing is sent before a zone is kept there.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.NAME_SERVER, organization)
    access.require_no_domain(actor)
    checks = Checks()
    place: dict[str, Any] = {}
    with checks:
        place = _check_place(name, address, port)
    with checks:
        known = read_update_key(key)
    checks.finish()
    try:
        with transaction.atomic():
            row = UpdateServer.objects.create(organization=organization, **place, **_sealed(known))
    except IntegrityError as error:
        raise Conflict(
            f"{organization} has a name server called {place['name']}, or one at that address."
        ) from error
    target = SyncTarget.objects.create(
        kind=SyncTarget.Kind.DYNAMIC_UPDATE,
        organization=organization,
        update_server=row,
        marked_at=timezone.now(),
    )
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    record(
        actor,
        "connect_update_server",
        row,
        f"The name server {row} was connected, with the key {row.key_name}.",
        organization=organization,
        target=target,
        after={**place, "key": row.key_name},
    )
    return row


@transaction.atomic
def change_update_server(
    *, actor: Actor, server: UpdateServer, name: str, address: str, port: int = 53
) -> UpdateServer:
    """Correct what a name server is called, or where it is."""
    access.require(actor, access.Verb.CHANGE, server)
    after = _check_place(name, address, port)
    lock(server)
    before = {each: getattr(server, each) for each in after}
    if before == after:
        return server
    for field, value in after.items():
        setattr(server, field, value)
    try:
        with transaction.atomic():
            server.save(update_fields=list(after))
    except IntegrityError as error:
        raise Conflict("There is another name server of that name, or at that address.") from error
    outbox.mark([server.sync_target])
    _record(
        actor,
        "change_update_server",
        server,
        f"The name server {server} is at {server.where} from now on.",
        before=before,
        after=after,
    )
    return server


@transaction.atomic
def change_update_key(*, actor: Actor, server: UpdateServer, key: str) -> UpdateServer:
    """Use another key from now on; every zone there is read with it before anything is written.

    Add the new key at the server first; take the former one away there when the new one was proved.
    """
    access.require(actor, access.Verb.CHANGE, server)
    with (checks := Checks()):
        known = read_update_key(key)
    checks.finish()
    lock(server)
    before = server.key_name
    for field, value in _sealed(known).items():
        setattr(server, field, value)
    server.save(update_fields=["key_name", "algorithm", "sealed_secret", "key_since"])
    outbox.mark([server.sync_target])
    _record(
        actor,
        "change_update_key",
        server,
        f"Rookery signs with the key {server.key_name} at {server} from now on.",
        before={"key": before},
        after={"key": server.key_name},
    )
    return server


def read_update_key(text: str) -> TsigKey:
    """A key in either usual form. Raises FormatError of `key`, which never shows the secret."""
    pieces = text.strip().split(":")
    if len(text) > _MOST_KEY_TEXT or len(pieces) != 3:
        raise FormatError("key", "This is no key.", "Write it as name:SHA256:secret.")
    name, algorithm, secret = pieces
    if name.lower().startswith("hmac-") and "." not in name:
        name, algorithm = algorithm, name
    kind = algorithm.upper().removeprefix("HMAC-").replace("-", "")
    if kind not in ALGORITHMS.values():
        known = ", ".join(ALGORITHMS.values())
        raise FormatError("key", f"“{printable(algorithm, 40)}” is no algorithm here.", f"Use {known}.")
    try:
        owner = Name.of(name.lower())
    except (ValueError, UnicodeError) as error:
        raise FormatError("key", "The key's name is no domain name.", "Copy it as it is there.") from error
    if not _KEY_NAME.fullmatch(owner_text(owner)):
        raise FormatError("key", "The key has no usable name.", "Write it as name:SHA256:secret.")
    try:
        octets = base64.b64decode(secret.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise FormatError("key", "The secret is no base64 text.", "Copy it again.") from error
    if len(octets) < _LEAST_SECRET:
        raise FormatError(
            "key",
            f"The secret is shorter than {_LEAST_SECRET} bytes: it could be guessed.",
            "Make one with “tsig-keygen” or “keymgr -t”.",
        )
    return TsigKey(owner, kind, secret)


def _sealed(key: TsigKey) -> dict[str, Any]:
    return {
        "key_name": owner_text(key.name),
        "algorithm": key.algorithm,
        "sealed_secret": seal(Purpose.TSIG_KEY, key.secret),
        "key_since": timezone.now(),
    }


def _check_place(name: str, address: str, port: int) -> dict[str, Any]:
    checks = Checks()
    with checks:
        name = check_name(name, field="name", maximum=63)
    with checks:
        address = check_server_address(address)
        allowed = may_be_named(ipaddress.ip_address(address), settings.NEAR_NETWORKS)
        if not (settings.SANDBOX or allowed):
            raise FormatError(
                "address",
                f"{address} is not an address of the public Internet.",
                "Give the public address of the server: Rookery signs what it sends there.",
            )
    with checks:
        check_port(port, "port", "DNS is on 53")
    checks.finish()
    return {"name": name, "address": address, "port": port}


def _record(actor: Actor, verb: str, server: UpdateServer, sentence: str, **about: dict[str, Any]) -> None:
    record(
        actor,
        verb,
        server,
        sentence,
        organization=server.organization,
        target=server.sync_target,
        **about,  # type: ignore[arg-type]
    )


def _server_of(event: Event) -> UpdateServer | None:
    return event.sync_target.update_server if event.sync_target else None


undoable(
    "change_update_server",
    find=_server_of,
    present=lambda server, event: {name: getattr(server, name) for name in ("name", "address", "port")},
    restore=lambda actor, server, event: change_update_server(actor=actor, server=server, **event.before),
    told=lambda server, event: f"The name server {server} is where it was before.",
)
final("A name server that holds no zone is disconnected on its page.", "connect_update_server")
final("A key that was given away is not kept. Give the former one again.", "change_update_key")
