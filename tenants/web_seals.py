"""Secrets that the web process itself has to read: seeds of authenticator apps, and nothing else.

All other secrets are sealed to the workers' key, because only workers use them (`tenants.secrets`). A code of
an authenticator app has to be checked while its person waits at the sign-in, in the web process, which
therefore can open its seed. Sealing keeps the seeds out of copies of the database: whoever has one of those
needs the web's secret too. Each seal is bound to one account, so that a seed cannot be moved to another.
"""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError

_NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES


class CannotOpenSeed(Exception):
    """The web's secret is another one than when this was sealed, or it was sealed for another account."""


def _key() -> bytes:
    return hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"rookery-seeds").digest()


def _bound_to(account_id: int) -> bytes:
    return f"authenticator app of {account_id}".encode()


def seal_seed(account_id: int, seed: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(seed, _bound_to(account_id), nonce, _key())


def open_seed(account_id: int, sealed: bytes) -> bytes:
    """Return the seed; raises CannotOpenSeed."""
    nonce, text = bytes(sealed[:_NONCE_BYTES]), bytes(sealed[_NONCE_BYTES:])
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(text, _bound_to(account_id), nonce, _key())
    except (CryptoError, ValueError) as error:
        raise CannotOpenSeed(
            "The seed of an authenticator app was sealed with another secret (ROOKERY_SECRET_KEY)."
        ) from error
