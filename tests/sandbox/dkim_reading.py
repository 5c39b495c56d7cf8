"""A reading of DKIM signatures that shares nothing with the signer of the sandbox."""

from __future__ import annotations

import base64
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def verified(raw: bytes, public: str) -> bool:
    """Whether the topmost DKIM-Signature holds. Written from RFC 6376 §3.4 and §3.7, not from the signer."""
    head, body = raw.split(b"\r\n\r\n", 1)
    fields = re.findall(rb"(?ms)^([!-9;-~]+)[ \t]*:(.*?)\r\n(?![ \t])", head + b"\r\n")
    own = next(value for name, value in fields if name.lower() == b"dkim-signature")
    pairs = (piece.split(b"=", 1) for piece in re.sub(rb"\s+", b"", own).split(b";") if piece)
    tags = dict(pairs)
    stripped = re.sub(rb"(?m)[ \t]+$", b"", re.sub(rb"[ \t]+", b" ", body.replace(b"\r\n", b"\n")))
    full = stripped.rstrip(b"\n")
    canonical = (full + b"\n" if full else b"").replace(b"\n", b"\r\n")
    if base64.b64encode(hashlib.sha256(canonical).digest()) != tags[b"bh"]:
        return False

    def relaxed(name: bytes, value: bytes) -> bytes:
        return name.lower() + b":" + b" ".join(value.split())

    text = b""
    for name in tags[b"h"].split(b":"):
        text += relaxed(name, [value for each, value in fields if each.lower() == name][-1]) + b"\r\n"
    empty = re.sub(rb"(;\s*b=)[^;]*", rb"\1", own)
    text += relaxed(b"dkim-signature", empty)
    key = load_der_public_key(base64.b64decode(public))
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(base64.b64decode(tags[b"b"]), text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
