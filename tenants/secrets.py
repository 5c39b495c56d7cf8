"""Secrets sealed to the workers' public key: the web process can write one but not read it.

A sealed secret names its purpose inside the seal, so that one cannot be moved to another field and be
opened there. Sealing is libsodium's sealed box (X25519, XSalsa20-Poly1305, anonymous sender).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import StrEnum

from django.conf import settings
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox


class Purpose(StrEnum):
    MAILBOX_HASH = "mailbox-hash"
    SSH_KEY = "ssh-key"
    MAIL_BODY = "mail-body"
    TSIG_KEY = "tsig-key"
    AUTHORITY_KEY = "authority-key"
    ARGUMENT = "argument"
    DKIM_SEED = "dkim-seed"


class CannotOpen(Exception):
    """This process does not hold the workers' key, or the value was not sealed for this purpose."""


def seal(purpose: Purpose, clear: str) -> bytes:
    """Seal `clear` so that only a worker can open it, and only as `purpose`."""
    key = PublicKey(base64.b64decode(settings.WORKERS_PUBLIC_KEY))
    return SealedBox(key).encrypt(f"{purpose.value}\0{clear}".encode())


class Opener:
    """Opens sealed secrets; holds the workers' private key. Only worker processes can make one."""

    def __init__(self, private_key: str | None = None) -> None:
        text = settings.WORKERS_KEY if private_key is None else private_key
        if not text:
            raise CannotOpen("This process does not hold the workers' key (ROOKERY_WORKERS_KEY_FILE).")
        try:
            self._box = SealedBox(PrivateKey(base64.b64decode(text)))
        except (binascii.Error, ValueError, TypeError) as error:
            raise CannotOpen("The workers' key is not 32 bytes of base64.") from error
        self._mark_key = hashlib.blake2b(base64.b64decode(text), person=b"rookery-mark").digest()

    def open(self, purpose: Purpose, sealed: bytes) -> str:
        """Return the clear text of `sealed`; raises CannotOpen for another key, purpose or a changed byte."""
        try:
            clear = self._box.decrypt(bytes(sealed))
        except CryptoError as error:
            raise CannotOpen(
                f"A stored secret ({purpose.value}) was sealed with another key than the workers have now."
            ) from error
        label, _, text = clear.partition(b"\0")
        if label != purpose.value.encode():
            raise CannotOpen(f"A stored secret was sealed for another purpose than {purpose.value}.")
        return text.decode()

    def mark(self, clear: bytes) -> str:
        """A fingerprint that tells equal from different, and nothing to whoever lacks the workers' key."""
        return hashlib.blake2b(clear, key=self._mark_key, digest_size=16).hexdigest()
