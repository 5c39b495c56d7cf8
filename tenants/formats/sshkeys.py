"""SSH keys: making one, and fingerprints as OpenSSH prints them."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def fingerprint(line: str) -> str:
    """`SHA256:…` of a public key line (`ssh-ed25519 AAAA… comment`).

    Raises ValueError for a line that holds no key.
    """
    parts = line.split()
    if len(parts) < 2:
        raise ValueError("no key in this line")
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except binascii.Error as error:
        raise ValueError("the key is not base64") from error
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")
    return f"SHA256:{digest}"


def new_ssh_key(comment: str) -> tuple[str, str]:
    """A fresh ed25519 key: (private in OpenSSH form, public line)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, f"{public.decode()} {comment}"
