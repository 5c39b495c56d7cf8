"""DKIM signatures read by dkimpy, which shares nothing with the sandbox's signer."""

from __future__ import annotations

import dkim


def verified(raw: bytes, public: str) -> bool:
    """Whether the topmost DKIM-Signature holds with this public key (base64)."""
    record = f"v=DKIM1; k=rsa; p={public}".encode()

    def answer(name: bytes, timeout: float = 5) -> bytes:
        return record

    return bool(dkim.verify(raw, dnsfunc=answer))
