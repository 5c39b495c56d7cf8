"""Who can open a backup: whoever has a private key, or knows a passphrase.

A backup's own random key is sealed to one of these and stands so in the backup's first line. With a public
key, the machine that makes backups cannot open them (libsodium's sealed box: X25519, XSalsa20-Poly1305); with
a passphrase it can (Argon2id, then XSalsa20-Poly1305).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox
from nacl.utils import random

from tenants.keys import is_key, public_half

# What is asked of this machine by a file that somebody may have made to hurt it.
_MOST_OPERATIONS, _MOST_MEMORY = 8, 1 << 30


class Refused(Exception):
    """A backup that cannot be made or read as it is; its text is a sentence for people, and how to go on."""


@dataclass(frozen=True)
class PublicHalf:
    """Seals to a key whose private half is kept elsewhere; `public` is 32 bytes in base64."""

    public: str

    def wrap(self, key: bytes) -> dict[str, Any]:
        sealed = SealedBox(PublicKey(base64.b64decode(self.public))).encrypt(key)
        return {"public_key": self.public, "sealed": _text(sealed)}


@dataclass(frozen=True)
class PrivateHalf:
    private: str = field(repr=False)

    def unwrap(self, seal: Mapping[str, Any]) -> bytes:
        """The backup's key; raises Refused."""
        if "public_key" not in seal:
            raise Refused("This backup was sealed with a passphrase, not to a key. Give the passphrase.")
        here = public_half(self.private)
        if seal["public_key"] != here:
            raise Refused(
                f"This backup was sealed to the key {str(seal['public_key'])[:44]!r}, and yours opens what"
                f" is sealed to {here!r}. Give the other one."
            )
        try:
            box = SealedBox(PrivateKey(base64.b64decode(self.private)))
            return _a_key(box.decrypt(_bytes(seal.get("sealed"))))
        except CryptoError as error:
            raise Refused("The backup's first line is damaged. Take another copy of it.") from error


@dataclass(frozen=True)
class Passphrase:
    """Seals and opens. What it costs to try one passphrase is written into the backup."""

    words: str = field(repr=False)
    operations: int = pwhash.argon2id.OPSLIMIT_MODERATE
    memory: int = pwhash.argon2id.MEMLIMIT_MODERATE

    def wrap(self, key: bytes) -> dict[str, Any]:
        salt = random(pwhash.argon2id.SALTBYTES)
        sealed = SecretBox(self._derived(salt, self.operations, self.memory)).encrypt(key)
        return {
            "salt": _text(salt),
            "operations": self.operations,
            "memory": self.memory,
            "sealed": _text(bytes(sealed)),
        }

    def unwrap(self, seal: Mapping[str, Any]) -> bytes:
        """The backup's key; raises Refused."""
        if "salt" not in seal:
            raise Refused("This backup was sealed to a key, not with a passphrase. Name the key's file.")
        salt, operations, memory = _bytes(seal["salt"]), seal.get("operations"), seal.get("memory")
        if not (
            len(salt) == pwhash.argon2id.SALTBYTES
            and isinstance(operations, int)
            and 0 < operations <= _MOST_OPERATIONS
            and isinstance(memory, int)
            and pwhash.argon2id.MEMLIMIT_MIN <= memory <= _MOST_MEMORY
        ):
            raise Refused("The backup's first line asks for something that no backup needs. It is damaged.")
        try:
            box = SecretBox(self._derived(salt, operations, memory))
            return _a_key(box.decrypt(_bytes(seal.get("sealed"))))
        except CryptoError as error:
            raise Refused(
                "The passphrase does not open this backup. It is another one, or the first line is damaged."
            ) from error

    def _derived(self, salt: bytes, operations: int, memory: int) -> bytes:
        return pwhash.argon2id.kdf(SecretBox.KEY_SIZE, self.words.encode(), salt, operations, memory)


SealsTo = PublicHalf | Passphrase
Opens = PrivateHalf | Passphrase


def private_half(text: str) -> PrivateHalf:
    """What the file of a backup key says; raises Refused."""
    if not is_key(text.strip()):
        raise Refused("This file holds no key of backups: one line with 32 bytes of base64.")
    return PrivateHalf(text.strip())


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _a_key(key: bytes) -> bytes:
    if len(key) != 32:
        raise Refused("The backup's first line is damaged. Take another copy of it.")
    return key
