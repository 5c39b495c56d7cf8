"""SSH public key lines and their fingerprints, as OpenSSH prints them."""

from __future__ import annotations

import base64
import binascii
import hashlib


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
