"""A domain's DKIM keys: made of a seed or taken over with it, retired, removed; what workers computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail_checks import check_soon
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.roles.keys import new_seed
from tenants.formats.roles.kinds import Kind, check_value
from tenants.formats.text import FormatError, check_text, printable
from tenants.formats.zones.seeded_keys import MAX_SEED, seed_bytes
from tenants.models import Domain, Event, SigningKey
from tenants.models.sync import LONG_AGO
from tenants.secrets import Purpose, seal

QUEUE = "images"
MOST = 10
_LEAST_SEED = 16
_LONGEST = 253


@dataclass(frozen=True)
class NewSigningKey:
    """A key and its seed, which nobody is told again; "" for a seed that was given."""

    row: SigningKey
    seed: str = field(repr=False)


@transaction.atomic
def make_signing_key(
    *,
    actor: Actor,
    domain: Domain,
    selector: str,
    algorithm: str = SigningKey.Algorithm.RSA_2048,
    seed: str = "",
) -> NewSigningKey:
    """Make a key of a random seed, or keep the one of a signer that runs already (`seed`, base64).

    A worker computes the public key soon after.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.SIGNING_KEY, domain.organization)
    selector, seed = _checked(domain, selector, algorithm, seed)
    lock(domain)
    if SigningKey.objects.filter(domain=domain).count() >= MOST:
        raise Conflict(f"{domain} has {MOST} keys already. Remove one that was retired.")
    fresh = "" if seed else new_seed()
    try:
        with transaction.atomic():
            row = SigningKey.objects.create(
                domain=domain,
                selector=selector,
                algorithm=algorithm,
                sealed_seed=seal(Purpose.DKIM_SEED, seed or fresh),
            )
    except IntegrityError as error:
        raise Invalid.of(
            "selector", f"“{selector}” has a key already.", "Choose another, such as the next year."
        ) from error
    outbox.hint_on_commit("compute_signing_key", row.pk, QUEUE)
    record(
        actor,
        "make_signing_key",
        row,
        f"The DKIM key {row.selector} of {domain} was {'made' if fresh else 'taken over'}.",
        domain=domain,
        after={"selector": row.selector, "algorithm": row.algorithm},
    )
    return NewSigningKey(row, fresh)


def _checked(domain: Domain, selector: str, algorithm: str, seed: str) -> tuple[str, str]:
    checks = Checks()
    with checks:
        selector = check_text(selector, field="selector", maximum=63).strip().lower()
        check_value(Kind.SELECTOR, selector, field="selector")
        if len(f"{selector}._domainkey.{domain.name}") > _LONGEST:
            raise FormatError("selector", "The name of its record is too long.", "Choose a shorter one.")
    with checks:
        seed = check_text(seed, field="seed", maximum=MAX_SEED).strip()
        if seed and len(seed_bytes(seed)) < _LEAST_SEED:
            raise FormatError(
                "seed", "The seed is too short to be secret.", "Leave it empty, and Rookery makes one."
            )
    if algorithm not in SigningKey.Algorithm.values:
        said = f"“{printable(algorithm, 40)}” is no choice."
        checks.problems.append(
            Problem("algorithm", said, f"Choose {', '.join(SigningKey.Algorithm.values)}.")
        )
    checks.finish()
    return selector, seed


@transaction.atomic
def switch_signing_key(*, actor: Actor, key: SigningKey, in_use: bool) -> None:
    """Say that a key signs no more (the checks forget it, mails that it signed still need its record), or
    that it does again."""
    access.require(actor, access.Verb.CHANGE, key)
    lock(key)
    if (key.retired_at is None) == in_use:
        return
    key.retired_at = None if in_use else timezone.now()
    key.save(update_fields=["retired_at"])
    check_soon(key.domain)
    record(
        actor,
        "switch_signing_key",
        key,
        f"The DKIM key {key.selector} of {key.domain} {'is used again' if in_use else 'was retired'}.",
        domain=key.domain,
        before={"in_use": not in_use},
        after={"in_use": in_use},
    )


@transaction.atomic
def remove_signing_key(*, actor: Actor, key: SigningKey) -> None:
    """Forget a retired key and its seed for good."""
    access.require(actor, access.Verb.DELETE, key)
    lock(key)
    if key.retired_at is None:
        raise Conflict(f"{key.selector} signs mail. Retire it first.")
    record(
        actor,
        "remove_signing_key",
        key,
        f"The DKIM key {key.selector} of {key.domain} was removed with its seed.",
        domain=key.domain,
        before={"selector": key.selector, "algorithm": key.algorithm},
    )
    key.delete()


@transaction.atomic
def record_public_key(*, actor: Actor, key: SigningKey, public_key: str = "", problem: str = "") -> None:
    """Keep what a worker computed of a key's seed, or why it could not."""
    if not actor.system:
        raise Forbidden("Only Rookery's workers compute keys.")
    lock(key)
    key.public_key, key.problem, key.claimed_until = public_key, problem[:200], LONG_AGO
    key.save(update_fields=["public_key", "problem", "claimed_until"])
    check_soon(key.domain)


def _key_of(event: Event) -> SigningKey | None:
    selector = event.subject.partition("._domainkey.")[0]
    return SigningKey.objects.filter(domain=event.domain_id, selector=selector).first()


undoable(
    "switch_signing_key",
    find=_key_of,
    present=lambda key, event: {"in_use": key.retired_at is None},
    restore=lambda actor, key, event: switch_signing_key(actor=actor, key=key, in_use=event.before["in_use"]),
    told=lambda key, event: (
        f"The DKIM key {key.selector} {'is used again' if event.before['in_use'] else 'is retired again'}."
    ),
)
final("Retire the key, and remove it then.", "make_signing_key")
final("Its seed is gone. Make a new key under another selector.", "remove_signing_key")
final("This notes what a worker computed; nothing was changed.", "record_public_key")
