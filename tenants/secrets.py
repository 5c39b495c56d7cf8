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

from tenants.keys import WorkersKeys


class Purpose(StrEnum):
    MAILBOX_HASH = "mailbox-hash"
    SSH_KEY = "ssh-key"
    MAIL_BODY = "mail-body"
    TSIG_KEY = "tsig-key"
    AUTHORITY_KEY = "authority-key"
    ARGUMENT = "argument"
    DKIM_SEED = "dkim-seed"
    CANARY = "canary"
    WEBHOOK = "webhook"


class CannotOpen(Exception):
    """This process does not hold the workers' key, or the value was not sealed for this purpose."""


def seal(purpose: Purpose, clear: str) -> bytes:
    """Seal `clear` so that only a worker can open it, and only as `purpose`."""
    key = PublicKey(base64.b64decode(settings.WORKERS_PUBLIC_KEY))
    return SealedBox(key).encrypt(f"{purpose.value}\0{clear}".encode())


class Opener:
    """Opens sealed secrets; holds the workers' private key. Only worker processes can make one."""

    def __init__(self, held: WorkersKeys | None = None) -> None:
        """Raises CannotOpen where the process was given no key, neither by `held` nor by its settings."""
        if held is None:
            held = WorkersKeys(settings.WORKERS_KEY, settings.WORKERS_FORMER_KEYS, settings.WORKERS_MARKS)
        if not held.current:
            raise CannotOpen("This process does not hold the workers' key (ROOKERY_WORKERS_KEY_FILE).")
        try:
            private = [PrivateKey(base64.b64decode(each)) for each in (held.current, *held.former)]
        except (binascii.Error, ValueError, TypeError) as error:
            raise CannotOpen("The workers' key is not 32 bytes of base64.") from error
        self._boxes, self._to_current = (
            [SealedBox(each) for each in private],
            SealedBox(private[0].public_key),
        )
        self._mark_key = hashlib.blake2b(base64.b64decode(held.marks), person=b"rookery-mark").digest()

    def open(self, purpose: Purpose, sealed: bytes) -> str:
        """Return the clear text of `sealed`; raises CannotOpen for another key, purpose or a changed byte."""
        found = self._unseal(sealed)
        if found is None:
            raise CannotOpen(
                f"A stored secret ({purpose.value}) was sealed with another key than the workers have now."
            )
        label, _, text = found[1].partition(b"\0")
        if label != purpose.value.encode():
            raise CannotOpen(f"A stored secret was sealed for another purpose than {purpose.value}.")
        return text.decode()

    def sealed_anew(self, sealed: bytes) -> bytes | None:
        """The same secret, for the same purpose, sealed to the key in use; None where it is so already.

        Raises CannotOpen if none of the keys opens it.
        """
        found = self._unseal(sealed)
        if found is None:
            raise CannotOpen("A stored secret was sealed with another key than the workers have now.")
        position, clear = found
        return self._to_current.encrypt(clear) if position else None

    def _unseal(self, sealed: bytes) -> tuple[int, bytes] | None:
        """Which of the keys opens it (0 is the one in use), and what it opens to."""
        for position, box in enumerate(self._boxes):
            try:
                return position, box.decrypt(bytes(sealed))
            except CryptoError:
                continue
        return None

    def mark(self, clear: bytes) -> str:
        """A fingerprint that tells equal from different, and nothing to whoever lacks the workers' key."""
        return hashlib.blake2b(clear, key=self._mark_key, digest_size=16).hexdigest()
