"""Computing the public keys of DKIM signers from their seeds: once each, for 4096 bits take seconds."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from tenants.actions.signing_keys import record_public_key
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.text import FormatError
from tenants.formats.zones.seeded_keys import dkim_key_ed25519, dkim_key_rsa
from tenants.models import SigningKey
from tenants.secrets import CannotOpen, Opener, Purpose
from workers.errands.claims import claim

# The slowest key takes half a minute on a quiet machine.
SECONDS = 280
CLAIM = timedelta(seconds=SECONDS + 40)
AT_ONCE = 20


def unknown_keys() -> QuerySet[SigningKey]:
    """Keys that nobody computed yet, the oldest first."""
    return SigningKey.objects.filter(SigningKey.UNKNOWN, claimed_until__lte=Now()).order_by("pk")


def compute(key_id: int, opener: Opener) -> bool:
    """Compute one key unless somebody does or it is known; returns whether it was done."""
    row = claim(unknown_keys(), key_id, CLAIM, "domain__organization")
    if row is None:
        return False
    public, problem = "", ""
    try:
        public = _public_key(row.algorithm, opener.open(Purpose.DKIM_SEED, bytes(row.sealed_seed)))
    except CannotOpen as error:
        problem = str(error)
    except FormatError as error:
        problem = f"{error.problem} {error.fix}"
    try:
        record_public_key(actor=Actor.rookery(), key=row, public_key=public, problem=problem)
    except Absent:  # removed meanwhile
        return False
    return True


def _public_key(algorithm: str, seed: str) -> str:
    if algorithm == SigningKey.Algorithm.ED25519:
        return dkim_key_ed25519(seed)
    return dkim_key_rsa(seed, int(algorithm.removeprefix("rsa-")))
