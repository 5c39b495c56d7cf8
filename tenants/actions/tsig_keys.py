"""TSIG keys: made, shown once, replaced while both are valid, removed."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_kept
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.text import FormatError, check_text, printable
from tenants.formats.zones.keyfile import TsigKey as FileKey
from tenants.formats.zones.keyfile import emit_keys
from tenants.formats.zones.names import ROOT, Name
from tenants.models import Repository, SyncTarget, TsigKey, Zone
from tenants.secrets import Purpose, seal

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_SECRET_BYTES = 32


@dataclass(frozen=True)
class NewKey:
    """A key and its secret in base64, which nobody is told again."""

    row: TsigKey
    secret: str = field(repr=False)

    def unikernel_string(self) -> str:
        """`name:SHA256:secret`, as unikernels and their tools take it. A secret."""
        return f"{self.row.name}:{self.row.algorithm}:{self.secret}"


@transaction.atomic
def create_key(
    *, actor: Actor, repository: Repository, zone: Zone | None, used_by: str, right: str
) -> NewKey:
    """Make a key of a zone, or without one of every zone in the repository. Its secret is told once."""
    access.require(actor, access.Verb.CHANGE, zone if zone is not None else repository)
    access.require_create(actor, access.Kind.TSIG_KEY, repository.organization)
    label = check_label(used_by)
    if right not in TsigKey.Right.values:
        raise Invalid.of(
            "right", f"“{printable(right, 40)}” is no choice.", "Choose update, transfer or notify."
        )
    if zone is not None and zone.target.repository != repository:
        raise Invalid.of("zone", f"{zone} is in another repository.", "Choose a zone of this repository.")
    if zone is not None:
        lock_kept(zone)
    target = _marked(repository)
    new = insert_key(repository, zone, label, right, target.generation)
    _record(
        actor,
        "create_key",
        new.row,
        f"The key {new.row} was made: it may {new.row.get_right_display()}.",
        after={"name": new.row.name, "right": right},
    )
    return new


def check_label(label: str) -> str:
    """The free part of a key's name. Clients cut the name after one label, so it has no dot."""
    with (checks := Checks()):
        label = check_text(label, field="used_by", maximum=40).strip().lower()
    checks.finish()
    if not _LABEL.fullmatch(label):
        raise Invalid.of(
            "used_by",
            f"“{printable(label, 60)}” cannot begin a key's name.",
            "Use letters, digits and hyphens, for example letsencrypt.",
        )
    return label


def insert_key(
    repository: Repository,
    zone: Zone | None,
    label: str,
    right: str,
    generation: int,
    *,
    own: bool = False,
    replaces: TsigKey | None = None,
    known: FileKey | None = None,
) -> NewKey:
    """The row of a new key with a random secret, or of one that is `known`. Raises Invalid when the primary
    would not take its name."""
    name = f"{label}._{right}" + (f".{zone.name}" if zone is not None else "")
    secret, algorithm = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(), "SHA256"
    if known is not None:
        name, secret, algorithm = known.name.short, known.secret, known.algorithm
    try:
        emit_keys(Name.of(zone.name) if zone else ROOT, [FileKey(Name.of(name), algorithm, secret)])
    except FormatError as error:
        raise Invalid.of("used_by", error.problem, error.fix) from error
    except ValueError as error:
        raise Invalid.of("used_by", "The key's name is too long.", "Choose a shorter one.") from error
    try:
        with transaction.atomic():
            row = TsigKey.objects.create(
                repository=repository,
                zone=zone,
                name=name,
                right=right,
                algorithm=algorithm,
                sealed_secret=seal(Purpose.TSIG_KEY, secret),
                own=own,
                replaces=replaces,
                generation=generation,
            )
    except IntegrityError as error:
        raise Conflict(f"There is a key {name} already, or it is still being removed.") from error
    return NewKey(row, secret)


@transaction.atomic
def rotate_key(*, actor: Actor, key: TsigKey) -> NewKey:
    """Make the key that follows this one; both are valid until this one is removed.

    Give the new one to whoever uses the old one, then remove the old one.
    """
    access.require(actor, access.Verb.CHANGE, key)
    lock(key)
    if key.removed:
        raise Conflict(f"{key} is being removed.")
    if TsigKey.objects.filter(replaces=key).exists():
        raise Conflict(f"{key} has a successor already. Switch to it, then remove this one.")
    if hasattr(key, "secondary"):
        raise Conflict(
            "The name of this key tells the secondary's address. Remove that server, and add it anew."
        )
    target = _marked(key.repository)
    new = insert_key(
        key.repository,
        key.zone,
        _next_label(key),
        key.right,
        target.generation,
        own=key.own,
        replaces=key,
    )
    _record(
        actor,
        "rotate_key",
        new.row,
        f"The key {new.row} follows {key}; both are valid until {key} is removed.",
        after={"name": new.row.name, "replaces": key.name},
    )
    return new


def _next_label(key: TsigKey) -> str:
    """personal → personal-2 → personal-3."""
    label = key.name.partition("._")[0]
    stem, _, number = label.rpartition("-")
    taken = set(TsigKey.objects.filter(repository=key.repository).values_list("name", flat=True))
    stem, count = (stem, int(number)) if stem and number.isdigit() and len(number) < 6 else (label, 1)
    rest = key.name[len(label) :]
    while True:
        count += 1
        if f"{stem}-{count}{rest}" not in taken:
            return check_label(f"{stem}-{count}")


@transaction.atomic
def remove_key(*, actor: Actor, key: TsigKey) -> None:
    """Take a key from the primary; one that another follows only after that one was proved to be there."""
    access.require(actor, access.Verb.DELETE, key)
    lock(key)
    if key.removed:
        return
    if hasattr(key, "secondary"):
        raise Conflict(f"{key.secondary} transfers the zone with this key. Remove that server first.")
    successor = TsigKey.objects.filter(replaces=key, removed=False).first()
    if successor is None and key.own:
        raise Conflict("With this key Rookery tells the primary of changes. Rotate it instead.")
    if successor is not None and successor.generation > key.repository.sync_target.observed_generation:
        raise Conflict(f"{successor} has not reached the primary yet. Wait for it, then remove this one.")
    target = _marked(key.repository)
    key.removed, key.generation = True, target.generation
    key.save(update_fields=["removed", "generation"])
    _record(
        actor,
        "remove_key",
        key,
        f"The key {key} was removed; whoever uses it is refused from now on.",
        before={"name": key.name, "right": key.right},
    )


def _marked(repository: Repository) -> SyncTarget:
    target = repository.sync_target
    outbox.mark([target])
    return target


def _record(actor: Actor, verb: str, key: TsigKey, sentence: str, **about: dict[str, str]) -> None:
    record(
        actor,
        verb,
        key,
        sentence,
        organization=key.repository.organization,
        domain=key.zone.domain if key.zone else None,
        target=key.repository.sync_target,
        **about,  # type: ignore[arg-type]
    )


final("Remove the key instead: whoever uses it is refused then.", "create_key")
final("Remove one of the two keys.", "rotate_key")
final("A secret that was withdrawn stays withdrawn. Make a new key.", "remove_key")
